"""Cut MAESTRO Real recordings into windows of 10 s with soft labels, by the published rule.

Source: the DCASE 2024 Task 4 baseline recipe (``download_prep_maestro.py``). There each window is resampled by itself;
here a recording is, so that windows have no filter edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.corpora.reading import known_labels
from sedlab.data.preparation.conversion import samples_of, write_wav
from sedlab.data.tsv import line_number, read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SECONDS, SAMPLE_RATE
from sedlab.labels import MAESTRO_CLASSES

TABLE_COLUMNS = ("filename", "onset", "offset", "event_label", "confidence")


def cut_windows(num_samples: int, sample_rate: int, *, hop_seconds: int) -> list[tuple[int, int]]:
    """Return (start, end) in samples of all windows of a recording.

    Full windows start at multiples of the hop; a shorter one covers what is left at the end, if anything is. A
    recording shorter than 10 s is one window (the published rule drops it when shorter than 10 s minus the hop).
    """
    window, hop = round(CLIP_SECONDS * sample_rate), hop_seconds * sample_rate
    if num_samples <= window:
        return [(0, num_samples)]
    num_full = (num_samples - window + hop) // hop
    windows = [(k * hop, k * hop + window) for k in range(num_full)]
    if windows[-1][1] < num_samples and num_full * hop < num_samples:
        windows.append((num_full * hop, num_samples))
    return windows


def window_name(recording: str, start: float, end: float) -> str:
    """Return the published file name of a window: ``<recording>-<start>-<end>.wav`` in whole centiseconds."""
    return f"{recording}-{_centiseconds(start):06d}-{_centiseconds(end):06d}.wav"


def label_windows(labels: pd.DataFrame, spans: Sequence[tuple[float, float]]) -> pd.DataFrame:
    """Return the labels of every window (start, end in seconds) of a recording, in time of the window.

    Parameters
    ----------
    labels : DataFrame
        onset, offset, event_label, confidence of the recording.

    Returns
    -------
    DataFrame
        window (number of the span), onset, offset, event_label, confidence. A window that no label overlaps has one row
        with empty values.
    """
    start, end = np.array(spans, dtype=float).reshape(-1, 2).T
    onset, offset = labels["onset"].to_numpy(float), labels["offset"].to_numpy(float)
    inside = (onset < end[:, None]) & (offset > start[:, None])
    window, row = np.nonzero(inside)
    rows = labels.iloc[row]
    table = pd.DataFrame(
        {
            "window": window,
            "onset": (onset[row] - start[window]).clip(min=0).round(6),
            "offset": np.minimum(offset[row] - start[window], (end - start)[window]).round(6),
            "event_label": rows["event_label"].to_numpy(object),
            "confidence": rows["confidence"].to_numpy(float),
        }
    )
    bare = np.flatnonzero(~inside.any(axis=1))
    nothing = {"window": bare, "onset": np.nan, "offset": np.nan, "event_label": "", "confidence": np.nan}
    return table if not len(bare) else pd.concat([table, pd.DataFrame(nothing)], ignore_index=True)


def window_table(recordings: Mapping[str, tuple[pd.DataFrame, Sequence[tuple[float, float]]]]) -> pd.DataFrame:
    """Return the table of all windows (filename, onset, offset, event_label, confidence) of labelled recordings.

    Sorted by filename, then onset; stable, so that neighbouring seconds keep their order: it decides who owns the frame
    between them.

    Parameters
    ----------
    recordings : mapping of name to (labels, spans)
        As `label_windows` takes them.
    """
    tables = []
    for name, (labels, spans) in recordings.items():
        names = np.array([window_name(name, start, end) for start, end in spans], dtype=object)
        table = label_windows(labels, spans)
        tables.append(table.assign(filename=names[table["window"]])[list(TABLE_COLUMNS)])
    return pd.concat(tables, ignore_index=True).sort_values(["filename", "onset"], kind="stable", ignore_index=True)


def write_windows(
    name: str, samples: np.ndarray, spans: Sequence[tuple[float, float]], folder: Path
) -> list[tuple[str, int]]:
    """Write the windows of a recording, (samples,) int16 at 16 kHz; return file name and bytes of each."""
    written = []
    for start, end in spans:
        filename = window_name(name, start, end)
        # Starts are whole seconds in either rate.
        part = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        written.append((filename, write_wav(folder / filename, part)))
    return written


def read_soft_labels(path: Path) -> pd.DataFrame:
    """Return columns onset, offset, event_label, confidence of an annotation file without header."""
    columns = ("onset", "offset", "event_label", "confidence")
    table = read_tsv(path, columns, numbers=("onset", "offset", "confidence"), header=False)
    incomplete = table[["onset", "offset", "confidence"]].isna().any(axis=1) | (table["event_label"] == "")
    if incomplete.any():
        line = line_number(incomplete.idxmax(), header=False)
        raise SedlabError(f"{path}, line {line}: expected tab-separated onset, offset, label, confidence.")
    return table.assign(event_label=known_labels(table["event_label"], MAESTRO_CLASSES, path, header=False))


def cut_recordings(
    recordings: Mapping[str, Path],
    annotations: Mapping[str, Path],
    audio_out: Path,
    table_out: Path,
    *,
    hop_seconds: int,
) -> pd.DataFrame:
    """Cut recordings into windows: write 16 kHz WAV files and the table of their soft labels; return the table.

    Parameters
    ----------
    recordings, annotations : mapping of recording name to path
        Sound file of any rate; text file without header, tab-separated onset, offset, label, confidence.
    hop_seconds : int
        Distance between window starts.

    Returns
    -------
    DataFrame
        As `window_table`.

    Raises
    ------
    SedlabError
        For a recording without annotation or the other way round, and for damaged files.
    """
    _check_pairs(recordings, annotations)
    labelled = {}
    for name, path in sorted(recordings.items()):
        labels, spans = read_soft_labels(annotations[name]), spans_of(path, hop_seconds)
        samples, _ = samples_of(path)
        write_windows(name, samples, spans, Path(audio_out))
        labelled[name] = labels, spans
    table = window_table(labelled)
    write_tsv(table_out, table)
    return table


def spans_of(recording: Path, hop_seconds: int) -> list[tuple[float, float]]:
    """Return the windows of a recording in seconds, by its header."""
    from sedlab.data.audio_file import read_header

    header = read_header(recording)
    windows = cut_windows(header.num_frames, header.sample_rate, hop_seconds=hop_seconds)
    return [(start / header.sample_rate, end / header.sample_rate) for start, end in windows]


def _centiseconds(seconds: float) -> int:
    # Truncated as published; the nudge keeps 0.29 s, stored as 0.28999…, at 29.
    return int(seconds * 100 + 1e-6)


def _check_pairs(recordings: Mapping[str, Path], annotations: Mapping[str, Path]) -> None:
    if not recordings:
        raise SedlabError("no MAESTRO recordings to cut: the audio folder holds no sound files.")
    unlabelled = sorted(recordings.keys() - annotations.keys())
    silent = sorted(annotations.keys() - recordings.keys())
    if unlabelled or silent:
        name, lacks = (unlabelled[0], "annotation") if unlabelled else (silent[0], "recording")
        raise SedlabError(
            f"MAESTRO: {len(unlabelled) + len(silent)} of {len(recordings.keys() | annotations.keys())} names lack "
            f"a partner, first: no {lacks} for {name!r}. File names without extension must be equal."
        )
