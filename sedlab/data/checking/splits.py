"""Clips in two splits, by file name and by YouTube id and time; exclusion lists, and what they leave out.

Published overlaps, counted on the published tables: 35 strong clips are in the DESED
validation set, 167 strong clips also weak, 1325 also unlabelled; the exclusion lists name such clips. Of the public
evaluation set, 7 clips are of videos that other sets hold, and no list names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.checking.findings import ERROR, NOTE, WARNING, Findings
from sedlab.data.checking.sets import CheckedSet
from sedlab.data.corpora.exclusion import RULE, lacks_list
from sedlab.data.corpora.layout import Subset
from sedlab.data.corpora.video_names import video_span

#: Clips of the public evaluation set whose video is also in another set: in everybody's copy.
PUBLISHED_SHARED = {"weak_train": 1, "weak_val": 1, "unlabeled_train": 3, "devtest": 1, "strong_train": 2}

_EXCLUDE = "sedlab data desed exclude"


def check_splits(sets: Sequence[CheckedSet], findings: Findings, config: DataConfig) -> None:
    """Report clips that are in a training set and in one that chooses or judges, or in two training sets."""
    clips = _clips(sets, config)
    shared = clips.merge(clips, on="key", suffixes=("", "_other"))
    meets = (shared["start"] < shared["end_other"]) & (shared["start_other"] < shared["end"])
    order = {each.name: place for place, each in enumerate(sets)}
    before = shared["subset"].map(order) < shared["subset_other"].map(order)
    counts = before & ~shared["excluded"] & ~shared["excluded_other"]
    for (one, other), rows in shared[meets & counts].groupby(["subset", "subset_other"], sort=False):
        _tell(str(one), str(other), rows.drop_duplicates("clip_id"), findings, sets)
    for (one, other), rows in shared[~meets & counts].groupby(["subset", "subset_other"], sort=False):
        _tell_videos(str(one), str(other), rows.drop_duplicates("clip_id"), findings, sets)


def check_exclusion(
    root: Path, sets: Sequence[CheckedSet], found: Mapping[str, int], findings: Findings, config: DataConfig
) -> None:
    """Report exclusion lists that are missing where the set has the published size, and clips of lists that are there.

    ``found`` are the clips of each set whose audio is there.
    """
    for each in sets:
        if not each.subset.exclude or not found.get(each.name):
            continue
        if lacks_list(root, each.subset, found, config):
            said = f"{each.subset.exclude} is not there: clips of {RULE[each.name][0]} are trained on"
            remedy = f"sedlab data desed download --only exclude --root {root}"
            remedy += f", or substitutes: {_EXCLUDE}"
            findings.add(ERROR, each.name, "no exclusion list", said, remedy, count=1)
        present = [clip for clip in each.clips if each.excludes(clip)]
        if present and not config.exclude_overlapping:
            said = f"clips that {each.subset.exclude} names are trained on, as data.exclude_overlapping is false"
            remedy = "Set data.exclude_overlapping to true."
            findings.add(ERROR, each.name, "not excluded", said, remedy, examples=sorted(present))


def _clips(sets: Sequence[CheckedSet], config: DataConfig) -> pd.DataFrame:
    """Return a row a clip of a set: subset, clip_id, key (video or name), start, end, excluded."""
    return pd.DataFrame(list(_rows(sets, config)), columns=["subset", "clip_id", "key", "start", "end", "excluded"])


def _rows(sets: Sequence[CheckedSet], config: DataConfig) -> Iterator[tuple]:
    for each in sets:
        # Soundscapes are numbered anew in each set; recordings of MAESTRO are compared by recording.
        if each.subset.group == "synth" or each.subset.family == "maestro":
            continue
        leaves_out = each.subset.split == "train" and config.exclude_overlapping
        for clip in each.clips:
            span = video_span(clip)
            part = (span.video_id, span.start, span.end) if span else (f"name {clip}", 0.0, 1.0)
            yield each.name, clip, *part, leaves_out and each.excludes(clip)


def _tell(one: str, other: str, rows: pd.DataFrame, findings: Findings, sets: Sequence[CheckedSet]) -> None:
    subsets = {each.name: each.subset for each in sets}
    first, second = subsets[one], subsets[other]
    examples = [a if a == b else f"{a} = {b}" for a, b in zip(rows["clip_id"], rows["clip_id_other"], strict=True)]
    splits = {first.split, second.split}
    said = f"clips that are in {other}, too"
    if first.family != second.family and "audioset" in (first.family, second.family):
        said += ": pre-training hears them, as in the published systems"
        findings.add(NOTE, one, "two corpora", said, "Nothing to do.", examples=examples, clips=rows["clip_id"])
    elif splits == {"train"}:
        said += ": they are trained on twice"
        severity = WARNING if first.group != second.group or first.family == "own" else NOTE
        findings.add(
            severity, one, "two training sets", said, _remedy(first, second), examples=examples, clips=rows["clip_id"]
        )
    elif splits == {"train", "test"}:
        counts = [PUBLISHED_SHARED.get(name, 0) for name in (one, other) if name != "eval_public"]
        published = "eval_public" in (one, other) and len(rows) <= max(counts)
        said += ": what is tested on is trained on" + (", in the published sets as well" if published else "")
        severity = NOTE if published else ERROR
        findings.add(
            severity, one, "two splits", said, _remedy(first, second), examples=examples, clips=rows["clip_id"]
        )
    elif splits == {"train", "val"}:
        said += ": what chooses the network is trained on"
        findings.add(WARNING, one, "two splits", said, _remedy(first, second), examples=examples, clips=rows["clip_id"])
    else:
        findings.add(NOTE, one, "two splits", said, "Nothing to do.", examples=examples, clips=rows["clip_id"])


def _tell_videos(one: str, other: str, rows: pd.DataFrame, findings: Findings, sets: Sequence[CheckedSet]) -> None:
    """Tell of other parts of the same videos in sets that are trained on and judge."""
    subsets = {each.name: each.subset for each in sets}
    first, second = subsets[one], subsets[other]
    if {first.split, second.split} != {"train", "test"} or "audioset" in (first.family, second.family):
        return
    counts = [PUBLISHED_SHARED.get(name, 0) for name in (one, other) if name != "eval_public"]
    published = "eval_public" in (one, other) and len(rows) <= max(counts)
    said = f"clips of videos of which {other} has another part"
    said += ", in the published sets as well" if published else ": the same people and rooms are trained on"
    examples = [f"{a}, {b}" for a, b in zip(rows["clip_id"], rows["clip_id_other"], strict=True)]
    remedy = "Nothing to do." if published else _remedy(first, second)
    severity = NOTE if published else WARNING
    findings.add(severity, one, "same video", said, remedy, examples=examples, clips=rows["clip_id"])


def _remedy(first: Subset, second: Subset) -> str:
    if first.exclude or second.exclude:
        return _EXCLUDE
    return "Take them out of one of the tables."
