"""MAESTRO Real: minutes-long recordings with soft labels, cut into overlapping windows of 10 s.

Annotators listened to overlapping excerpts of each recording; a label's confidence says how many of them, weighted by
their reliability, heard the sound in that second. The recordings are cut into windows that start every ``hop_seconds``;
in evaluation, the scores of all windows over a second are averaged.

Source: Martin-Morato & Mesaros, "Strong labeling of sound events using crowdsourced weak labels", IEEE/ACM TASLP 2023;
windows as in the DCASE 2024 Task 4 baseline recipe (hop 1 s for both splits, as the published system used them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.corpora.layout import Subset
from sedlab.data.corpora.reading import annotation_table, check_labels, clip_table, clips_with_audio, event_table
from sedlab.data.tables import Corpus
from sedlab.data.tsv import line_number, read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SECONDS, SAMPLE_RATE
from sedlab.labels import MAESTRO_CLASSES, MAESTRO_TO_DESED
from sedlab.progress import Progress

SCENES: tuple[str, ...] = ("cafe_restaurant", "city_center", "grocery_store", "metro_station", "residential_area")

#: Scenes with fewer recordings than this are pooled before they are split.
MIN_SCENE_RECORDINGS = 4

_COLUMNS = ("filename", "onset", "offset", "event_label", "confidence")


# Reading ---------------------------------------------------------------------------------------------------------


def read_maestro(root: Path, subset: Subset, config: DataConfig) -> Corpus:
    """Return the windows and soft events of one MAESTRO subset.

    Training and validation share one table and are told apart by recording, see ``split_recordings``. Training rows are
    aliased to DESED classes if ``config.alias_labels``. A window whose only row is empty is a clip without events.
    """
    path = root / subset.table
    table = annotation_table(root, subset, _COLUMNS, numbers=("onset", "offset", "confidence"))
    clip_ids = table["clip_id"].drop_duplicates()
    windows = parse_window_names(clip_ids, path)

    if subset.split != "test":
        train, held_out = split_recordings(
            windows["recording"], fraction=config.maestro_train_fraction, seed=config.split_seed
        )
        windows = windows[windows["recording"].isin(train if subset.split == "train" else held_out)]
    clips = clip_table(
        subset,
        windows["clip_id"],
        duration=windows["end"] - windows["start"],
        recording=windows["recording"],
        recording_onset=windows["start"],
    )
    clips = clips_with_audio(clips, root, subset)

    rows = table[table["clip_id"].isin(clips["clip_id"]) & (table["event_label"] != "")]
    check_labels(rows["event_label"], MAESTRO_CLASSES, path)
    # The published confidence is at most 1; above it the cross-entropy would have no minimum.
    wrong = ~rows["confidence"].between(0, 1)
    if wrong.any():
        row = wrong.idxmax()
        raise SedlabError(
            f"{path}, line {line_number(row)}: confidence {rows.confidence[row]:g} is not between 0 and 1."
        )
    aliases = MAESTRO_TO_DESED if config.alias_labels and subset.split == "train" else ()
    events = event_table(subset, rows, rows["event_label"], path=path, confidence=rows["confidence"], aliases=aliases)
    return Corpus(clips=clips, events=events, root=root, aliased=config.alias_labels)


def parse_window_names(clip_ids: pd.Series, path: Path) -> pd.DataFrame:
    """Return columns clip_id, recording, start, end (seconds) from ``<recording>-<centiseconds>-<centiseconds>``."""
    parts = clip_ids.str.extract(r"^(?P<recording>.+)-(?P<start>\d{6,})-(?P<end>\d{6,})$")
    wrong = parts["start"].isna()
    if wrong.any():
        raise SedlabError(
            f"{path}: clip name {clip_ids[wrong].iloc[0]!r} is not <recording>-<start>-<end> in centiseconds "
            "of six digits. Prepare the recordings with `sedlab data maestro prepare`."
        )
    return pd.DataFrame(
        {
            "clip_id": clip_ids,
            "recording": parts["recording"],
            "start": parts["start"].astype(int) / 100,
            "end": parts["end"].astype(int) / 100,
        }
    ).reset_index(drop=True)


def split_recordings(recordings: Sequence[str], *, fraction: float, seed: int) -> tuple[list[str], list[str]]:
    """Split recording names scene by scene into those to train on and those held out for validation.

    One legacy NumPy generator runs through the scenes in the order of `SCENES` (unknown scenes follow as they appear):
    names in order of first appearance are shuffled, the first ⌊fraction·n⌋ train. With seed 42 and the published
    training recordings this holds out cafe_restaurant_14, city_center_11, grocery_store_03, metro_station_10 and
    residential_area_01.

    In a small corpus ⌊0.9·n⌋ would hold out whole scenes. Scenes with fewer than `MIN_SCENE_RECORDINGS` recordings are
    therefore pooled and split together, after the others. With a fraction below 1 and two recordings or more, at least
    one recording ends on each side.
    """
    # The published split was drawn from this generator; a modern one would draw another.
    random = np.random.RandomState(seed)
    by_scene: dict[str, list[str]] = {scene: [] for scene in SCENES}
    for name in dict.fromkeys(recordings):
        by_scene.setdefault(scene_of(name), []).append(name)
    parts = [names for names in by_scene.values() if len(names) >= MIN_SCENE_RECORDINGS]
    parts.append([name for names in by_scene.values() if len(names) < MIN_SCENE_RECORDINGS for name in names])

    train: list[str] = []
    held_out: list[str] = []
    for names in parts:
        random.shuffle(names)
        num_train = int(fraction * len(names))
        train += names[:num_train]
        held_out += names[num_train:]
    if fraction < 1 and not train and len(held_out) > 1:
        train.append(held_out.pop(0))
    return train, held_out


def scene_of(recording: str) -> str:
    """Return the scene of a recording: its name without the trailing number."""
    return recording.rsplit("_", 1)[0]


# Preparation -----------------------------------------------------------------------------------------------------


def cut_recordings(
    recordings: Mapping[str, Path],
    annotations: Mapping[str, Path],
    audio_out: Path,
    table_out: Path,
    *,
    hop_seconds: int,
    progress: Progress | None = None,
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
        filename, onset, offset (seconds in the window), event_label, confidence; sorted by filename, then onset. A
        window in which nothing is annotated has one row with empty values.

    Raises
    ------
    SedlabError
        For a recording without annotation or the other way round, and for damaged files.
    """
    import soundfile

    from sedlab.data.audio_file import read_audio, resample
    from sedlab.files import atomic_path

    _check_pairs(recordings, annotations)
    audio_out = Path(audio_out)
    tables = []
    for done, (name, path) in enumerate(sorted(recordings.items())):
        if progress:
            progress(done, len(recordings), name)
        waveform, sample_rate = read_audio(path)
        labels = read_soft_labels(annotations[name])
        windows = cut_windows(len(waveform), sample_rate, hop_seconds=hop_seconds)
        # Resampled whole, so that windows have no filter edges; starts are whole seconds in either rate.
        waveform = resample(waveform, sample_rate, SAMPLE_RATE)
        for start, end in windows:
            filename = window_name(name, start / sample_rate, end / sample_rate)
            samples = waveform[round(start * SAMPLE_RATE / sample_rate) : round(end * SAMPLE_RATE / sample_rate)]
            with atomic_path(audio_out / filename) as temporary:
                soundfile.write(temporary, samples, SAMPLE_RATE, subtype="PCM_16")
            tables.append(window_labels(labels, start / sample_rate, end / sample_rate).assign(filename=filename))
    if progress:
        progress(len(recordings), len(recordings), "")
    table = pd.concat(tables, ignore_index=True)[list(_COLUMNS)]
    # Stable, so that neighbouring seconds keep their order: it decides who owns the frame between them.
    table = table.sort_values(["filename", "onset"], kind="stable", ignore_index=True)
    write_tsv(table_out, table)
    return table


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


