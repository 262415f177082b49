"""Check the corpora under a data root: what is there, what is missing, what is wrong."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.checking import counting
from sedlab.data.checking.agreement import check_agreement
from sedlab.data.checking.content import check_content, read_content
from sedlab.data.checking.durations import check_durations
from sedlab.data.checking.files import scan_folders
from sedlab.data.checking.findings import ERROR, SEVERITIES, WARNING, Finding, Findings, findings_table
from sedlab.data.checking.labels import check_labels
from sedlab.data.checking.published import check_versions, table_version
from sedlab.data.checking.responses import check_responses
from sedlab.data.checking.sets import CheckedSet, read_sets
from sedlab.data.checking.splits import check_exclusion, check_splits
from sedlab.data.checking.windows import check_recordings, check_windows
from sedlab.data.corpora.audioset import display_names
from sedlab.data.corpora.layout import MINI_MARKER, SUBSETS, Subset
from sedlab.data.corpora.own import read_own_classes
from sedlab.data.formats.text import is_table
from sedlab.data.preparation.maestro import ORIGINALS
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, MAESTRO_CLASSES
from sedlab.progress import Progress, no_progress

#: Raised whenever the same corpus would get other findings.
CHECK_VERSION = 1
ALL = "all"
CORPORA = (ALL, "desed", "maestro", "audioset", "own")


@dataclass(frozen=True, eq=False)
class Check:
    """What a check found; in a notebook it shows its findings."""

    root: Path
    corpus: str
    """One of `CORPORA`."""
    sets: pd.DataFrame
    """A row a set: subset, group, split, labels, found, named (by its table), published (clips of the published set;
    none for a generated corpus), left_out (by exclusion lists), seconds, audio (its folder), state ("" or what is not
    there), table ("published", "other version" or "")."""
    found: tuple[Finding, ...]
    """The gravest first."""
    clips: pd.DataFrame
    """A row a clip of a set with a file: subset, clip_id and the columns of `scan_folders`; with ``content``, those of
    `read_content`, too."""
    events: pd.DataFrame
    """subset, clip_id, onset, offset, label of all rows of the tables with a label; onset and offset (s) are NaN where
    the table has none."""
    content: bool
    """Whether all samples were read."""
    date: str
    """UTC, ISO 8601."""
    seconds: float

    @property
    def findings(self) -> pd.DataFrame:
        """A row a finding: severity, set, kind, count, finding, examples, remedy."""
        return findings_table(self.found)

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings by severity."""
        return {severity: sum(f.severity == severity for f in self.found) for severity in SEVERITIES}

    @property
    def is_sound(self) -> bool:
        """Whether training would be right: there is no error."""
        return not self.counts[ERROR]

    @property
    def verdict(self) -> str:
        """Whether training would be right, in words; with warnings, only on what is there."""
        if not self.is_sound:
            return "Training would be wrong"
        return "Training would be right on what is there" if self.counts[WARNING] else "Training would be right"

    def summary(self) -> dict[str, Any]:
        """Return what a run keeps of it: clips found and expected by set, findings by severity, date and version."""
        there = self.sets[self.sets["state"] == ""]
        numbers = there.set_index("subset")[["found", "named", "published"]].astype(object)
        clips = {
            name: {key: None if pd.isna(value) else int(value) for key, value in row.items()}
            for name, row in numbers.iterrows()
        }
        told = [f"{f.subset}, {f.kind}: {f.count}" for f in self.found if f.severity == ERROR]
        return {
            "version": CHECK_VERSION,
            "date": self.date,
            "content": self.content,
            "clips": clips,
            "findings": self.counts,
            "errors": told,
        }

    def _repr_html_(self) -> str:
        told = ", ".join(f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in self.counts.items())
        return f"<p>{told}</p>{self.findings.to_html(index=False)}"


def check_corpus(
    root: str | Path,
    config: DataConfig | None = None,
    content: bool = False,
    *,
    corpus: str = ALL,
    progress: Progress = no_progress,
) -> Check:
    """Return what is there of the corpora under ``root``, and what is wrong with it.

    Tables are read row by row, and of sound files the headers: 30,000 of them take seconds. Nothing is written.

    Parameters
    ----------
    config : DataConfig or None
        How the corpus is read: its splits and exclusions. None: as published.
    content : bool
        Read all samples, for silence, clipping, damage and equal sound; results are kept in ``cache/`` under the root.
    corpus : str
        One of `CORPORA`.

    Raises
    ------
    SedlabError
        When there is no such folder. What is wrong in it is a finding.
    """
    begin, root = time.monotonic(), Path(root)
    if not root.is_dir():
        how = _how_to_begin(corpus)
        raise SedlabError(f"{root}: no such data folder. Name the one that holds the corpora, or get one: {how}")
    config = config or DataConfig(root=root)
    subsets = [subset for subset in SUBSETS.values() if corpus in (ALL, subset.family)]
    published = config.mini is None and not (root / MINI_MARKER).is_file()
    findings = Findings(root)
    sets = read_sets(root, subsets, config, findings)
    folders = sorted({each.folder for each in sets if each.folder})
    files = scan_folders(root, folders, progress)
    joined = [counting.join_files(each, files, root) for each in sets]
    sets = [each for each, _ in joined]
    for each, own in joined:
        _check_set(root, each, own, sets, findings, published=published)
    _check_folders(root, joined, files, findings)
    check_splits(sets, findings, config)
    check_recordings(sets, findings)
    found = {each.name: int((own["clip_id"] != "").sum()) for each, own in joined}
    check_exclusion(root, sets, found, findings, config)
    check_agreement(sets, findings)
    if corpus in (ALL, "desed"):
        check_responses(root, findings)
    clips = _clips(joined)
    if content:
        clips = read_content(root, clips, progress)
        check_content(clips, findings)
    versions = [table_version(root, each.subset.table) if published else "" for each in sets]
    rows = [counting.set_row(*one) | {"table": version} for one, version in zip(joined, versions, strict=True)]
    table = pd.DataFrame(rows).astype({"published": "Int64"})
    _check_anything(root, corpus, found, findings)
    return Check(
        root,
        corpus,
        table if published else table.assign(published=pd.array([None] * len(table), dtype="Int64")),
        findings.sorted(),
        clips,
        _events(sets),
        content,
        datetime.now(UTC).isoformat(timespec="seconds"),
        round(time.monotonic() - begin, 3),
    )


