"""MAESTRO's windows: names against lengths, recordings in two splits, windows and durations that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sedlab.data.checking.findings import ERROR, NOTE, WARNING, Findings
from sedlab.data.checking.sets import CheckedSet, windows
from sedlab.data.corpora.layout import MAESTRO_DURATIONS
from sedlab.data.formats.text import is_table
from sedlab.data.preparation.windows import cut_windows, window_name
from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SECONDS

#: Seconds by which a window may differ from its name, which has whole hundredths.
SLACK = 0.011
_PREPARE = "sedlab data maestro prepare"
#: Starts and lengths of windows are counted in milliseconds here.
_RATE = 1000


def check_windows(each: CheckedSet, own: pd.DataFrame, root: Path, findings: Findings, *, published: bool) -> None:
    """Report windows of a set whose name is wrong, whose length is another, or that are missing from its table.

    ``published``: whether it is to be compared with the published set.
    """
    clips = pd.Series(each.clips, dtype=str)
    named = windows(clips)
    wrong = clips[named["start"].isna() | (named["end"] <= named["start"])]
    said = "names that are not <recording>-<start>-<end> in hundredths of a second"
    findings.add(ERROR, each.name, "window name", said, f"Make the windows with {_PREPARE}", examples=wrong)
    _check_lengths(each, own, findings)
    durations = _durations(each, root, findings)
    recordings = named["recording"].dropna().unique()
    absent = [name for name in recordings if name not in durations]
    if durations:
        said = f"recordings of which {MAESTRO_DURATIONS} says no duration"
        findings.add(WARNING, each.name, "no duration", said, _PREPARE, examples=absent)
    hop = hop_seconds(named)
    if published and each.subset.split == "test" and hop > 1:
        said = f"windows begin every {hop:g} s; published mpAUC is of windows every second (3,474), averaged"
        findings.add(WARNING, each.name, "hop", said, f"{_PREPARE} --hop-validation 1", count=len(clips))
    gaps = [gap for name in recordings if name in durations for gap in _gaps(name, named, hop, durations[name])]
    said = "windows that are missing from the table, by the duration of their recording"
    findings.add(WARNING, each.name, "missing windows", said, _PREPARE, examples=gaps)


def check_recordings(sets: Sequence[CheckedSet], findings: Findings) -> None:
    """Report recordings whose windows are in the test set and in the others."""
    of_set = {each.name: windows(pd.Series(each.clips, dtype=str))["recording"].dropna() for each in sets}
    tested = set(of_set.get("maestro_dev", ()))
    for name in ("maestro_train", "maestro_val"):
        shared = sorted(tested.intersection(of_set.get(name, ())))
        said = "recordings that are in maestro_dev, too: what is tested on is trained on"
        remedy = f"Put each into one split and make the windows again: {_PREPARE}"
        findings.add(ERROR, name, "two splits", said, remedy, examples=shared)


def hop_seconds(named: pd.DataFrame) -> float:
    """Return the commonest distance between windows that follow each other in a recording, NaN where none do.

    ``named``: as of `sets.windows`.
    """
    once = named.dropna(subset=["start"]).drop_duplicates(["recording", "start"]).sort_values(["recording", "start"])
    steps = once.groupby("recording")["start"].diff().dropna().round(2)
    return float(steps.mode().iloc[0]) if len(steps) else float("nan")


def _check_lengths(each: CheckedSet, own: pd.DataFrame, findings: Findings) -> None:
    good = own[(own["clip_id"] != "") & (own["problem"] == "")]
    named = windows(good["clip_id"])
    said_seconds = named["end"] - named["start"]
    wrong = good[(said_seconds - good["duration"]).abs() > SLACK]
    examples = [f"{row.file} ({row.duration:.2f} s)" for row in wrong.itertuples()]
    said = "windows of another length than their name says: labels are at other times"
    findings.add(
        ERROR,
        each.name,
        "window length",
        said,
        f"Make them again: {_PREPARE}",
        examples=examples,
        clips=wrong["clip_id"],
    )
    long = good[said_seconds > CLIP_SECONDS + SLACK]
    said = "windows longer than 10 s"
    findings.add(ERROR, each.name, "window length", said, f"Make them again: {_PREPARE}", examples=long["file"])


def _durations(each: CheckedSet, root: Path, findings: Findings) -> dict[str, float]:
    path = root / MAESTRO_DURATIONS
    if not is_table(path):
        if each.subset.split == "test":
            said = f"{MAESTRO_DURATIONS} is not there: windows that are missing cannot be told"
            findings.add(NOTE, each.name, "no durations", said, _PREPARE, count=1)
        return {}
    try:
        table = read_tsv(path, ("filename", "duration"), numbers=("duration",))
    except SedlabError as error:
        findings.add(ERROR, each.name, "unreadable table", str(error), _PREPARE, count=1)
        return {}
    return dict(zip(table["filename"].str.removesuffix(".wav"), table["duration"], strict=True))


def _gaps(recording: str, named: pd.DataFrame, hop: float, duration: float) -> list[str]:
    """Return the names of the windows of a recording that the table lacks."""
    own = named[named["recording"] == recording]
    if not hop >= 1 or hop != round(hop) or not duration > 0:
        return []
    expected = cut_windows(round(duration * _RATE), _RATE, hop_seconds=round(hop))
    present = set(own["start"].round(2))
    lacking = [(start / _RATE, end / _RATE) for start, end in expected if round(start / _RATE, 2) not in present]
    return [window_name(recording, *span) for span in lacking]
