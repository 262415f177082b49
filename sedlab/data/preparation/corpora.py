"""Prepare one corpus under a data root: everything between what was published and what training reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sedlab.data.audio_file import read_header
from sedlab.data.corpora.layout import MINI_MARKER, SUBSETS, Subset
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.data.preparation.audioset import prepare_audioset
from sedlab.data.preparation.ledger import sources_in
from sedlab.data.preparation.maestro import prepare_maestro
from sedlab.data.preparation.outcome import DAMAGED, FOLDER, Problem, SetOutcome, write_problems
from sedlab.data.preparation.tables import place_resources, write_scored_durations
from sedlab.data.preparation.twins import make_twin
from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SECONDS
from sedlab.progress import Progress, no_progress
from sedlab.system.locking import Held, held
from sedlab.system.parallel import in_parallel

_SUFFIX = "_16k"


@dataclass
class Preparation:
    """What preparing a corpus came to."""

    outcomes: list[SetOutcome]
    placed: list[str] = field(default_factory=list)
    """Tables and responses that were put into place, and durations that were written."""
    problems: Path | None = None
    """The table of what is wrong with sources; None when nothing is."""

    @property
    def num_damaged(self) -> int:
        """Sources that cannot be read."""
        return sum(outcome.num_damaged for outcome in self.outcomes)


@dataclass(frozen=True)
class Options:
    """How to prepare; each corpus takes what concerns it."""

    workers: int = 1
    copies: bool = True
    """Write 16 kHz copies of DESED's folders; the waveform cache does without."""
    hops: dict[str, int] = field(default_factory=lambda: {"train": 1, "validation": 1})
    """Seconds between the windows of MAESTRO, by split."""
    hdf5: Sequence[Path] = ()
    clips: Path | None = None
    """Folder of AudioSet clips."""
    resources: Sequence[Path] = ()
    """Folders with exclusion lists, external strong tables and device responses."""


def prepare_corpus(root: Path, corpus: str, options: Options, progress: Progress = no_progress) -> Preparation:
    """Prepare "desed", "maestro" or "audioset" under ``root``; goes on where it was interrupted.

    Raises
    ------
    SedlabError
        When there is nothing to prepare, when another process prepares this root, and when nothing can be written.
        Damaged sources are listed in ``prepared/<corpus>_problems.tsv`` and stop nothing.
    """
    if not root.is_dir():
        raise SedlabError(
            f"{root}: no such data folder. Get the corpus with `sedlab data {corpus} download --root {root}`."
        )
    if (root / MINI_MARKER).is_file():
        raise SedlabError(
            f"{root}: was made by the mini generator, prepared as it is. Choose the root of real corpora."
        )
    with _alone(root):
        prepared = _PREPARERS[corpus](root, options, progress)
        problems = [problem for outcome in prepared.outcomes for problem in outcome.problems]
        prepared.problems = write_problems(root, corpus, problems)
    return prepared


def _desed(root: Path, options: Options, progress: Progress) -> Preparation:
    placed = place_resources(root, [root / "resources", *options.resources])
    outcomes = []
    for names, folders in audio_folders(root).items():
        outcome = SetOutcome(", ".join(names), expected=_expected(root, names))
        with outcome.timed():
            if options.copies:
                make_twin(root, *folders, outcome, workers=options.workers, progress=progress)
            else:
                _check_headers(root, folders[0], outcome, workers=options.workers)
        outcomes.append(outcome)
    for names, folder in _finished_elsewhere(root).items():
        clips = sources_in(folder)
        hours = len(clips) * CLIP_SECONDS / 3600
        outcomes.append(SetOutcome(", ".join(names), len(clips), expected=_expected(root, names), hours=hours))
        outcomes[-1].remarks.append(f"{folder}: has no originals beside it and is taken as it is")
    if not any(outcome.clips or outcome.num_damaged for outcome in outcomes):
        raise SedlabError(
            f"{root}: no audio of DESED, for example in {SUBSETS['weak_train'].audio.removesuffix(_SUFFIX)}/. Get it "
            f"with `sedlab data desed download --root {root}`."
        )
    if not any(outcome.num_damaged for outcome in outcomes) or options.copies:
        placed += [f"durations of {name}" for name in write_scored_durations(root)]
    return Preparation(outcomes, placed)


def _maestro(root: Path, options: Options, progress: Progress) -> Preparation:
    return Preparation(prepare_maestro(root, hops=options.hops, workers=options.workers, progress=progress))


def _audioset(root: Path, options: Options, progress: Progress) -> Preparation:
    sources = {"hdf5": options.hdf5, "clips": options.clips}
    return Preparation(prepare_audioset(root, **sources, workers=options.workers, progress=progress))


_PREPARERS: dict[str, Callable[[Path, Options, Progress], Preparation]] = {
    "desed": _desed,
    "maestro": _maestro,
    "audioset": _audioset,
}


def audio_folders(root: Path) -> dict[tuple[str, ...], tuple[Path, Path]]:
    """Return original and twin folder by the names of DESED's subsets that use them, where the original has sounds."""
    found: dict[tuple[Path, Path], list[str]] = {}
    for subset in _desed_subsets():
        for twin in (subset.audio, *subset.audio_alternatives):
            original = root / twin.removesuffix(_SUFFIX)
            if original.is_dir() and original != root / twin and _has_sounds(original):
                found.setdefault((original, root / twin), []).append(subset.name)
                break
    return {tuple(names): folders for folders, names in found.items()}


def _has_sounds(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(is_audio_name(entry.name) for entry in entries)


def _finished_elsewhere(root: Path) -> dict[tuple[str, ...], Path]:
    """Return the folders of 16 kHz audio without originals by the names of the subsets that use them."""
    with_originals = {name for names in audio_folders(root) for name in names}
    found: dict[Path, list[str]] = {}
    for subset in _desed_subsets():
        folder = subset.audio_folder(root)
        if subset.name not in with_originals and folder is not None and folder.name.endswith(_SUFFIX):
            found.setdefault(folder, []).append(subset.name)
    return {tuple(names): folder for folder, names in found.items()}


def _desed_subsets() -> list[Subset]:
    return [subset for subset in SUBSETS.values() if subset.family == "desed"]


def _expected(root: Path, names: Sequence[str]) -> int | None:
    """Return how many clips the published subsets have together; of those not known, as many as their tables name."""
    counts = [SUBSETS[name].published_count for name in names]
    if None not in counts:
        return sum(filter(None, counts))
    named: set[str] = set()
    for name in names:
        with suppress(SedlabError):
            named |= set(read_tsv(root / SUBSETS[name].table, ("filename",))["filename"])
    return len(named) or None


def _check_headers(root: Path, folder: Path, outcome: SetOutcome, *, workers: int) -> None:
    """Count the clips of a folder and their hours, and note those whose header cannot be read."""

    def seconds(path: Path) -> float | SedlabError:
        try:
            return read_header(path).duration
        except SedlabError as error:
            return error

    paths = [folder / source.name for _, source in sorted(sources_in(folder).items())]
    for path, result in in_parallel(seconds, paths, workers=workers):
        if isinstance(result, SedlabError):
            outcome.problems.append(Problem(outcome.name, str(path.relative_to(root)), DAMAGED, str(result)))
        else:
            outcome.hours += result / 3600
            outcome.clips += 1


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    try:
        with held(root / FOLDER / ".lock"):
            yield
    except Held as other:
        raise SedlabError(f"{root}: is being prepared by {other}. Wait for it.{other.remedy}") from None
