"""The labels of a run's clips as its decisions have them: tables for training, label tracks for Audacity."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.data.review.corrected import corrected_events
from sedlab.data.review.corrections import own_events
from sedlab.data.review.decisions import latest
from sedlab.data.tsv import write_tsv
from sedlab.errors import SedlabError
from sedlab.files import write_text
from sedlab.runs.review.store import review_of
from sedlab.runs.run import Run


def reviewed_subsets(run: Run) -> list[str]:
    """Return the subsets about whose clips somebody decided something, in the order of the first decisions."""
    return list(dict.fromkeys(review_of(run).table()["subset"]))


def corrected_labels(run: Run, subset: str, *, reviewer: str = "") -> pd.DataFrame:
    """Return the events of a subset after the decisions of one person, or of everybody (see `corrected_events`).

    clip_id, onset, offset (NaN where labels are of clips), label, confidence.
    """
    decisions = latest(review_of(run).table(), reviewer=reviewer)
    decisions = decisions[decisions["subset"] == subset]
    if decisions.empty:
        by = f" by {reviewer}" if reviewer else ""
        raise SedlabError(f"{run.review}: no decision{by} about clips of {subset}. Review some, or choose another set.")
    clips = run.corpus().subset(subset).clips
    unknown = decisions[~decisions["clip_id"].isin(clips["clip_id"])]
    if len(unknown):
        raise SedlabError(f"{run.review}: {subset} has no clip {unknown['clip_id'].iloc[0]!r}. Remove its rows.")
    weak = layout(subset).label_kind == "weak"
    events = corrected_events(own_events(run.corpus(), subset), decisions, weak=weak, path=run.review)
    return events.drop(columns="subset")


def annotation_table(run: Run, subset: str, events: pd.DataFrame) -> pd.DataFrame:
    """Return events as an annotation table of their corpus, a row for every clip at least.

    Strong labels: filename, onset, offset, event_label; soft ones also confidence; labels of clips: filename,
    event_labels. A clip without events has a row with nothing but its name.
    """
    clips = run.corpus().subset(subset).clips
    names = clips.set_index("clip_id")["audio"].str.rsplit("/", n=1).str[-1]
    kind = layout(subset).label_kind
    if kind == "weak":
        labels = events.groupby("clip_id", sort=False)["label"].agg(lambda found: ",".join(dict.fromkeys(found)))
        return pd.DataFrame({"filename": names, "event_labels": labels.reindex(names.index).fillna("")})
    order = pd.Series(range(len(names)), index=names.index)
    silent = names.index.difference(events["clip_id"], sort=False)
    rows = pd.concat([events, pd.DataFrame({"clip_id": silent})], ignore_index=True) if len(silent) else events
    rows = rows.assign(_order=rows["clip_id"].map(order)).sort_values(["_order", "onset"], kind="stable")
    table = pd.DataFrame(
        {
            "filename": rows["clip_id"].map(names),
            "onset": rows["onset"].map(_seconds),
            "offset": rows["offset"].map(_seconds),
            "event_label": rows["label"].fillna(""),
            "confidence": rows["confidence"],
        }
    )
    return table if kind == "soft" else table.drop(columns="confidence")


def export_tables(run: Run, subset: str, path: Path, *, reviewer: str = "") -> Path:
    """Write the corrected annotation table of a subset; return its path."""
    write_tsv(path, annotation_table(run, subset, corrected_labels(run, subset, reviewer=reviewer)))
    return path


def export_tracks(run: Run, subset: str, folder: Path, *, reviewer: str = "") -> list[Path]:
    """Write a label track of Audacity for every clip of a subset that was decided about; return the files.

    Labels of clips last as long as their clip.
    """
    events = corrected_labels(run, subset, reviewer=reviewer)
    decisions = latest(review_of(run).table(), reviewer=reviewer)
    clip_ids = decisions.loc[decisions["subset"] == subset, "clip_id"].drop_duplicates()
    durations = run.corpus().subset(subset).durations
    files = []
    for clip_id in clip_ids:
        own = events[events["clip_id"] == clip_id].sort_values("onset", kind="stable")
        onset, offset = own["onset"].fillna(0.0), own["offset"].fillna(durations[clip_id])
        rows = zip(onset, offset, own["label"], strict=True)
        text = "".join(f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in rows)
        files.append(folder / f"{clip_id}.txt")
        write_text(files[-1], text)
    return files


def _seconds(time: float) -> str:
    """Return a time as tables have it, with three decimals, and more where they say more."""
    if time != time:
        return ""
    whole, decimals = f"{time:.6f}".split(".")
    return f"{whole}.{decimals[:3]}{decimals[3:].rstrip('0')}"
