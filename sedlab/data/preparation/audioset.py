"""AudioSet strong: the clips that its tables name, from a folder of clips or the published HDF5 files of MP3 bytes.

The HDF5 files (``balanced_train_segments_mp3.hdf``, ``unbalanced_...``, ``eval_...``: datasets ``audio_name``, ``mp3``,
``target``) hold all of AudioSet, two million clips; a twentieth of them has strong labels, and only those are decoded.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sedlab.data.audio_file import read_header
from sedlab.data.corpora.audioset import EVAL_DURATIONS, audio_spellings
from sedlab.data.corpora.layout import SUBSETS, Subset
from sedlab.data.formats.text import is_table
from sedlab.data.preparation.audioset_sources import (
    SegmentSource,
    clips_by_name,
    first_of,
    hdf5_files,
    located,
    with_content,
)
from sedlab.data.preparation.conversion import Converted, convert
from sedlab.data.preparation.ledger import Ledger, Source, sources_in
from sedlab.data.preparation.outcome import DAMAGED, ODD, Problem, SetOutcome
from sedlab.data.preparation.tables import may_write, write_generated
from sedlab.data.preparation.twins import check_space
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError, count_of, short
from sedlab.files import sweep_temporaries
from sedlab.grid import CLIP_SECONDS, SAMPLE_RATE
from sedlab.progress import Progress, no_progress
from sedlab.system.parallel import in_parallel

_COLUMNS = ("segment_id", "start_time_seconds", "end_time_seconds", "label")


def prepare_audioset(
    root: Path,
    *,
    hdf5: Sequence[Path] = (),
    clips: Path | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> list[SetOutcome]:
    """Write the clips that the strong tables under ``root`` name, at 16 kHz, to the folders of the layout.

    A segment whose audio lies in its folder already, under any of its names, is left as it is.

    Parameters
    ----------
    hdf5 : sequence of path
        HDF5 files of MP3 bytes; those under ``audioset_strong/hdf`` unless given.
    clips : path or None
        Folder with sound files of segments at any depth, taken before those of the HDF5 files.

    Raises
    ------
    SedlabError
        When there is no table, for an HDF5 file of another kind, and when nothing can be written.
    """
    files = list(hdf5) or hdf5_files(root)
    segments = {part: _segments(root, SUBSETS[f"audioset_{part}"]) for part in ("train", "eval")}
    if not any(segments.values()):
        raise SedlabError(
            f"{root / SUBSETS['audioset_train'].table}: no such table, nor that of the evaluation part. Get them with "
            f"`sedlab data audioset download --root {root}`."
        )
    folder_clips = clips_by_name(clips)
    outcomes = []
    for part, names in segments.items():
        if names:
            subset = SUBSETS[f"audioset_{part}"]
            outcome = SetOutcome(subset.name, expected=len(names))
            with outcome.timed():
                _extract(root, subset, names, folder_clips, files, outcome, workers=workers, progress=progress)
            outcomes.append(outcome)
    _write_eval_durations(root, segments["eval"])
    return outcomes


def _extract(
    root: Path,
    subset: Subset,
    segments: Sequence[str],
    folder_clips: Mapping[str, Path],
    files: Sequence[Path],
    outcome: SetOutcome,
    *,
    workers: int,
    progress: Progress,
) -> None:
    folder = root / subset.audio
    folder.mkdir(parents=True, exist_ok=True)
    present = sources_in(folder)
    with Ledger(folder) as ledger:
        wanted = [segment for segment in segments if not _is_there(segment, present, ledger)]
        todo = located(wanted, folder_clips, files) if wanted else []
        if todo:
            sweep_temporaries(folder)
            check_space(folder, len(todo) * CLIP_SECONDS * SAMPLE_RATE * 2, "clips of AudioSet strong")
        for done, (clip, result) in enumerate(
            in_parallel(lambda clip: _decode(clip, folder), with_content(todo), workers=workers)
        ):
            progress(done, len(todo), outcome.name)
            if result.problem:
                outcome.problems.append(Problem(outcome.name, clip.name, DAMAGED, result.problem))
            outcome.problems += [Problem(outcome.name, clip.name, ODD, note) for note in result.notes]
            if result.written:
                ledger.add(clip.source, result.written)
                outcome.made += 1
        if todo:
            progress(len(todo), len(todo), outcome.name)
    present = sources_in(folder)
    found = {segment: name for segment in segments if (name := first_of(audio_spellings(segment), present))}
    outcome.clips, outcome.hours = len(found), ledger.hours(found)
    outcome.orphans = sorted(source.name for stem, source in present.items() if stem not in {*found.values()})
    if lacking := len(segments) - len(found):
        outcome.remarks.append(f"{subset.name}: {count_of(lacking, 'clip is', 'clips are')} missing in all sources")


def _is_there(segment: str, present: Mapping[str, Source], ledger: Ledger) -> bool:
    """Return whether a segment's audio was put there by somebody else, or was extracted and is of the size written."""
    name = first_of(audio_spellings(segment), present)
    if name is None:
        return False
    if segment not in ledger:
        # What a killed process wrote last has no entry; it is whole, as all that is named so.
        return True
    return ledger[segment].written == present[name].num_bytes


def _decode(clip: SegmentSource, folder: Path) -> Converted:
    target = folder / f"{clip.segment}.wav"
    if clip.row is None:
        return convert(clip.path, target)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / f"{clip.segment}.mp3"
        path.write_bytes(clip.content)
        result = convert(path, target)

        def named(text: str) -> str:
            return text.replace(str(path), clip.name)

        return replace(result, problem=named(result.problem), notes=tuple(map(named, result.notes)))


def _segments(root: Path, subset: Subset) -> list[str]:
    """Return the segments of a strong table, once each; the table is made from its comma-separated form if need be."""
    path = root / subset.table
    variant = path.with_suffix(".csv")
    if not is_table(path) and variant.is_file():
        write_tsv(path, _from_csv(variant))
    if not is_table(path):
        return []
    return read_tsv(path, ("segment_id",))["segment_id"].drop_duplicates().tolist()


def _from_csv(path: Path) -> pd.DataFrame:
    """Return a strong table in the form of PretrainedSED: comma-separated, the first column the segment."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:
        raise SedlabError(f"{path}: not a comma-separated table ({short(str(error))}). Download it again.") from None
    table = table.rename(columns={table.columns[0]: _COLUMNS[0]})
    if lacking := [name for name in _COLUMNS if name not in table]:
        raise SedlabError(f"{path}: no column {lacking[0]!r}; found {', '.join(table.columns)}. Download it again.")
    return table[list(_COLUMNS)]


def _write_eval_durations(root: Path, segments: Sequence[str]) -> None:
    """Write seconds by clip of the evaluation part, unless the published table is there."""
    path, folder = root / EVAL_DURATIONS, root / SUBSETS["audioset_eval"].audio
    if not may_write(root, path) or not folder.is_dir():
        return
    present = sources_in(folder)
    found = {f"Y{segment.rsplit('_', 1)[0]}": first_of(audio_spellings(segment), present) for segment in segments}
    names = {video: present[stem].name for video, stem in found.items() if stem is not None}
    if not names or (path.is_file() and names.keys() == {line.split(",")[0] for line in path.read_text().splitlines()}):
        return
    lines = []
    for video, name in sorted(names.items()):
        with suppress(SedlabError):
            lines.append(f"{video},{read_header(folder / name).duration}\n")
    write_generated(root, path, lambda draft: draft.write_text("".join(lines), encoding="utf-8"))
