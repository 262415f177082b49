"""Tables of durations against the files: PSDS divides by their sum, so their rounding is part of the metric."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sedlab.data.checking.findings import ERROR, NOTE, WARNING, Findings
from sedlab.data.checking.sets import CheckedSet
from sedlab.data.corpora.reading import stem, stored_stems
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.text import is_table
from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError

#: Half of the last digit of the tables, and what single precision adds.
SLACK = 0.0501


def check_durations(each: CheckedSet, own: pd.DataFrame, root: Path, findings: Findings) -> None:
    """Report durations that differ from the files, are not rounded to one decimal, or are missing."""
    subset = each.subset
    if subset.durations is None or not each.is_there or not (own["clip_id"] != "").any():
        return
    path, again = root / subset.durations, f"sedlab data {subset.family} prepare writes it from the files."
    if subset.family == "own":
        again = "Delete it: the durations of the files are taken."
    if not is_table(path):
        said = f"{subset.durations} is not there: durations of the files are taken, rounded to 0.1 s"
        findings.add(NOTE, each.name, "no durations", said, again, count=1)
        return
    try:
        table = read_tsv(path, ("filename", "duration"), numbers=("duration",), any_bytes=True)
    except SedlabError as error:
        findings.add(ERROR, each.name, "unreadable table", str(error), again, count=1)
        return
    known = (
        pd.Series(table["duration"].to_numpy(), index=stem(table["filename"].map(readable_name)))
        .groupby(level=0)
        .first()
    )
    wrong = known[~(known > 0)]
    said = f"{path.name}: durations that are not above 0"
    findings.add(ERROR, each.name, "duration", said, again, examples=wrong.index)
    good = own[(own["clip_id"] != "") & (own["problem"] == "")].set_index("clip_id")["duration"]
    # As the readers find them: the table may spell the same part of a video otherwise.
    stored = pd.Series(stored_stems(good.index.to_series(), known.index), index=good.index)
    listed = stored.map(known)
    difference = (listed.where(listed > 0) - good).abs()
    other = difference[difference > SLACK].sort_values(ascending=False)
    said = f"{path.name}: durations that are not those of the files: PSDS counts other hours than were scored"
    examples = [f"{clip} ({listed[clip]:g} s, file {good[clip]:.2f} s)" for clip in other.index]
    findings.add(WARNING, each.name, "duration", said, again, examples=examples, clips=other.index)
    # Of own clips nothing is published, and an import writes the durations to the millisecond.
    fine = known[(known - known.round(1)).abs() > 1e-6] if subset.family != "own" else known.iloc[:0]
    said = f"{path.name}: durations with more than one decimal; published PSDS are on rounded ones"
    findings.add(NOTE, each.name, "rounding", said, again, examples=fine.index)
    lacking = list(listed.index[~stored.isin(known.index)])
    said = f"{path.name}: clips without a row; durations of their files are taken, rounded to 0.1 s"
    findings.add(NOTE, each.name, "no duration", said, again, examples=lacking)
