"""Class names of the published AudioSet networks, in the order of their scores.

| classes | space | order |
| --- | --- | --- |
| 447 | strong labels of the training part: 456 less those that only the evaluation part has | by English name |
| 456 | all strong labels | by English name |
| 527 | clip-level labels of AudioSet | of its index file |

Source: Google AudioSet, https://research.google.com/audioset, CC BY 4.0; arXiv 2409.09546 for the 447 classes.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib import resources

from sedlab.data.audioset import display_names

#: Strong labels that occur in the evaluation part alone.
EVAL_ONLY = (
    "Heart murmur",
    "Outside, rural or natural",
    "Silence",
    "Source-ambiguous sounds",
    "Specific impact sounds",
    "Studio recording",
    "Throbbing",
    "Unmodified field recording",
    "Vibration",
)


def published_classes(num_classes: int) -> tuple[str, ...] | None:
    """Return the English names of a published network's ``num_classes`` classes; None for a number that none has."""
    strong = tuple(sorted(display_names().values()))
    trained = tuple(name for name in strong if name not in EVAL_ONLY)
    spaces = {len(space): space for space in (trained, strong, clip_level_names())}
    return spaces.get(num_classes)


def readable(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``classes`` with AudioSet ids ("MIDs") replaced by their English names; others stay."""
    names = display_names()
    return tuple(names.get(name, name) for name in classes)


@lru_cache(maxsize=1)
def clip_level_names() -> tuple[str, ...]:
    """Return the English names of the 527 clip-level classes, in AudioSet's order."""
    text = resources.files("sedlab.data").joinpath("audioset_labels.csv").read_text(encoding="utf-8")
    return tuple(row["display_name"] for row in csv.DictReader(text.splitlines()))
