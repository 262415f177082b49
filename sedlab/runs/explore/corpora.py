"""`explore` for a corpus: its clips as a list, heard and with what people marked, before anything has been trained."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.audio_file import read_audio
from sedlab.data.corpora.layout import SUBSETS, layout
from sedlab.data.formats.names import on_disk
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError, SedlabWarning
from sedlab.labels import SOFT_THRESHOLD
from sedlab.runs.explore.scenes import key_of
from sedlab.views.explorers.clip_list import LaterColumns
from sedlab.views.explorers.explorer import Explorer
from sedlab.views.player.call import python_call
from sedlab.views.player.player import ClipPlayer
from sedlab.views.player.scene import Scene

#: What each column says.
HELP: dict[str, str] = {
    "annotated": "classes that people marked (soft labels: more than half of the annotators)",
    "labels": "strong: events with times; weak: classes of the clip; soft: shares of annotators; none",
    "events": "rows of the annotation",
    "labelled s": "seconds in which anything is marked",
    "level dB": "root mean square of the samples, below full scale",
    "peak": "largest sample; 1 is full scale",
    "problem": "why the sound cannot be read",
}
#: Files read before somebody is asked again whether a clip is wanted.
_FILES_AT_ONCE = 8


def is_data_root(folder: Path) -> bool:
    """Say whether a folder holds clips of any subset, in the layout of a data root."""
    return any(subset.audio_folder(folder) is not None for subset in SUBSETS.values())


def explore_corpus(corpus: Corpus, *, subset: str = "", label: str = "", key: str | None = None) -> Explorer:
    """Show the clips of a corpus as a list to sort and filter, one of them in the player.

    Parameters
    ----------
    subset : str
        One subset; empty: all.
    label : str
        A class: list only clips in which it is marked.
    key : str
        ``subset/clip_id`` of the clip to begin with.

    Raises
    ------
    SedlabError
        For a subset that the corpus does not hold, and a clip that is not in it. A sound file that cannot be read is
        listed with the reason.
    """
    corpus = corpus.subset(subset) if subset else corpus
    clips = _listed(corpus)
    files = dict(zip(clips["key"], corpus.clips["audio"], strict=True))
    events = dict(list(corpus.events.groupby(["subset", "clip_id"], sort=False)))
    player = ClipPlayer(lambda one: _scene(corpus, one, files[one], events))
    explorer = Explorer(
        clips,
        player,
        classes=tuple(dict.fromkeys(name for part in clips["annotated"] for name in part)),
        help=HELP,
        parts=_sound(corpus, list(files.values())),
        num_parts=-(-len(clips) // _FILES_AT_ONCE),
        filters={"label": label},
        call=python_call("sedlab.explore", str(corpus.root), subset=subset or None, label=label or None),
    )
    if key is not None:
        explorer.open(key)
    return explorer


def _listed(corpus: Corpus) -> pd.DataFrame:
    clips = corpus.clips
    keys = list(zip(clips["subset"], clips["clip_id"], strict=True))
    rows = corpus.events.groupby(["subset", "clip_id"]).size().to_dict()
    sure = corpus.events[corpus.events["confidence"] > SOFT_THRESHOLD]
    labels = sure.groupby(["subset", "clip_id"])["label"].agg(lambda found: tuple(dict.fromkeys(found))).to_dict()
    seconds = {key: _covered(part) for key, part in sure.dropna(subset=["onset"]).groupby(["subset", "clip_id"])}
    return pd.DataFrame(
        {
            "key": [key_of(*key) for key in keys],
            "clip": clips["clip_id"],
            "subset": clips["subset"],
            "group": clips["group"],
            "labels": clips["label_kind"],
            "seconds": clips["duration"].astype(float).round(2),
            "annotated": [labels.get(key, ()) for key in keys],
            "events": [rows.get(key, 0) for key in keys],
            "labelled s": [seconds.get(key, 0.0) for key in keys],
            "level dB": np.nan,
            "peak": np.nan,
            "problem": "",
        }
    ).reset_index(drop=True)


def _covered(events: pd.DataFrame) -> float:
    """Return in how many seconds there is any event."""
    spans = events[["onset", "offset"]].sort_values("onset").to_numpy()
    reach = np.maximum.accumulate(spans[:, 1])
    begin = np.maximum(spans[:, 0], np.concatenate([[-np.inf], reach[:-1]]))
    return round(float(np.clip(spans[:, 1] - begin, 0, None).sum()), 3)


def _sound(corpus: Corpus, files: list[str]) -> Iterator[LaterColumns]:
    """Read all files, a few at a time, and yield how loud they are."""
    level, peak, problem = np.full(len(files), np.nan), np.full(len(files), np.nan), [""] * len(files)
    for start in range(0, len(files), _FILES_AT_ONCE):
        for row in range(start, min(start + _FILES_AT_ONCE, len(files))):
            try:
                samples, _ = _read(corpus.root / files[row])
            except SedlabError as error:
                problem[row] = str(error)
                continue
            peak[row] = np.abs(samples).max()
            level[row] = 20 * np.log10(max(float(np.sqrt(np.mean(np.square(samples)))), 1e-6))
        yield LaterColumns(
            {"level dB": level.round(1), "peak": peak.round(3), "problem": list(problem)}, what="listening"
        )


def _scene(corpus: Corpus, key: str, file: str, events: dict[tuple[str, str], pd.DataFrame]) -> Scene:
    subset, _, clip_id = key.partition("/")
    samples, rate = _read(corpus.root / file)
    found = events.get((subset, clip_id), corpus.events.iloc[:0])
    # A row of the reference without a bar would say that people heard nothing.
    annotated = layout(subset).label_kind != "none"
    if layout(subset).family == "audioset":
        return Scene(key, samples, rate, classes=tuple(dict.fromkeys(found["label"])), events=found, title=key)
    known = corpus.space.annotated(layout(subset).family)
    classes = tuple(dict.fromkeys([*known, *found["label"]]))
    return Scene(
        key,
        samples,
        rate,
        classes=classes,
        events=found if annotated else None,
        masked=frozenset(classes) - frozenset(known),
        title=key,
    )


def _read(path: Path) -> tuple[np.ndarray, int]:
    with warnings.catch_warnings():
        # What is odd about a file is said when the corpus is prepared; in a callback a warning would reach nobody.
        warnings.simplefilter("ignore", SedlabWarning)
        return read_audio(on_disk(path))
