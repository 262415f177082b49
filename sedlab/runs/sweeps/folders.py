"""Which run folders a sweep has: one for each combination of values, and a small one that says which belong together.

The base is a run like any other, `runs/mini`; the others are variants of it beside it, named by what differs, such as
`runs/mini-stage2.loss.self_supervised=30`. `sweep.json` in `runs/mini-sweep-stage2.loss.self_supervised` names them.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from sedlab.config.experiment import Experiment, check_run_name
from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError, nearest
from sedlab.files import read_json, write_json
from sedlab.runs.layout import CONFIG_FILE, RUNS_FOLDER
from sedlab.runs.run import Run, no_run, open_run
from sedlab.runs.seeds.folders import folders_together
from sedlab.runs.sweeps.values import Grid, plain_value
from sedlab.runs.variants import different_keys, note_variant, variant_name

#: In the folder of a sweep: which runs belong to it.
SWEEP_FILE = "sweep.json"
#: More runs than anybody waits for; a typing error, rather.
MOST_RUNS = 200
_RunName = Annotated[str, AfterValidator(check_run_name)]


class SweptRun(BaseModel):
    """A run of a sweep, as `sweep.json` says it."""

    values: list[str]
    run: _RunName


class Noted(BaseModel):
    """What `sweep.json` says."""

    preset: str
    keys: list[str] = Field(min_length=1)
    """The settings that differ."""
    settings: list[str] = []
    """`key=value` texts that hold for all runs."""
    base: _RunName
    """With which the others are compared."""
    runs: list[SweptRun] = Field(min_length=1)


@dataclass(frozen=True)
class Sweep:
    """Runs of one experiment with every value of some settings.

    Attributes
    ----------
    path : Path
        The sweep's own folder, absolute.
    keys : tuple of str
        The settings that differ.
    settings : tuple of str
        `key=value` texts that hold for all runs.
    runs : mapping of tuple of str to Run
        Values, in the order of ``keys`` -> the run, or that of its seeds which the others repeat.
    base : tuple of str
        The values of the run with which the others are compared.
    """

    path: Path
    preset: str
    keys: tuple[str, ...]
    settings: tuple[str, ...]
    base: tuple[str, ...]
    runs: Mapping[tuple[str, ...], Run] = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def base_run(self) -> Run:
        """The run with which the others are compared."""
        return self.runs[self.base]

    def changes(self, values: Sequence[str]) -> list[str]:
        """Return a combination of values as `key=value` texts."""
        return [f"{key}={value}" for key, value in zip(self.keys, values, strict=True)]


def planned_sweep(preset: str, grid: Grid, *, name: str | None = None, runs_folder: Path = Path(RUNS_FOLDER)) -> Sweep:
    """Return a sweep as it is to be; nothing is written.

    The base is the run with the preset's own values if they are among the values, else that with the first. ``name``
    is what folders begin with; None: the preset's name and what is changed in all runs.

    Raises
    ------
    SedlabError
        For an unknown preset, key or value, values that make no difference, or when a folder that a run would take
        holds another one.
    """
    if (count := math.prod(len(axis.values) for axis in grid.axes)) > MOST_RUNS:
        raise SedlabError(f"{count} combinations of values are more than {MOST_RUNS}. Name fewer.")
    plain = load_experiment(preset, grid.settings)
    for axis in grid.axes:  # one at a time, before the grid: an unknown key is told by the first value
        for value in axis.values:
            load_experiment(preset, [*grid.settings, f"{axis.key}={value}"])
    combinations = list(grid)
    experiments = {values: load_experiment(preset, [*grid.settings, *grid.changes(values)]) for values in combinations}
    _check_differences(grid, experiments)
    own = next((values for values, found in experiments.items() if effect(found) == effect(plain)), None)
    if own is not None:
        experiments[own] = plain
    prefix = _prefix(plain, grid.settings, name)
    folders = _folders(prefix, grid, combinations, own)
    path = (runs_folder / variant_name(f"{prefix}-sweep", grid.keys)).resolve()
    noted = _read(path)
    known = {one.run for one in noted.runs} if noted else set()
    runs = {values: _run(runs_folder / folders[values], experiments[values], known) for values in combinations}
    return Sweep(path, preset, grid.keys, grid.settings, own or combinations[0], runs)


def note_sweep(sweep: Sweep) -> None:
    """Write down which runs belong to a sweep, and of which each is a variant."""
    base = sweep.base_run.name
    for values, run in sweep.runs.items():
        if run.name != base:
            note_variant(run, base, sweep.changes(values))
    runs = [SweptRun(values=list(values), run=run.name) for values, run in sweep.runs.items()]
    noted = Noted(preset=sweep.preset, keys=list(sweep.keys), settings=list(sweep.settings), base=base, runs=runs)
    write_json(sweep.path / SWEEP_FILE, noted)


def open_sweep(path: str | Path) -> Sweep:
    """Open the folder of a sweep by path; a relative one is looked for in the working folder and in its parents.

    Raises
    ------
    SedlabError
        When there is no such sweep (with the nearest name), or its base is not there.
    """
    folder = _find(Path(path).expanduser())
    noted = _read(folder)
    there = {
        tuple(one.values): open_run(folder.parent / one.run)
        for one in noted.runs
        if (folder.parent / one.run / CONFIG_FILE).is_file()
    }
    base = next((values for values, run in there.items() if run.name == noted.base), None)
    if base is None:
        raise SedlabError(f"{folder}: its base, {folder.parent / noted.base}, is not there. Run `sedlab sweep` again.")
    return Sweep(folder, noted.preset, tuple(noted.keys), tuple(noted.settings), base, there)


def sweeps_of(run: Run) -> list[Sweep]:
    """Return the sweeps beside a run to which it belongs, the youngest first; none whose base is gone."""
    found = []
    for file in sorted(run.path.parent.glob(f"*/{SWEEP_FILE}"), key=lambda file: -file.stat().st_mtime):
        if run.name in {one.run for one in _read(file.parent).runs}:
            with suppress(SedlabError):
                found.append(open_sweep(file.parent))
    return found


def folders_at_work(path: Path) -> dict[str, Path]:
    """Return the folders of a sweep's runs and their seeds, by what is put before the names of their jobs.

    Of a folder that is no sweep's: those of `sedlab.runs.seeds.folders.folders_together`.

    Raises
    ------
    SedlabError
        When it is no run's either.
    """
    if not any((path / name).is_file() for name in (CONFIG_FILE, SWEEP_FILE)):
        raise no_run(path)
    path = path.resolve()
    noted = _read(path)
    if noted is None:
        return folders_together(path)
    firsts = [path.with_name(one.run) for one in noted.runs]
    folders = [folder for first in firsts if first.is_dir() for folder in folders_together(first).values()]
    return {f"{folder.name}/": folder for folder in folders}


def effect(experiment: Experiment) -> str:
    """Return what an experiment comes to: two have the same when they do the same, however their settings are said."""
    said = experiment.model_dump(mode="json", exclude={"stages", "rules"})
    return json.dumps([said, [node.model_dump(mode="json") for node in experiment.nodes()]], sort_keys=True)


def _check_differences(grid: Grid, experiments: Mapping[tuple[str, ...], Experiment]) -> None:
    found: dict[str, tuple[str, ...]] = {}
    for values, experiment in experiments.items():
        other = found.setdefault(effect(experiment), values)
        if other != values:
            one, two = (", ".join(grid.changes(both)) for both in (other, values))
            raise SedlabError(
                f"--set {two} gives the same experiment as {one}. Give each value once, of a used option."
            )


def _prefix(experiment: Experiment, settings: Sequence[str], name: str | None) -> str:
    prefix = name or (variant_name(experiment.name, settings) if settings else experiment.name)
    if set("{}") & set(prefix):
        # Snakemake takes them for wildcards.
        raise SedlabError(f"{prefix}: a sweep cannot have braces in its name. Choose another --name.")
    return prefix


def _folders(
    prefix: str, grid: Grid, combinations: Iterable[tuple[str, ...]], own: tuple[str, ...] | None
) -> dict[tuple[str, ...], str]:
    """Return the name of each combination's folder, each another."""
    folders: dict[tuple[str, ...], str] = {}
    for values in combinations:
        changes = grid.changes(values)
        told = variant_name(prefix, grid.changes(map(plain_value, values)))
        name = prefix if values == own else told
        if name in folders.values() or (values != own and name == prefix):
            name = f"{told}-{zlib.crc32(repr(changes).encode()):08x}"
        folders[values] = name
    return folders


