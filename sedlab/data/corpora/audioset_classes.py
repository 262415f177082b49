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

from sedlab.data.corpora.audioset import audioset_classes, display_names
from sedlab.data.tables import Corpus

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
#: Label spaces that do not depend on a corpus; see `label_space`.
LABEL_SPACES = ("train447", "all456")


def label_space(name: str, corpus: Corpus | None = None) -> tuple[str, ...]:
    """Return the AudioSet ids of a label space, sorted by English name.

    Parameters
    ----------
    name : str
        "present": the classes of the corpus's training clips. "train447": the strong labels of the real training part.
        "all456": also those that only the evaluation part has.
    corpus : Corpus
        Needed for "present".
    """
    if name == "present":
        assert corpus is not None
        return audioset_classes(corpus)
    kept = [mid for mid in display_names() if name == "all456" or is_trained(mid)]
    return tuple(sorted(kept, key=lambda mid: display_names()[mid]))


def is_trained(label: str) -> bool:
    """Say whether training clips of the real AudioSet strong have this label (an AudioSet id, or any other name)."""
    return display_names().get(label, label) not in EVAL_ONLY


def published_classes(num_classes: int) -> tuple[str, ...] | None:
    """Return the English names of a published network's ``num_classes`` classes; None for a number that none has."""
    strong = [readable(label_space(name)) for name in LABEL_SPACES]
    spaces = {len(space): space for space in (*strong, clip_level_names())}
    return spaces.get(num_classes)


def readable(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``classes`` with AudioSet ids ("MIDs") replaced by their English names; others stay."""
    names = display_names()
    return tuple(names.get(name, name) for name in classes)


@lru_cache(maxsize=1)
def clip_level_names() -> tuple[str, ...]:
    """Return the English names of the 527 clip-level classes, in AudioSet's order."""
    text = resources.files(__package__).joinpath("audioset_labels.csv").read_text(encoding="utf-8")
    return tuple(row["display_name"] for row in csv.DictReader(text.splitlines()))
