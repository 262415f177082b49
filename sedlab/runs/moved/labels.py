"""The clips and events of a run's corpus, kept in the run folder, so that a run that was copied can be looked at.

A corpus is two tables: `corpus/clips.tsv` and `corpus/events.tsv` are those of all sets but AudioSet, as the run read
them, `corpus/about.json` says which classes they speak of. Beside them lie `corpus/devtest.tsv` and
`corpus/devtest_durations.tsv`, likewise of each set that is not trained on: what `sedlab evaluate` and the commands
beside it take. Nothing that trains reads any of this: it stands in where the data root is not there.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sedlab.data.corpora.layout import SUBSETS, layout
from sedlab.data.review.corrections import own_events
from sedlab.data.tables import CLIP_COLUMNS, EVENT_COLUMNS, Corpus
from sedlab.data.tsv import read_tsv, tsv_bytes
from sedlab.files import atomic_path
from sedlab.runs.moved.about import ABOUT, CLIPS, EVENTS, About, durations_file, read_about, truth_file

_CLIP_NUMBERS, _EVENT_NUMBERS = ("duration", "recording_onset"), ("onset", "offset", "confidence")


def keep_labels(run_folder: Path, corpus: Corpus, generated: str | None) -> None:
    """Write the tables of the corpus into the run folder; those that say the same already stay."""
    for name, content in label_files(corpus, generated).items():
        path = run_folder / name
        if not (path.is_file() and path.read_bytes() == content):
            with atomic_path(path) as temporary:
                temporary.write_bytes(content)


def label_files(corpus: Corpus, generated: str | None) -> dict[str, bytes]:
    """Return the files that a run keeps of its corpus, relative path to content."""
    subsets = [name for name in corpus.subsets if layout(name).family != "audioset"]
    if not subsets:
        return {}
    kept = corpus.subset(*subsets)
    space = corpus.space
    about = About(subsets=tuple(subsets), own=space.own, dcase=space.dcase, aliased=corpus.aliased, generated=generated)
    tables = {CLIPS: kept.clips[list(CLIP_COLUMNS)], EVENTS: kept.events[list(EVENT_COLUMNS)]}
    for name in subsets:
        if SUBSETS[name].split != "train" and SUBSETS[name].label_kind in ("strong", "soft"):
            tables |= _as_evaluated(kept, name)
    described = (about.model_dump_json(indent=2) + "\n").encode()
    return {ABOUT: described} | {name: tsv_bytes(table) for name, table in tables.items()}


def read_labels(run_folder: Path, data_root: Path) -> Corpus:
    """Return the corpus of a run from the tables that it keeps; sound files are where ``data_root`` had them."""
    about = read_about(run_folder)
    clips = read_tsv(run_folder / CLIPS, CLIP_COLUMNS, numbers=_CLIP_NUMBERS, any_bytes=True)
    events = read_tsv(run_folder / EVENTS, EVENT_COLUMNS, numbers=_EVENT_NUMBERS, any_bytes=True)
    for table in (clips, events):
        table.reset_index(drop=True, inplace=True)
    return Corpus(clips=clips, events=events, root=data_root, aliased=about.aliased, space=about.space)


def _as_evaluated(corpus: Corpus, subset: str) -> dict[str, pd.DataFrame]:
    """Return ground truth of a set, and of events durations, in the columns of the published tables."""
    clips, events = corpus.subset(subset).clips, own_events(corpus, subset)
    truth = events.rename(columns={"clip_id": "filename", "label": "event_label"})
    columns = ["filename", "onset", "offset", "event_label"]
    columns += ["confidence"] if layout(subset).label_kind == "soft" else []
    silent = clips["clip_id"][~clips["clip_id"].isin(events["clip_id"])]
    nothing = pd.DataFrame({"filename": silent, "event_label": ""})
    truth = pd.concat([truth[columns], nothing.reindex(columns=columns)], ignore_index=True)
    found = {truth_file(subset): truth.assign(filename=truth["filename"] + ".wav")}
    if layout(subset).label_kind == "strong":  # soft labels are evaluated second by second
        durations = pd.DataFrame({"filename": clips["clip_id"] + ".wav", "duration": clips["duration"]})
        found[durations_file(subset)] = durations
    return found
