"""Which classes a corpus has: those of its labels, renamed, chosen and put in order as the user says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedlab.data.corpora.own import check_own_classes
from sedlab.data.importing.record import ImportOptions
from sedlab.data.tsv import read_text
from sedlab.errors import SedlabError, count_of, nearest, short


@dataclass(frozen=True)
class ChosenClasses:
    """The label space of an import."""

    classes: tuple[str, ...]
    left_out: Mapping[str, int]
    """Labels that are no classes: how often they occur."""
    notes: tuple[str, ...]
    """What one should know about the choice."""


def rename(labels: pd.Series, renamed: Mapping[str, str]) -> pd.Series:
    """Return labels under their new names; SedlabError for a renamed label that does not occur."""
    known = set(labels)
    for old in renamed:
        if old not in known:
            raise SedlabError(f"--rename {old}=...: no such label.{nearest(old, known - {''}) or ' Correct its name.'}")
    return labels.map(lambda label: renamed.get(label, label))


def choose_classes(labels: pd.Series, options: ImportOptions) -> ChosenClasses:
    """Return the classes: those of the list that was given, or all labels by name, without the rare ones.

    Raises
    ------
    SedlabError
        When no class is left, and for names that tables or networks cannot hold.
    """
    counts = Counter(label for label in labels if label)
    notes = []
    if options.classes is not None:
        wanted = _class_list(options.classes)
        never = [label for label in wanted if not counts[label]]
        if len(never) == len(wanted):
            raise SedlabError(
                f"{options.classes}: none of its {count_of(len(wanted), 'class', 'classes')} occurs in the labels "
                f"(first: {short(wanted[0])}).{nearest(wanted[0], counts)} Correct the names."
            )
        if never:
            notes.append(f"{', '.join(never)}: in {options.classes.name}, but not in any label.")
    else:
        wanted = tuple(sorted(counts, key=lambda label: (label.casefold(), label)))
    classes = tuple(label for label in wanted if counts[label] >= options.min_events or options.min_events == 1)
    if not classes:
        most = max(counts.values(), default=0)
        raise SedlabError(
            f"no class has {count_of(options.min_events, 'event')} or more, the largest has {most}. Lower --min-events."
            if most
            else "the labels hold no event. Give other label files."
        )
    check_own_classes(classes, options.classes or Path("labels"))
    notes += _alike(classes)
    return ChosenClasses(classes, {label: n for label, n in counts.items() if label not in classes}, tuple(notes))


def _class_list(path: Path) -> tuple[str, ...]:
    lines = [line.strip() for line in read_text(path).splitlines()]
    return check_own_classes([line for line in lines if line], path)


def _alike(classes: tuple[str, ...]) -> list[str]:
    """Return a note for classes whose names differ by case or punctuation alone."""
    seen: dict[str, str] = {}
    notes = []
    for label in classes:
        plain = "".join(letter for letter in label.casefold() if letter.isalnum()) or label
        other = seen.setdefault(plain, label)
        if other != label:
            notes.append(f"{other!r} and {label!r} are two classes. If they are one: --rename {label!r}={other!r}.")
    return notes