def how_to_get(root: Path, subset: Subset) -> str:
    """Return the command that brings clips of a set that are not there."""
    if subset.family == "own":
        return "sedlab data import FOLDER --labels FILE"
    originals = [subset.audio.removesuffix("_16k")]
    if subset.family == "maestro":
        originals = [f"{ORIGINALS[0]}/audio", *ORIGINALS[1:]]
    has_table = subset.table is None or is_table(root / subset.table)
    from_videos = subset.family == "audioset" or (subset.group != "synth" and subset.name != "eval_public")
    steps = ["prepare"]
    if from_videos and subset.family != "maestro":
        # What comes is what is missing at either rate.
        steps = ["youtube", "prepare"] if has_table else ["download", "youtube", "prepare"]
    elif subset.audio in originals or not any((root / folder).is_dir() for folder in originals):
        steps = ["download", "prepare"]
    return ", then ".join(f"sedlab data {subset.family} {step}" for step in steps)


def _check_set(
    root: Path,
    each: CheckedSet,
    own: pd.DataFrame,
    sets: Sequence[CheckedSet],
    findings: Findings,
    *,
    published: bool,
) -> None:
    how = how_to_get(root, each.subset)
    shared = any(other.has_table and other.folder == each.folder for other in sets if other.name != each.name)
    counting.check_counts(each, own, findings, published=published, shared=shared, how=how)
    if not each.is_there:
        return
    counting.check_files(each, own, findings, how)
    good = own[(own["clip_id"] != "") & (own["problem"] == "")]
    seconds = dict(zip(good["clip_id"], good["duration"], strict=True))
    check_labels(each, _classes(root, each, findings), seconds, findings)
    check_durations(each, own, root, findings)
    if each.subset.family == "maestro":
        check_windows(each, own, root, findings, published=published)
    if published:
        check_versions(root, each, findings)


def _classes(root: Path, each: CheckedSet, findings: Findings) -> Collection[str]:
    if each.subset.family != "own":
        return {"desed": DESED_CLASSES, "maestro": MAESTRO_CLASSES, "audioset": display_names()}[each.subset.family]
    try:
        return read_own_classes(root)
    except SedlabError as error:
        findings.add(ERROR, each.name, "no classes", str(error), how_to_get(root, each.subset), count=1)
        return ()


def _check_folders(
    root: Path, joined: Sequence[tuple[CheckedSet, pd.DataFrame]], files: pd.DataFrame, findings: Findings
) -> None:
    for folder in sorted({each.folder for each, _ in joined if each.folder}):
        # A folder whose table is missing would be all strays; that is told of with the set.
        owners = {
            each.name: set(own.loc[own["clip_id"] != "", "file"]) for each, own in joined if each.folder == folder
        }
        if any(owners.values()):
            name = folder.relative_to(root).as_posix()
            counting.check_strays(name, files[files["folder"] == name], owners, findings)


def _check_anything(root: Path, corpus: str, found: dict[str, int], findings: Findings) -> None:
    if any(found.values()):
        return
    what = "a corpus" if corpus == ALL else corpus
    findings.add(ERROR, corpus, "nothing there", f"{root}: holds no clip of {what}", _how_to_begin(corpus), count=1)


def _how_to_begin(corpus: str) -> str:
    if corpus == "own":
        return "sedlab data import FOLDER --labels FILE"
    return f"sedlab data {'desed' if corpus == ALL else corpus} download"


def _clips(joined: Sequence[tuple[CheckedSet, pd.DataFrame]]) -> pd.DataFrame:
    parts = [own[own["clip_id"] != ""].assign(subset=each.name) for each, own in joined]
    return pd.concat(parts, ignore_index=True)


def _events(sets: Sequence[CheckedSet]) -> pd.DataFrame:
    columns = ["subset", "clip_id", "onset", "offset", "label"]
    parts = [pd.DataFrame(columns=columns)]
    for each in (each for each in sets if len(each.rows)):
        if each.subset.label_kind == "weak":
            labels = each.rows.set_index("clip_id")["event_labels"].str.split(",").explode().str.strip()
            part = labels.rename("label").reset_index().assign(onset=float("nan"), offset=float("nan"))
        else:
            part = each.rows.drop(columns=["onset", "offset"]).rename(
                columns={"event_label": "label", "onset_s": "onset", "offset_s": "offset"}
            )
        parts.append(part[part["label"] != ""].assign(subset=each.name)[columns])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
