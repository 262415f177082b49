"""What a laboratory says once about its cluster: a small YAML file. What it does not say is computed or SLURM's own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)

from sedlab.config.base import Config
from sedlab.config.loading import parse_yaml
from sedlab.errors import SedlabError, first_problem, nearest, os_problem

PROFILE_FILE = "slurm.yaml"
_UNITS = {"": 1e3, "M": 1.0, "G": 1e3, "T": 1e6}


def _megabytes(value: Any) -> Any:
    """Return megabytes from gigabytes as a number, or from a text with a unit as SLURM takes it."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([MGT]?)B?\s*", str(value), re.IGNORECASE)
    if isinstance(value, bool) or match is None or not float(match[1]):
        raise ValueError("is gigabytes (16), or a number with its unit (16G, 500M)")
    return max(1, round(float(match[1]) * _UNITS[match[2].upper()]))


#: SLURM takes numbers for names, such as an account 12345, and YAML reads them so.
_Text = Annotated[str, Field(min_length=1), BeforeValidator(lambda value: str(value) if type(value) is int else value)]
#: In MB.
Memory = Annotated[PositiveInt, BeforeValidator(_megabytes)]


class Wishes(Config):
    """What jobs ask SLURM for; what is left out is computed, or SLURM's default."""

    partition: _Text | None = None
    account: _Text | None = None
    qos: _Text | None = None
    constraint: _Text | None = None
    """Features of the nodes, such as "a100|h100"."""
    gpu: _Text | None = None
    """Type of the graphics cards, as `sinfo -o %G` lists it."""
    gpus: NonNegativeInt | None = None
    """Cards for a job that uses any; 0: it works on processors."""
    memory: Memory | None = None
    """Main memory: gigabytes, or with a unit ("16G", "500M")."""
    hours: PositiveFloat | None = None
    """Wall time. A training that reaches it goes on from its checkpoint in the next life of its job."""
    cpus: PositiveInt | None = None
    extra: tuple[_Text, ...] = ()
    """Options of sbatch as they are, such as "--exclude=node7"."""

    @field_validator("extra")
    @classmethod
    def _are_options_of_others(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        for option in options:
            name = option.split("=")[0].split()[0] if option.strip() else option
            if not option.startswith("-"):
                raise ValueError(f"{option!r} is no option of sbatch, such as --exclude=node7")
            if name in _OWN_OPTIONS:
                raise ValueError(f"{name} is set by sedlab{_OWN_OPTIONS[name]}. Leave it out here")
        return options


#: Options that sedlab sets itself, and the key that says with what.
_OWN_OPTIONS = {
    **dict.fromkeys(("--partition", "-p"), ", by `partition`"),
    **dict.fromkeys(("--account", "-A"), ", by `account`"),
    **dict.fromkeys(("--constraint", "-C"), ", by `constraint`"),
    **dict.fromkeys(("--time", "-t"), ", by `hours`"),
    **dict.fromkeys(("--mem", "--mem-per-cpu"), ", by `memory`"),
    **dict.fromkeys(("--cpus-per-task", "-c", "--cpus-per-gpu"), ", by `cpus`"),
    **dict.fromkeys(("--gres", "--gpus", "-G", "--gpus-per-node", "--gpus-per-task"), ", by `gpu` and `gpus`"),
    "--qos": ", by `qos`",
    "--signal": ", by `signal_seconds`",
    **dict.fromkeys(("--job-name", "-J", "--output", "-o", "--error", "-e", "--comment", "--export", "--parsable"), ""),
    **dict.fromkeys(("--ntasks", "-n", "--nodes", "-N", "--array", "-a", "--chdir", "-D", "--wrap", "--open-mode"), ""),
    **dict.fromkeys(("--requeue", "--no-requeue", "--wait", "-W", "--ntasks-per-gpu"), ""),
}


class ClusterProfile(Wishes):
    """What is wished of a cluster: for all jobs, and for kinds of them, which win."""

    max_jobs: PositiveInt = 100
    """Jobs in the queue at a time."""
    poll_seconds: PositiveFloat = 2.0
    """Time between two looks at the run folder for jobs that have ended."""
    status_seconds: PositiveFloat = 30.0
    """Time between two questions to SLURM, about all jobs at once: for those that ended without a word."""
    signal_seconds: PositiveInt = 120
    """So long before its time limit, at most half of it, a training is told to write its checkpoint."""

    data: Wishes = Wishes()
    pretrain: Wishes = Wishes()
    stage1: Wishes = Wishes()
    stage2: Wishes = Wishes()
    scores: Wishes = Wishes()
    pseudo_labels: Wishes = Wishes()
    evaluate: Wishes = Wishes()
    compare: Wishes = Wishes()
    errors: Wishes = Wishes()
    report: Wishes = Wishes()

    def wish(self, kind: str, name: str) -> Any:
        """Return what is wished for a kind of job; None: nothing."""
        own = getattr(getattr(self, kind), name)
        return getattr(self, name) if own is None or own == () else own


#: The kinds of jobs that a profile has a section for.
KINDS = tuple(name for name, field in ClusterProfile.model_fields.items() if isinstance(field.default, Wishes))


def load_profile(path: Path | None = None) -> tuple[ClusterProfile, str, bool]:
    """Return the profile of a file, the file's name, and whether there is none; without a file the working folder's,
    else the user's.

    Where there is none, nothing is wished, and the name is that of the one to make.

    Raises
    ------
    SedlabError
        When the file cannot be read, or says what no profile says.
    """
    places = (Path(PROFILE_FILE), _user_folder() / PROFILE_FILE) if path is None else (path,)
    found = next((place for place in places if path is not None or place.is_file()), None)
    if found is None:
        return ClusterProfile(), PROFILE_FILE, True
    try:
        tree = parse_yaml(found.read_bytes(), str(found)) if found.stat().st_size else {}
    except OSError as error:
        raise SedlabError(os_problem(error, found)) from None
    try:
        return ClusterProfile.model_validate(tree), str(found), False
    except ValidationError as error:
        raise SedlabError(f"{found}: {_explained(error)}") from None


def _user_folder() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME")
    return (Path(configured) if configured else Path("~/.config").expanduser()) / "sedlab"


def _explained(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] != "extra_forbidden":
        return first_problem(error).rstrip(".") + ". Correct it."
    inside = len(first["loc"]) > 1
    known = Wishes.model_fields if inside else ClusterProfile.model_fields
    hint = nearest(str(first["loc"][-1]), known) or f" Known: {', '.join(known)}."
    return f"unknown key {'.'.join(map(str, first['loc']))}.{hint}"
