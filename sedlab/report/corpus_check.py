"""The page of a check of corpora: what is there, what is wrong, and clips to look at and to hear."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from sedlab.data.audio_file import read_audio, resample
from sedlab.data.checking import Check, Finding
from sedlab.errors import SedlabError, count_of
from sedlab.files import write_text
from sedlab.grid import SAMPLE_RATE
from sedlab.report.page import render
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.corpora.check import class_counts_figure, durations_figure, found_figure, levels_figure

#: Clips shown in all, and of one finding.
MOST_CLIPS, CLIPS_OF_ONE = 10, 2
#: Seconds that a page has of a clip.
SHOWN_SECONDS = 15.0


def write_check_page(check: Check, path: Path) -> Path:
    """Write the self-contained page of a check and return its path."""
    told = ", ".join(count_of(number, severity) for severity, number in check.counts.items())
    drawings = {"Clips found and expected, by set": found_figure(check.sets)}
    lengths = {"Durations of the clips of each set, from the headers": durations_figure(_readable(check))}
    if check.content:
        lengths["Levels of the clips of each set: root mean square"] = levels_figure(_readable(check))
    classes = {"Rows of the tables by class and set": class_counts_figure(check.events)}
    sections = {
        "Sets": _sets(check) + render("drawings", drawings=drawings),
        "Findings": render("corpus_findings", found=check.found),
        "Clips to look at": render("corpus_clips", views=_views(check)),
        "Lengths and levels": render("drawings", drawings=lengths),
        "Classes": render("drawings", drawings=classes),
    }
    head = Markup("<p><b>{}</b>: {}.</p>").format(check.verdict, told)
    write_text(
        path, render("page", title=f"sedlab: check of {check.root.name or check.root}", head=head, sections=sections)
    )
    return path


def _sets(check: Check) -> Markup:
    there = check.sets[check.sets["state"] != "not there"]
    shown = pd.DataFrame(
        {
            "set": there["subset"],
            "group": there["group"],
            "labels": there["labels"],
            "found": [f"{number:,}" for number in there["found"]],
            "expected": [f"{number:,}" for number in there["named"]],
            "published": ["" if pd.isna(number) else f"{number:,}" for number in there["published"]],
            "left out": there["left_out"],
            "hours": there["seconds"] / 3600,
            "table": there["state"].where(there["state"] != "", there["table"]),
            "audio": there["audio"],
        }
    )
    absent = list(check.sets.loc[check.sets["state"] == "not there", "subset"])
    about = {"root": str(check.root), "date": check.date, "seconds": check.seconds, "content": check.content}
    return render("corpus_check", sets=shown, absent=absent, **about)


def _readable(check: Check) -> pd.DataFrame:
    return check.clips[check.clips["problem"] == ""]


def _views(check: Check) -> dict[str, ClipView]:
    """Return pictures of clips of the findings, by caption, the gravest first."""
    places = check.clips.set_index(["subset", "clip_id"])
    views: dict[str, ClipView] = {}
    for finding in check.found:
        shown = 0
        for clip_id in finding.clips:
            if len(views) >= MOST_CLIPS or shown >= CLIPS_OF_ONE:
                break
            if (finding.subset, clip_id) in places.index:
                row = places.loc[[(finding.subset, clip_id)]].iloc[0]
                view = _view(check, finding, clip_id, check.root / row["folder"] / row["file"])
                if view is not None:
                    views[f"{finding.subset}, {finding.said}: {row['file']}"] = view
                    shown += 1
    return views


def _view(check: Check, finding: Finding, clip_id: str, path: Path) -> ClipView | None:
    """Return a clip with the events of its table; None for one that cannot be read."""
    try:
        waveform, rate = read_audio(path)
    except SedlabError:
        return None
    waveform = resample(waveform[: round(SHOWN_SECONDS * rate)], rate, SAMPLE_RATE)
    events = check.events[(check.events["subset"] == finding.subset) & (check.events["clip_id"] == clip_id)]
    events = events[events["offset"].isna() | (events["offset"] > events["onset"])]
    return ClipView(waveform, events=events if len(events) else None, title=clip_id)
