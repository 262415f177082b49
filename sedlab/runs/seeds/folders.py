"""Which run folders hold the same experiment with other seeds.

The first is a run like any other, `runs/mini`; `runs/mini-seed2` beside it is the same but for its seed, and a run like
any other too. `seeds.json` in each says which belong together. The clips of `mini` and `midi`, and which of them are
trained, validated and tested on, do not depend on the seed; everything that is drawn in a training does: initial
weights, the order of clips, partners, augmentations, dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, NonNegativeInt

from sedlab.config.experiment import Experiment, check_run_name
from sedlab.errors import SedlabError
from sedlab.files import read_json, write_json
from sedlab.runs.layout import CONFIG_FILE, SEEDS_RESULTS
from sedlab.runs.run import Run, open_run
from sedlab.runs.variants import different_keys

#: In each of the run folders: which belong together.
SEEDS_FILE = "seeds.json"


class Seeds(BaseModel):
    """What `seeds.json` says."""

    runs: dict[NonNegativeInt, Annotated[str, AfterValidator(check_run_name)]] = Field(min_length=1)
    """Seed -> name of the run folder; the first is the one that the others repeat."""


def repeated(run: Run, count: int) -> list[Run]:
    """Return a run and its repetitions with the ``count - 1`` next seeds, as they are to be; nothing is written.

    Raises
    ------
    SedlabError
        When a folder that one of them would take holds another run, or the run's name has braces.
    """
    if count > 1 and set("{}") & set(run.name):
        # Snakemake takes them for wildcards in the paths of the others, which lie outside its working folder.
        raise SedlabError(
            f"{run.name}: a run with several seeds cannot have braces in its name. Choose another --name."
        )
    seeds = range(run.experiment.seed + 1, run.experiment.seed + count)
    return [run, *(_repetition(run, seed) for seed in seeds)]


def note_seeds(runs: Sequence[Run]) -> None:
    """Write down in each run which of them belong together, or that one stands alone."""
    for run in runs:
        if len(runs) > 1:
            write_json(run.path / SEEDS_FILE, Seeds(runs={one.experiment.seed: one.name for one in runs}))
        else:
            (run.path / SEEDS_FILE).unlink(missing_ok=True)
            (run.path / SEEDS_RESULTS).unlink(missing_ok=True)


def seeds_of(run: Run) -> dict[int, Run]:
    """Return the runs of the same experiment by their seeds, this one among them, as far as they are there.

    One whose configuration has become another is left out.
    """
    noted = _read(run.path)
    if noted is None:
        return {run.experiment.seed: run}
    found = {}
    for seed, name in noted.runs.items():
        path = run.path.parent / name
        is_there = (path / CONFIG_FILE).is_file()
        other = run if seed == run.experiment.seed else open_run(path) if is_there else None
        if other is not None and other.experiment == _with_seed(run, seed):
            found[seed] = other
    return found


def repetitions(run: Run) -> list[str]:
    """Return the names of the runs that repeat this one; none for a run that itself repeats another.

    Those whose folder is not there are named too: a run that was copied without them is as finished as it was.
    """
    noted = _read(run.path)
    if noted is None or next(iter(noted.runs)) != run.experiment.seed:
        return []
    there = {other.name for other in seeds_of(run).values()}
    names = [name for seed, name in noted.runs.items() if seed != run.experiment.seed]
    return [name for name in names if name in there or not (run.path.parent / name / CONFIG_FILE).is_file()]


def folders_together(path: Path) -> dict[str, Path]:
    """Return the folders of a run and of those that repeat it, by what is put before the names of their jobs.

    That is nothing for a run that stands alone, or that itself repeats another.
    """
    noted = _read(path)
    names = list(noted.runs.values()) if noted else []
    if len(names) < 2 or names[0] != path.name:
        return {"": path}
    return {f"{name}/": path.with_name(name) for name in names if path.with_name(name).is_dir()}


def _repetition(run: Run, seed: int) -> Run:
    wanted = Run(run.path.with_name(f"{run.name}-seed{seed}"), _with_seed(run, seed))
    if not (wanted.path / CONFIG_FILE).is_file():
        return wanted
    noted, present = _read(wanted.path), open_run(wanted.path)
    if present.experiment != wanted.experiment and (noted is None or noted.runs.get(seed) != wanted.name):
        differing = ", ".join(different_keys(present.experiment, wanted.experiment))
        raise SedlabError(
            f"{wanted.path}: the run with seed {seed} would go there, and another one is there ({differing}). Choose "
            "another --name, or move that folder away."
        )
    return wanted


def _with_seed(run: Run, seed: int) -> Experiment:
    return run.experiment.model_copy(update={"seed": seed})


def _read(path: Path) -> Seeds | None:
    file = path / SEEDS_FILE
    return read_json(file, Seeds, "Delete it: the run then has one seed.") if file.is_file() else None
