"""Label spaces of DCASE 2024 Task 4: classes, aliases, valid-class masks.

The 27 classes are the 10 of DESED followed by the 17 of MAESTRO Real, in the order of the published system, so that its
checkpoints and pseudo-labels can be read. DESED clips say nothing about most MAESTRO classes and the other way round;
the masks say which classes a clip's annotation can speak about.

Source: published system of CP-JKU, arXiv 2408.00791, and its code's class tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sedlab.errors import SedlabError, nearest

DESED_CLASSES: tuple[str, ...] = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)

MAESTRO_CLASSES: tuple[str, ...] = (
    "cutlery and dishes",
    "furniture dragging",
    "people talking",
    "children voices",
    "coffee machine",
    "footsteps",
    "large_vehicle",
    "car",
    "brakes_squeaking",
    "cash register beeping",
    "announcement",
    "shopping cart",
    "metro leaving",
    "metro approaching",
    "door opens/closes",
    "wind_blowing",
    "birds_singing",
)

CLASSES: tuple[str, ...] = DESED_CLASSES + MAESTRO_CLASSES

#: The MAESTRO classes that enter the segment-based mean partial AUROC.
MAESTRO_EVAL_CLASSES: tuple[str, ...] = (
    "cutlery and dishes",
    "people talking",
    "children voices",
    "footsteps",
    "large_vehicle",
    "car",
    "brakes_squeaking",
    "metro leaving",
    "metro approaching",
    "wind_blowing",
    "birds_singing",
)

#: Duplicate an event of the key's class under the value's class. Order matters where two events meet in one frame.
MAESTRO_TO_DESED: tuple[tuple[str, str], ...] = (
    ("people talking", "Speech"),
    ("children voices", "Speech"),
    ("announcement", "Speech"),
    ("cutlery and dishes", "Dishes"),
)
DESED_TO_MAESTRO: tuple[tuple[str, str], ...] = (
    ("Dishes", "cutlery and dishes"),
    ("Speech", "people talking"),
)

#: A soft label (the share of annotators who heard the sound) counts as active above this.
SOFT_THRESHOLD = 0.5

#: Length of the class-wise median filter in output frames of 64 ms.
MEDIAN_FILTER_FRAMES: dict[str, int] = dict(
    zip(
        CLASSES,
        (3, 9, 9, 5, 5, 5, 9, 7, 11, 9, 7, 3, 9, 13, 7, 1, 13, 3, 13, 7, 5, 5, 1, 13, 17, 13, 15),
        strict=True,
    )
)


def class_index(label: str, classes: Sequence[str] = CLASSES) -> int:
    """Return the position of ``label`` in ``classes``.

    Raises
    ------
    SedlabError
        For an unknown class, with the nearest known name.
    """
    try:
        return classes.index(label)
    except ValueError:
        raise SedlabError(f"unknown class {label!r}.{nearest(label, classes)}") from None


def classes_mask(valid: Iterable[str], classes: Sequence[str] = CLASSES) -> np.ndarray:
    """Return a boolean mask (classes,) that is true for the classes in ``valid``."""
    mask = np.zeros(len(classes), dtype=bool)
    mask[[class_index(label, classes) for label in valid]] = True
    return mask


def valid_classes(corpus: str, *, training: bool) -> np.ndarray:
    """Return the valid-class mask (27,) of a clip of ``corpus`` ("desed" or "maestro").

    In training, aliased labels make some classes of the other corpus valid too: DESED clips then also speak about
    "cutlery and dishes" and "people talking". MAESTRO clips keep "Dishes" and "Speech" in evaluation as well.
    """
    if corpus == "desed":
        aliased = tuple(target for _, target in DESED_TO_MAESTRO) if training else ()
        return classes_mask(DESED_CLASSES + aliased)
    if corpus == "maestro":
        return classes_mask(MAESTRO_CLASSES + tuple(dict.fromkeys(target for _, target in MAESTRO_TO_DESED)))
    raise SedlabError(f"unknown corpus {corpus!r}: expected 'desed' or 'maestro'.")
