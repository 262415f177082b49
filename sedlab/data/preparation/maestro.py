"""MAESTRO Real as it was published, long recordings and their annotation, to windows and tables in the layout.

``maestro_train_split.csv`` and ``maestro_validation_split.csv`` beside this module name the recordings of both splits:
DCASE 2024 Task 4 baseline recipe (DESED_task, https://github.com/DCASE-REPO/DESED_task), MIT licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd

from sedlab.data.audio_file import read_header
from sedlab.data.corpora.layout import MAESTRO_DURATIONS, SUBSETS
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.data.preparation.conversion import samples_of
from sedlab.data.preparation.ledger import WAV_HEADER_BYTES, Ledger, Source, samples_made_elsewhere, sources_in
from sedlab.data.preparation.outcome import DAMAGED, ODD, Problem, SetOutcome
from sedlab.data.preparation.tables import may_write, write_generated
from sedlab.data.preparation.twins import building_folder, check_space, finish_folder
from sedlab.data.preparation.windows import (
    read_soft_labels,
    spans_of,
    window_name,
    window_table,
    write_windows,
)
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError, count_of
from sedlab.files import sweep_temporaries
from sedlab.grid import SAMPLE_RATE
from sedlab.progress import Progress, no_progress
from sedlab.system.parallel import in_parallel

#: Where the recordings and annotations are, at any depth; the second as the baseline's script unpacks them.
ORIGINALS = ("maestro_original", "MAESTRO_original/maestro_dev")
#: The subset whose table and folder each split fills, and its name in the split lists.
SPLITS = {"train": "maestro_train", "validation": "maestro_dev"}
#: Windows of the published sets by split and hop in seconds; of others it is not known.
PUBLISHED_WINDOWS = {("train", 1): 7503, ("train", 5): 1546, ("validation", 1): 3474, ("validation", 5): 718}
_PREFIX = "soft_labels_"
_DURATIONS_CSV = "development_metadata.csv"


@dataclass(frozen=True)
class Recording:
    """A recording, its annotation, and its windows."""

    name: str
    path: Path
    source: Source
    labels: pd.DataFrame
    spans: list[tuple[float, float]]
    """(start, end) of each window in seconds."""

    @property
    def windows(self) -> dict[str, int]:
        """File name without suffix and bytes of each window."""
        return {
            window_name(self.name, start, end).removesuffix(".wav"): WAV_HEADER_BYTES
            + 2 * (round(end * SAMPLE_RATE) - round(start * SAMPLE_RATE))
            for start, end in self.spans
        }


def prepare_maestro(
    root: Path, *, hops: Mapping[str, int], workers: int = 1, progress: Progress = no_progress
) -> list[SetOutcome]:
    """Cut the recordings of both splits into windows under ``root``, with tables of soft labels and durations.

    What is there already of recordings of the same size and time is not cut again.

    Parameters
    ----------
    hops : mapping of "train" and "validation" to seconds
        Distance between the starts of windows.

    Raises
    ------
    SedlabError
        When there are no recordings or annotations, and when nothing can be written. Damaged recordings and annotations
        are problems of the outcomes.
    """
    originals = next((root / name for name in ORIGINALS if (root / name).is_dir()), root / ORIGINALS[0])
    recordings, annotations = find_recordings(originals), find_annotations(originals)
    if not recordings or not annotations:
        what = "sound file" if not recordings else "annotation (.txt)"
        raise SedlabError(
            f"{originals}: no {what} of MAESTRO Real. Get it with `sedlab data maestro download --root {root}`, or put "
            f"recordings into {originals / 'audio'} and annotations into {originals / 'annotation'}."
        )
    split_of = split_lists(originals)
    outcomes = []
    for split, subset in SPLITS.items():
        outcome = SetOutcome(subset if split == "validation" else "maestro_train, maestro_val")
        outcome.expected = PUBLISHED_WINDOWS.get((split, hops[split]))
        names = [name for name in split_of[split] if name in recordings]
        if missing := [name for name in split_of[split] if name not in recordings]:
            lacking = count_of(len(missing), "recording is", "recordings are")
            outcome.remarks.append(f"{lacking} missing of the {split} split, first: {missing[0]}")
        with outcome.timed():
            chosen = {name: recordings[name] for name in sorted(names)}
            readable = _readable(root, outcome, chosen, annotations, hops[split])
            if readable:
                _cut(root, subset, outcome, readable, workers=workers, progress=progress)
        outcomes.append(outcome)
    if strangers := sorted(recordings.keys() - {name for names in split_of.values() for name in names}):
        others = count_of(len(strangers), "recording is", "recordings are")
        outcomes[0].remarks.append(f"{others} in neither split list, first: {strangers[0]}")
    _write_durations(root, originals, recordings)
    return outcomes


def find_recordings(folder: Path) -> dict[str, Path]:
    """Return the sound files in and below a folder by name without suffix."""
    return {path.stem: path for path in sorted(folder.rglob("*")) if is_audio_name(path.name) and path.is_file()}


def find_annotations(folder: Path) -> dict[str, Path]:
    """Return the annotation files in and below a folder by the name of their recording."""
    return {path.stem.removeprefix(_PREFIX): path for path in sorted(folder.rglob("*.txt")) if path.name[0] != "."}


def split_lists(folder: Path | None = None) -> dict[str, list[str]]:
    """Return the names of the recordings of "train" and "validation": from lists in ``folder``, else the published."""
    lists = {}
    for split in SPLITS:
        found = sorted(folder.rglob(f"{split}_split.csv")) if folder else []
        published = resources.files(__package__).joinpath(f"maestro_{split}_split.csv")
        text = found[0].read_text(encoding="utf-8-sig") if found else published.read_text(encoding="utf-8")
        # One column; its header is "train" or "val".
        lists[split] = [line.strip().removesuffix(".txt") for line in text.splitlines()[1:] if line.strip()]
    return lists


def _readable(
    root: Path, outcome: SetOutcome, recordings: Mapping[str, Path], annotations: Mapping[str, Path], hop: int
) -> list[Recording]:
    """Return the recordings that can be cut; what is wrong with the others goes to the outcome."""
    found = []
    for name, path in recordings.items():
        try:
            if name not in annotations:
                raise SedlabError(f"{path}: no annotation {name}.txt. Download it again, or move the recording away.")
            labels, spans, state = read_soft_labels(annotations[name]), spans_of(path, hop), path.stat()
        except SedlabError as error:
            outcome.problems.append(Problem(outcome.name, str(path.relative_to(root)), DAMAGED, str(error)))
            continue
        found.append(Recording(name, path, Source(path.name, state.st_size, state.st_mtime_ns), labels, spans))
    return found


def _cut(
    root: Path, name: str, outcome: SetOutcome, recordings: list[Recording], *, workers: int, progress: Progress
) -> None:
    subset = SUBSETS[name]
    twin, table = root / subset.audio, root / subset.table
    folder = building_folder(twin)
    present = sources_in(folder)
    with Ledger(folder) as ledger:
        todo = []
        for recording in recordings:
            if _is_cut(recording, ledger, folder, present):
                ledger.add(recording.source, sum(recording.windows.values()))
            else:
                todo.append(recording)
        if todo:
            sweep_temporaries(folder)
            check_space(folder, sum(sum(recording.windows.values()) for recording in todo), "windows")
        cut = {recording.name for recording in recordings}
        for done, (recording, notes) in enumerate(in_parallel(lambda r: _cut_one(r, folder), todo, workers=workers)):
            progress(done, len(todo), outcome.name)
            where = str(recording.path.relative_to(root))
            if isinstance(notes, SedlabError):
                outcome.problems.append(Problem(outcome.name, where, DAMAGED, str(notes)))
                cut.discard(recording.name)
                continue
            outcome.problems += [Problem(outcome.name, where, ODD, note) for note in notes]
            ledger.add(recording.source, sum(recording.windows.values()))
            outcome.made += len(recording.windows)
        if todo:
            progress(len(todo), len(todo), outcome.name)
    whole = [recording for recording in recordings if recording.name in cut]
    if whole:
        _write_table(root, table, whole, outcome)
        finish_folder(folder, twin)
        _count(outcome, whole, twin)


def _count(outcome: SetOutcome, recordings: list[Recording], folder: Path) -> None:
    windows = {window: size for recording in recordings for window, size in recording.windows.items()}
    outcome.clips = len(windows)
    outcome.hours = sum(size - WAV_HEADER_BYTES for size in windows.values()) / 2 / SAMPLE_RATE / 3600
    outcome.orphans = [source.name for stem, source in sources_in(folder).items() if stem not in windows]


def _is_cut(recording: Recording, ledger: Ledger, folder: Path, present: Mapping[str, Source]) -> bool:
    """Return whether all windows of a recording, as it is now, are there."""
    windows = recording.windows
    if any(stem not in present for stem in windows):
        return False
    if recording.source.name in ledger:
        entry = ledger[recording.source.name]
        same = (entry.num_bytes, entry.modified_ns) == (recording.source.num_bytes, recording.source.modified_ns)
        return same and all(present[stem].num_bytes == size for stem, size in windows.items())
    return all(samples_made_elsewhere(folder / present[stem].name, recording.source) for stem in windows)


def _cut_one(recording: Recording, folder: Path) -> list[str] | SedlabError:
    try:
        samples, notes = samples_of(recording.path)
    except SedlabError as error:
        return error
    write_windows(recording.name, samples, recording.spans, folder)
    return notes


def _write_table(root: Path, path: Path, recordings: list[Recording], outcome: SetOutcome) -> None:
    table = window_table({recording.name: (recording.labels, recording.spans) for recording in recordings})
    if not write_generated(root, path, lambda draft: write_tsv(draft, table)):
        outcome.remarks.append(f"{path}: was there before or has been changed, so it stays. Delete it to have it made")


def _write_durations(root: Path, originals: Path, recordings: Mapping[str, Path]) -> None:
    """Write the durations of recordings: the published table where it is, else by their headers, in full digits."""
    path = root / MAESTRO_DURATIONS
    if not may_write(root, path):
        return
    published = sorted(originals.rglob(_DURATIONS_CSV))
    if published:
        try:
            table = read_tsv(published[0], ("filename", "duration"))
        except SedlabError:  # with commas between, as its name says
            table = pd.read_csv(published[0], dtype=str)[["filename", "duration"]]
    else:
        seconds = {}
        for name, recording in sorted(recordings.items()):
            with suppress(SedlabError):
                seconds[name] = read_header(recording).duration
        table = pd.DataFrame({"filename": list(seconds), "duration": list(seconds.values())})
    write_generated(root, path, lambda draft: write_tsv(draft, table))
