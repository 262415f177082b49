"""One's own recordings with classes of their own, as `sedlab data import` lays them out under ``own/``.

Tables are those of DESED with other labels. ``own/classes.txt`` names the classes, one a line, in the order of a
network's outputs; it decides how many there are wherever classes count.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sedlab.config.data import DataConfig
from sedlab.data.corpora import reading
from sedlab.data.corpora.desed import read_strong, read_unlabeled, read_weak
from sedlab.data.corpora.layout import OWN_CLASSES, OWN_SUBSETS, SUBSETS, Subset
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError, os_problem, short
from sedlab.files import write_text
from sedlab.labels import DCASE, LabelSpace

# As `sedlab.scoring.names.ALL`.
_ALL = "all"
_REMEDY = "Write one class a line, or import the recordings again: sedlab data import."


def read_own(root: Path, subset: Subset, config: DataConfig) -> Corpus:
    """Return the clips and events of one subset of one's own recordings."""
    space = label_space_of(root)
    if subset.label_kind == "strong":
        clips, events = read_strong(root, subset, space.own)
    elif subset.label_kind == "weak":
        clips, events = read_weak(root, subset, space.own)
    else:
        clips, events = read_unlabeled(root, subset)
    clips = reading.clips_with_audio(clips, root, subset)
    events = events[events["clip_id"].isin(clips["clip_id"])].reset_index(drop=True)
    return Corpus(clips=clips, events=events, root=root, aliased=config.alias_labels, space=space)


def label_space_of(root: Path) -> LabelSpace:
    """Return the label space of the corpus under ``root``, from the files that are there.

    Own recordings alone have their own classes; beside a set of DESED or MAESTRO they come after the task's.

    Raises
    ------
    SedlabError
        When there are own recordings, but no usable list of their classes.
    """
    if not any(SUBSETS[name].is_there(root) for name in OWN_SUBSETS):
        return DCASE
    beside = any(subset.is_there(root) for subset in SUBSETS.values() if subset.family in ("desed", "maestro"))
    return LabelSpace(own=read_own_classes(root), dcase=beside)


def read_own_classes(root: Path) -> tuple[str, ...]:
    """Return the classes of one's own recordings, in their order; raises SedlabError as `label_space_of`."""
    path = root / OWN_CLASSES
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SedlabError(f"{path}: not there; it names the classes of own/. {_REMEDY}") from None
    except UnicodeDecodeError:
        raise SedlabError(f"{path}: not UTF-8 text. {_REMEDY}") from None
    except OSError as error:
        raise SedlabError(os_problem(error, path)) from None
    classes = [line.strip() for line in text.splitlines()]
    while classes and not classes[-1]:
        classes.pop()
    return check_own_classes(classes, path)


def check_own_classes(classes: Sequence[str], source: Path) -> tuple[str, ...]:
    """Return ``classes`` if networks and tables can hold them; SedlabError that names the first that they cannot."""
    if not classes:
        raise SedlabError(f"{source}: names no class. {_REMEDY}")
    for place, label in enumerate(classes):
        if not label or label != label.strip() or not label.isprintable():
            wrong = "an empty name" if not label.strip() else f"{short(label)}, which has characters no name has"
        elif "," in label:
            wrong = f"{short(label)}, with a comma, which separates the labels of a clip"
        elif label == _ALL:
            wrong = f"{label!r}, which stands for all classes together in tables of results"
        elif label in classes[:place]:
            wrong = f"{short(label)} a second time"
        else:
            continue
        raise SedlabError(f"{source}, line {place + 1}: {wrong}. {_REMEDY}")
    return tuple(classes)


def write_own_classes(root: Path, classes: Sequence[str]) -> Path:
    """Write the list of classes of one's own recordings, and return its path; SedlabError for names that cannot be."""
    path = root / OWN_CLASSES
    write_text(path, "".join(f"{label}\n" for label in check_own_classes(classes, path)))
    return path