def window_labels(labels: pd.DataFrame, start: float, end: float) -> pd.DataFrame:
    """Return the rows of ``labels`` that overlap [start, end) seconds, in time of the window; one empty row if none."""
    inside = labels[(labels["onset"] < end) & (labels["offset"] > start)]
    if inside.empty:
        return pd.DataFrame({"onset": [np.nan], "offset": [np.nan], "event_label": [""], "confidence": [np.nan]})
    return inside.assign(
        onset=(inside["onset"] - start).clip(lower=0).round(6),
        offset=(inside["offset"] - start).clip(upper=end - start).round(6),
    )


def read_soft_labels(path: Path) -> pd.DataFrame:
    """Return columns onset, offset, event_label, confidence of an annotation file without header."""
    columns = ("onset", "offset", "event_label", "confidence")
    table = read_tsv(path, columns, numbers=("onset", "offset", "confidence"), header=False)
    incomplete = table[["onset", "offset", "confidence"]].isna().any(axis=1) | (table["event_label"] == "")
    if incomplete.any():
        line = line_number(incomplete.idxmax(), header=False)
        raise SedlabError(f"{path}, line {line}: expected tab-separated onset, offset, label, confidence.")
    check_labels(table["event_label"], MAESTRO_CLASSES, path, header=False)
    return table


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
