"""A folder of clips of any rate to its twin of 16 kHz copies, beside it under the name with ``_16k``."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from sedlab.data.audio_file import read_header
from sedlab.data.formats.names import readable_name
from sedlab.data.preparation.conversion import Converted, convert
from sedlab.data.preparation.ledger import Ledger, Source, samples_made_elsewhere, sources_in
from sedlab.data.preparation.outcome import DAMAGED, ODD, Problem, SetOutcome
from sedlab.errors import SedlabError
from sedlab.files import sweep_temporaries
from sedlab.grid import SAMPLE_RATE
from sedlab.progress import Progress, no_progress
from sedlab.system.parallel import in_parallel

# Headers that are read to guess how much room the copies of a folder take.
_SAMPLED = 20
_BYTES_PER_SECOND = 2 * SAMPLE_RATE


def make_twin(
    root: Path, source: Path, twin: Path, outcome: SetOutcome, *, workers: int = 1, progress: Progress = no_progress
) -> None:
    """Bring the 16 kHz copies of a folder's sound files up to date, and say in ``outcome`` what became of them.

    A copy is up to date when it has the size that was written from a source of the present size and time of change;
    only folders are listed to see that. A folder that was never complete before is made under another name (``.part``),
    so that nobody takes half of a set for all of it.

    Parameters
    ----------
    root : path
        Of the data; files are named relative to it.
    source, twin : path
        Folders; the twin may be absent.
    workers : int
        Threads; the bytes do not depend on it.

    Raises
    ------
    SedlabError
        When the twin cannot be written or its disk is too small. Sources that cannot be read are problems of the
        outcome and stop nothing.
    """
    sources = sources_in(source)
    folder = building_folder(twin)
    present = sources_in(folder)
    with Ledger(folder) as ledger:
        todo = []
        for stem, found in sorted(sources.items()):
            copy = present.get(stem)
            if ledger.is_current(found, copy and copy.num_bytes):
                continue
            samples = samples_made_elsewhere(folder / copy.name, found) if copy and found.name not in ledger else 0
            if samples:
                ledger.add(found, copy.num_bytes, samples)
            else:
                todo.append((stem, found))
        if todo:
            sweep_temporaries(folder)
            require_space(folder, [source / found.name for _, found in todo])
        for done, ((_, found), result) in enumerate(_converted(source, folder, todo, workers)):
            progress(done, len(todo), outcome.name)
            _note(outcome, str((source / found.name).relative_to(root)), result)
            if result.written:
                ledger.add(found, result.written)
                outcome.made += 1
        if todo:
            progress(len(todo), len(todo), outcome.name)
    copies = sources_in(folder) if todo else present
    if copies:
        finish_folder(folder, twin)
    outcome.clips = len(copies)
    outcome.hours = ledger.hours(sources[stem].name if stem in sources else stem for stem in copies)
    outcome.orphans = [readable_name(copy.name) for stem, copy in copies.items() if stem not in sources]


def building_folder(twin: Path) -> Path:
    """Return where to write: the twin itself where it is there, else a folder of another name until it is complete."""
    folder = twin if twin.is_dir() else twin.with_name(f"{twin.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SedlabError(f"{folder}: cannot be made ({error.strerror}). Choose a root you may write to.") from error
    return folder


def finish_folder(folder: Path, twin: Path) -> None:
    """Give a folder that is complete its name."""
    if folder != twin:
        folder.rename(twin)


def require_space(folder: Path, todo: list[Path]) -> None:
    """Raise SedlabError when the 16 kHz copies of so many files have no room; guessed from the length of some."""
    seconds = []
    for path in todo[:: max(1, len(todo) // _SAMPLED)]:
        try:
            seconds.append(read_header(path).duration)
        except SedlabError:
            continue
    if seconds:
        check_space(folder, sum(seconds) / len(seconds) * len(todo) * _BYTES_PER_SECOND, "16 kHz copies")


def check_space(folder: Path, needed: float, what: str) -> None:
    """Raise SedlabError when the disk of ``folder`` has less than ``needed`` bytes left for ``what``."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise SedlabError(
            f"{folder}: {what} take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free. Free space, or move the root "
            "to a larger disk."
        )


def _converted(
    source: Path, folder: Path, todo: list[tuple[str, Source]], workers: int
) -> Iterable[tuple[tuple[str, Source], Converted]]:
    def one(item: tuple[str, Source]) -> Converted:
        stem, found = item
        return convert(source / found.name, folder / f"{stem}.wav")

    return in_parallel(one, todo, workers=workers)


def _note(outcome: SetOutcome, file: str, result: Converted) -> None:
    if result.problem:
        outcome.problems.append(Problem(outcome.name, file, DAMAGED, result.problem))
    outcome.problems += [Problem(outcome.name, file, ODD, note) for note in result.notes]
