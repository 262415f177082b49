"""What the cluster says of itself: its partitions, their cards and time limits, and whether it keeps accounts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from sedlab.errors import SedlabError, nearest
from sedlab.system.slurm import ask, has_slurm

_PLUGIN = "snakemake_executor_plugin_slurm"


@dataclass(frozen=True)
class Partition:
    """A partition of the cluster's nodes."""

    name: str
    is_default: bool
    has_cards: bool
    """Some of its nodes have some."""
    minutes: int | None
    """Its time limit; None: it has none."""


@dataclass(frozen=True)
class Cluster:
    """The cluster whose commands are on the path."""

    partitions: Sequence[Partition]
    keeps_accounts: bool
    """Jobs that have ended can be asked for with sacct; without, squeue tells of them for a while."""

    def partition(self, name: str | None, where: str) -> Partition | None:
        """Return a partition by name, of several with commas the first, None: the default one.

        Raises
        ------
        SedlabError
            When there is none of that name; ``where`` names what asked for it.
        """
        if name is None:
            return next((one for one in self.partitions if one.is_default), None)
        known = {one.name: one for one in self.partitions}
        for part in name.split(","):
            if part.strip() not in known:
                listed = f"{nearest(part, known)} It has: {', '.join(sorted(known))}."
                raise SedlabError(f"{where}: this cluster has no partition {part.strip()}.{listed}")
        return known[name.split(",")[0].strip()]


def require_slurm() -> None:
    """Raise SedlabError unless jobs can be handed over from here."""
    try:
        is_installed = find_spec(_PLUGIN) is not None
    except ValueError:  # so it is for a module that was taken out
        is_installed = False
    if not is_installed:
        raise SedlabError("--slurm: needs snakemake-executor-plugin-slurm. Install it: pip install 'sedlab[slurm]'")
    if not has_slurm():
        raise SedlabError(
            "--slurm: sbatch, squeue and scontrol are not on the path. Run this on a login node of the cluster (or "
            "load SLURM's module), or leave out --slurm to run on this machine."
        )


def look_at_cluster() -> Cluster:
    """Return what the cluster says of itself.

    Raises
    ------
    SedlabError
        When it gives no answer.
    """
    rows = parse_partitions(ask("sinfo", "--noheader", "--all", "--format=%P|%G|%l"))
    return Cluster(partitions=rows, keeps_accounts=parse_accounting(ask("scontrol", "show", "config")))


def parse_partitions(text: str) -> list[Partition]:
    """Return the partitions that ``sinfo --format=%P|%G|%l`` lists; it has a line for each kind of node."""
    found: dict[str, Partition] = {}
    for line in text.splitlines():
        name, _, rest = line.strip().partition("|")
        cards, _, limit = rest.rpartition("|")
        if not name:
            continue
        one = Partition(name.rstrip("*"), name.endswith("*"), "gpu" in cards, parse_minutes(limit))
        before = found.get(one.name, one)
        found[one.name] = Partition(one.name, one.is_default, one.has_cards or before.has_cards, one.minutes)
    return list(found.values())


def parse_minutes(limit: str) -> int | None:
    """Return a time limit as SLURM writes it (days-hours:minutes:seconds) in minutes; None: there is none."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit.strip())
    if match is None:
        return None
    days, hours, minutes, _ = (int(part or 0) for part in match.groups())
    return (24 * days + hours) * 60 + minutes


def parse_accounting(text: str) -> bool:
    """Return whether ``scontrol show config`` names a database of accounts; that sacct is installed says nothing."""
    match = re.search(r"^AccountingStorageType\s*=\s*(\S+)", text, re.MULTILINE)
    return match is not None and match[1].endswith("slurmdbd")
