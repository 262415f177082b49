"""New runs, and variants of a run: siblings in `runs/` that differ from it in some settings.

Only configurations are written here. What a variant has in common with other runs, finished trainings above all, it
takes from them when its stages are asked for, see `sedlab.pipeline.due.shared`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from sedlab.config.experiment import Experiment, check_run_name
from sedlab.config.loading import load_experiment, split_settings, with_settings
from sedlab.errors import SedlabError, short
from sedlab.files import read_json, write_json
from sedlab.runs.layout import CONFIG_FILE, RUNS_FOLDER
from sedlab.runs.run import Run, create_run, open_run
from sedlab.shipped.places import working_root

#: In the folder of a variant: what it is a variant of.
VARIANT_FILE = "variant.json"
_LONGEST_NAME = 120


class Variant(BaseModel):
    """What a variant's `variant.json` says."""

    of: str
    """Name of the run folder beside it."""
    settings: list[str]
    """`key=value`, in which it differs."""


def new_run(preset: str | Path, *, name: str | None = None, settings: str | Iterable[str] = ()) -> Run:
    """Make the folder of a run, or open it if it is there with the same configuration.

    Parameters
    ----------
    preset : str or Path
        Name of a preset, or a YAML file.
    name : str or None
        Of the folder in `runs/`; None: that of the preset.
    settings : str or iterable of str
        `key=value` texts that change the preset, as those of `sedlab run --set`.

    Raises
    ------
    SedlabError
        For an unknown preset or setting, or when the folder holds a run of another configuration.
    """
    experiment = load_experiment(preset, split_settings(settings))
    path = project_folder() / RUNS_FOLDER / _checked(experiment.name if name is None else name)
    return _made(experiment, path, f"`sedlab.open_run({str(path)!r})` opens it as it is; or choose another name.")


def make_variant(run: Run, name: str, settings: str | Iterable[str]) -> Run:
    """Make, or open, the variant of a run that differs in ``settings``; see `Run.variant`."""
    changes = split_settings(settings)
    if not changes:
        raise SedlabError(f"{run.name}: a variant needs settings that differ, such as stage1.epochs=5. Name some.")
    experiment = with_settings(run.experiment, changes, run.name)
    path = run.path.parent / _checked(name or variant_name(run.name, changes))
    remedy = "Choose another name, or delete that folder."
    known = read_variant(path)
    if known and (known.of, tuple(known.settings)) != (run.name, changes):
        raise SedlabError(f"{path}: a variant of {known.of} with {', '.join(known.settings)}. {remedy}")
    variant = _made(experiment, path, remedy)
    note_variant(variant, run.name, changes)
    return variant


def note_variant(run: Run, of: str, settings: Iterable[str]) -> None:
    """Write down of which run in the same folder this one is a variant, unless that is known."""
    if read_variant(run.path) is None:
        write_json(run.path / VARIANT_FILE, Variant(of=of, settings=list(settings)))


def read_variant(path: Path) -> Variant | None:
    """Return of which run the one at ``path`` is a variant; None: of none."""
    file = path / VARIANT_FILE
    return read_json(file, Variant, "Delete it: the run is then a variant of none.") if file.is_file() else None


def variant_name(name: str, settings: Iterable[str]) -> str:
    """Return the folder name of a variant that was given none: that of the run, and what differs."""
    plain = (re.sub(r"[\s\[\]{}'\"]", "", setting).replace(",", "+") for setting in settings)
    told = "_".join(re.sub(r"[^\w.=+-]", "-", setting) for setting in plain)
    full = f"{name}-{told}"
    return full if len(full) <= _LONGEST_NAME else f"{full[:_LONGEST_NAME]}-{zlib.crc32(full.encode()):08x}"


def run_of(experiment: Experiment) -> Run:
    """Return the run in the folder of an experiment's name: as it was begun if it is there, else not yet written."""
    for folder in _project_folders():
        path = folder / RUNS_FOLDER / experiment.name
        if (path / CONFIG_FILE).is_file():
            return open_run(path)
    return Run((project_folder() / RUNS_FOLDER / experiment.name).resolve(), experiment)


def project_folder() -> Path:
    """Return the folder in which `runs/` is made: that of the notebooks for who works there, or the working folder."""
    return _project_folders()[-1]


def _project_folders() -> list[Path]:
    """Return where a run may lie: here, and in the folders above as far as the one that holds the notebooks."""
    here = Path.cwd()
    root = working_root(here)
    if root is None:
        return [here]
    return [here, *(folder for folder in here.parents if folder.is_relative_to(root))]


def _made(experiment: Experiment, path: Path, remedy: str) -> Run:
    if (path / CONFIG_FILE).is_file():
        present = open_run(path)
        if present.experiment != experiment:
            differing = ", ".join(different_keys(present.experiment, experiment))
            raise SedlabError(f"{path}: a run of another configuration is there ({differing}). {remedy}")
        return present
    return create_run(experiment, path)


def different_keys(one: Experiment, other: Experiment) -> list[str]:
    """Return the top-level keys in which two experiments differ; changed stages are found among the rules."""
    return [key for key in type(one).model_fields if getattr(one, key) != getattr(other, key)]


def _checked(name: str) -> str:
    try:
        return check_run_name(name)
    except ValueError as error:
        raise SedlabError(f"name {short(name)}: {error}.") from None
