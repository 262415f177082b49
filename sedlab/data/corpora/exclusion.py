"""Lists of training clips to leave out because another set holds them too: the published ones, or substitutes.

AudioSet was the source of several sets, so one video may be in two. The published lists hold, as far as that can be
reconstructed, the real strong clips that are also in the DESED validation set, which is tested on, and the weak and
unlabelled clips that are also among the real strong ones. Substitutes are made by the same rule. Clips are the same
when their names are, or the videos in their names: the public evaluation set spells its names in another way.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from sedlab.config.data import DataConfig
from sedlab.data.corpora import reading
from sedlab.data.corpora.layout import COMPARABLE, EXCLUDE_FOLDER, SUBSETS, UNLABELED_TABLE, Subset
from sedlab.data.corpora.video_names import video_ids
from sedlab.data.formats.text import is_table, table_file
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.files import file_sha256, read_json, write_json

#: Training subset -> the sets whose clips it must not hold.
RULE: dict[str, tuple[str, ...]] = {
    "strong_train": ("devtest",),
    "external_strong_train": ("devtest", "eval_public"),
    "weak_train": ("strong_train",),
    "unlabeled_train": ("strong_train",),
}
#: Those for which a list is published, and without which clips are trained on that are tested, or counted twice.
PUBLISHED = ("strong_train", "weak_train", "unlabeled_train")
#: Which lists are substitutes: {file name: what it was made by}.
SUBSTITUTES = f"{EXCLUDE_FOLDER}/substitutes.json"


@dataclass(frozen=True)
class ExclusionList:
    """One list that is there."""

    subset: str
    name: str
    """Of the file."""
    origin: str
    """published (a record of its download lies beside it), substitute, or own."""
    names: int
    sha256: str


@dataclass(frozen=True)
class WrittenList:
    """What became of one list."""

    path: Path
    names: int
    shared: Mapping[str, tuple[int, int]]
    """{other set: clips it shares, of these those whose names differ}."""
    kept: str = ""
    """Origin of a list that was there and stays; empty: it was written."""


_TOLD = {"published": "published", "substitute": "a substitute for the published list", "own": "your own list"}


class _Substitute(BaseModel):
    sha256: str
    against: tuple[str, ...] = ()


class _Record(BaseModel):
    """What a download leaves beside a file, as far as it is of interest here."""

    url: str = ""
    sha256: str = ""


def write_exclusion_lists(root: Path) -> dict[str, int]:
    """Write substitutes for the published exclusion lists; return the number of names by subset.

    Of the real strong clips those in the DESED validation set are listed, of the weak and unlabelled clips those in the
    real strong set, of external strong clips those in the validation and public evaluation sets. Subsets that are not
    there are left out.
    """
    return {name: written.names for name, written in substitute_lists(root, force=True).items()}


def substitute_lists(root: Path, *, public: bool = False, force: bool = False) -> dict[str, WrittenList]:
    """Write substitutes by the rule, for each training subset that is there; return what became of each list.

    Parameters
    ----------
    public : bool
        Leave out what the public evaluation set holds, too.
    force : bool
        Also where a published list, or one of your own, is there.
    """
    names = {subset: _clip_ids(root, SUBSETS[subset]) for subset in {*RULE, "devtest", "eval_public"}}
    marks, written = _read_substitutes(root), {}
    for subset, others in RULE.items():
        if names[subset].empty:
            continue
        against = tuple(dict.fromkeys((*others, *(("eval_public",) if public else ()))))
        shared = {other: _shared(names[subset], names[other]) for other in against}
        listed = sorted(set().union(*shared.values()))
        path = root / str(SUBSETS[subset].exclude)
        there = _origin(root, table_file(path), marks)
        if there in ("published", "own") and not force:
            kept = len(read_tsv(table_file(path), ("filename",)))
            written[subset] = WrittenList(table_file(path), kept, _counts(shared, names), there)
            continue
        write_tsv(path, pd.DataFrame({"filename": [names[subset][clip_id] for clip_id in listed]}, dtype=str))
        marks[path.name] = _Substitute(sha256=file_sha256(path), against=against)
        written[subset] = WrittenList(path, len(listed), _counts(shared, names))
    if any(not one.kept for one in written.values()):
        write_json(root / SUBSTITUTES, {name: mark.model_dump(mode="json") for name, mark in sorted(marks.items())})
    return written


def lists_in_use(root: Path, config: DataConfig, subsets: Collection[str]) -> list[ExclusionList]:
    """Return the lists that take clips out of ``subsets``, with where they come from."""
    if not config.exclude_overlapping:
        return []
    marks, found = _read_substitutes(root), []
    for name in subsets:
        subset = SUBSETS[name]
        path = table_file(root / (subset.exclude or ""))
        if subset.split == "train" and subset.exclude and path.is_file():
            count = int((read_tsv(path, ("filename",))["filename"] != "").sum())
            found.append(ExclusionList(name, path.name, _origin(root, path, marks), count, file_sha256(path)))
    return found


def left_out_sentence(lists: Iterable[Mapping[str, Any]]) -> str:
    """Return in a sentence which lists a run used: what its data manifest keeps of `lists_in_use`."""
    told = [
        f"{one['names']:,} of {one['subset']} ({one['name']}, {_TOLD[one['origin']]}, SHA-256 {one['sha256'][:8]})"
        for one in lists
    ]
    return f"Left out of training: {'; '.join(told)}." if told else "No exclusion list was used."


def lacks_list(root: Path, subset: Subset, clips: Mapping[str, int], config: DataConfig) -> bool:
    """Say whether training on ``subset`` without an exclusion list would be wrong.

    It would in a corpus of about the published size that holds the other set, too. ``clips`` counts those that are
    there, by subset.
    """
    if not config.exclude_overlapping or config.mini is not None or subset.name not in PUBLISHED:
        return False
    large = clips.get(subset.name, 0) > COMPARABLE * (subset.published_count or 0)
    return large and any(clips.get(other) for other in RULE[subset.name]) and not is_table(root / str(subset.exclude))


def require_exclusion_lists(root: Path, clips: Mapping[str, int], config: DataConfig) -> None:
    """Raise SedlabError, before anything is trained, where an exclusion list is needed and is not there."""
    lacking = [SUBSETS[name] for name in PUBLISHED if lacks_list(root, SUBSETS[name], clips, config)]
    if lacking:
        first = lacking[0]
        raise SedlabError(
            f"{root / str(first.exclude)}: not there, and without it {first.name} would teach clips that "
            f"{RULE[first.name][0]} holds, too. Get the published lists: sedlab data desed download --only exclude "
            f"--root {root}; or write substitutes: sedlab data desed exclude --root {root}; or train with all: "
            "data.exclude_overlapping=false."
        )


def _clip_ids(root: Path, subset: Subset) -> pd.Series:
    """Return the file names of a subset's clips, by clip; empty if it is not there."""
    listed: list[pd.Series] = []
    table = root / (subset.table or UNLABELED_TABLE)
    if is_table(table):
        listed.append(read_tsv(table, ("filename",))["filename"])
    if subset.table is None and (folder := subset.audio_folder(root)):
        # A table names clips that are still to come; a folder may hold others.
        listed.append(pd.Series(list(reading.audio_names(folder).values()), dtype=str))
        listed.reverse()
    names = pd.concat(listed, ignore_index=True) if listed else pd.Series([], dtype=str)
    names = names[names != ""]
    return names.set_axis(reading.stem(names) if len(names) else names)[lambda s: ~s.index.duplicated()]