def _run(path: Path, experiment: Experiment, known: Iterable[str]) -> Run:
    wanted = Run(path.resolve(), experiment)
    if (path / CONFIG_FILE).is_file() and path.name not in known:
        present = open_run(path)
        if effect(present.experiment) != effect(experiment):
            differing = ", ".join(different_keys(present.experiment, experiment))
            raise SedlabError(
                f"{path}: a run of this sweep would go there, and another one is there ({differing}). Choose another "
                "--name; what that run has done is taken all the same."
            )
    return wanted


def _read(path: Path) -> Noted | None:
    file = path / SWEEP_FILE
    remedy = "Delete it, and run `sedlab sweep` again: nothing is done twice."
    return read_json(file, Noted, remedy) if file.is_file() else None


def _find(path: Path) -> Path:
    here = Path.cwd()
    for base in (here, *here.parents):
        if (base / path / SWEEP_FILE).is_file():
            return (base / path).resolve()
    siblings = [entry.parent.name for entry in (here / path.parent).glob(f"*/{SWEEP_FILE}")]
    hint = nearest(path.name, siblings) or " Make one: sedlab sweep PRESET --set KEY=V1,V2 --seeds 3"
    raise SedlabError(f"{path}: no sweep there (no {SWEEP_FILE}).{hint}")
