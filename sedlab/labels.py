"""Label spaces: the classes of DCASE 2024 Task 4, those of one's own recordings, aliases, valid-class masks.

The task's 27 classes are the 10 of DESED followed by the 17 of MAESTRO Real, in the order of the published system, so
that its checkpoints and pseudo-labels can be read. One's own recordings bring classes of their own, alone or beside
those 27. DESED clips say nothing about most MAESTRO classes and the other way round; the masks say which classes a
clip's annotation can speak about.

Source: published system of CP-JKU, arXiv 2408.00791, and its code's class tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sedlab.errors import SedlabError, count_of, nearest

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

#: The same of classes without a published length: that of all classes in the task's baselines up to 2023.
DEFAULT_MEDIAN_FRAMES = 7


@dataclass(frozen=True)
class LabelSpace:
    """The classes that networks of a corpus tell apart, and which of them the annotation of its parts speaks about.

    A part is named by its family: "desed", "maestro", or "own" for one's own recordings.

    Parameters
    ----------
    own : tuple of str
        The classes of one's own recordings, in their order; none where there are no such recordings.
    dcase : bool
        Whether the 27 classes of the task are told apart too, as where DESED or MAESTRO lie beside the own recordings.
    """

    own: tuple[str, ...] = ()
    dcase: bool = True

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """All classes, in the order of a network's outputs: the task's, then own ones of other names."""
        task = CLASSES if self.dcase else ()
        return (*task, *(label for label in self.own if label not in task))

    def annotated(self, family: str) -> tuple[str, ...]:
        """Return the classes that people marked in the clips of a family.

        Raises
        ------
        SedlabError
            For a family without classes of this space.
        """
        known = {"desed": DESED_CLASSES, "maestro": MAESTRO_CLASSES} if self.dcase else {}
        if self.own:
            known["own"] = self.own
        if family not in known:
            raise SedlabError(f"no annotation of {family!r} in this label space: expected {' or '.join(known)}.")
        return known[family]

    def evaluated(self, family: str) -> tuple[str, ...]:
        """Return the classes that scores of a family are evaluated for: of MAESTRO fewer than are annotated."""
        return MAESTRO_EVAL_CLASSES if family == "maestro" and self.dcase else self.annotated(family)

    def aliases(self, family: str) -> tuple[tuple[str, str], ...]:
        """Return (class, what the other corpus of the task calls the same sound) for events in training."""
        return {"desed": DESED_TO_MAESTRO, "maestro": MAESTRO_TO_DESED}.get(family, ()) if self.dcase else ()

    def valid(self, family: str, *, training: bool, aliased: bool = True) -> np.ndarray:
        """Return the mask (classes,) of those that the annotation of a family can speak about.

        In training, aliased labels make some classes of the other corpus valid too: DESED clips then also speak about
        "cutlery and dishes" and "people talking". MAESTRO clips keep "Dishes" and "Speech" in evaluation as well.

        Parameters
        ----------
        aliased : bool
            Whether training events are doubled under their other name.
        """
        counts = {"desed": training and aliased, "maestro": aliased or not training}.get(family, False)
        others = (target for _, target in self.aliases(family)) if counts else ()
        return classes_mask(dict.fromkeys((*self.annotated(family), *others)), self.classes)

    def desed_mask(self, *, aliased: bool = True) -> np.ndarray:
        """Return the mask (classes,) of those that annotation other than MAESTRO's speaks about in training."""
        mask = np.zeros(len(self.classes), dtype=bool)
        for family in (("desed",) if self.dcase else ()) + (("own",) if self.own else ()):
            mask |= self.valid(family, training=True, aliased=aliased)
        return mask


def difference(found: Sequence[str], expected: Sequence[str]) -> str:
    """Return in words how the classes of a network or a file differ from those that are expected."""
    missing = [label for label in expected if label not in found]
    extra = [label for label in found if label not in expected]
    if missing or extra:
        parts = [f"not {label!r}" for label in missing[:1]] + [f"{label!r} as well" for label in extra[:1]]
        what = f" ({', '.join(parts)})"
    else:
        what = ", in another order"
    return f"tells {count_of(len(found), 'class', 'classes')} apart{what} where the corpus has {len(expected)}"


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
    """Return the valid-class mask (27,) of a clip of ``corpus`` ("desed" or "maestro"), see `LabelSpace.valid`."""
    return DCASE.valid(corpus, training=training)


#: The space of the task's own corpora.
DCASE = LabelSpace()