def _shared(names: pd.Series, others: pd.Series) -> set[str]:
    """Return the clips of ``names`` of which ``others`` has the video."""
    own, theirs = (video_ids(pd.Series(found.index, dtype=str)) for found in (names, others))
    return set(names.index[own.isin(set(theirs))])


def _counts(shared: Mapping[str, set[str]], names: Mapping[str, pd.Series]) -> dict[str, tuple[int, int]]:
    return {
        other: (len(clips), len(clips - set(names[other].index)))
        for other, clips in shared.items()
        if len(names[other])
    }


def _origin(root: Path, path: Path, marks: Mapping[str, _Substitute]) -> str:
    """Return where a list comes from: published, substitute or own; empty where there is none."""
    if not path.is_file():
        return ""
    sha256 = file_sha256(path)
    if path.name in marks and marks[path.name].sha256 == sha256:
        return "substitute"
    record = _Record()
    with suppress(SedlabError):  # put there by hand
        record = read_json(path.with_name(f"{path.name}.json"), _Record, "")
    return "published" if record.url and record.sha256 == sha256 else "own"


def _read_substitutes(root: Path) -> dict[str, _Substitute]:
    path = root / SUBSTITUTES
    if not path.is_file():
        return {}
    try:
        return {name: _Substitute.model_validate(mark) for name, mark in json.loads(path.read_bytes()).items()}
    except (ValueError, AttributeError, OSError):
        raise SedlabError(
            f"{path}: does not say which lists are substitutes. Delete it: all count as your own then."
        ) from None
