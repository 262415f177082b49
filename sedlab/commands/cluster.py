"""`sedlab cancel`: a run's jobs out of the queue of a SLURM cluster; and what `--slurm` means to other commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from sedlab.commands.output import plain_console, say
from sedlab.errors import SedlabError, count_of

if TYPE_CHECKING:
    from sedlab.pipeline.cluster.demands import Demand
    from sedlab.pipeline.cluster.handover import OnCluster


def cancel(folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, such as runs/mini.")]) -> None:
    """Cancel the jobs that `--slurm` has handed over: of this run and its other seeds, or of this sweep; of no other.

    What they have saved stays for the next `sedlab run`. Example: sedlab cancel runs/mini
    """
    from sedlab.runs.live.submitted import queued_jobs
    from sedlab.runs.sweeps.folders import folders_at_work
    from sedlab.system.slurm import ask, has_slurm

    folders = folders_at_work(folder)
    if not has_slurm():
        raise SedlabError("squeue, scancel: not on the path. Run this on a login node of the cluster.")
    found = {prefix + node: queued for prefix, one in folders.items() for node, queued in queued_jobs(one).items()}
    console = plain_console()
    if not found:
        say(console, f"{folder}: no job of it is in SLURM's queue")
        return
    ask("scancel", *(queued.job for queued in found.values()))
    jobs = ", ".join(f"{node} ({queued.job})" for node, queued in found.items())
    say(console, f"{folder}: {count_of(len(found), 'job')} cancelled: {jobs}")


def cluster_of(slurm: bool, profile: Path | None, cores: int | None, per_card: int) -> OnCluster | None:
    """Return the cluster that jobs are to be handed to; None: they run on this machine."""
    if not slurm:
        if profile is not None:
            raise SedlabError(f"--profile {profile}: is for jobs on a cluster. Add --slurm, or leave it out.")
        return None
    if cores is not None or per_card > 1:
        option = "--per-card" if cores is None else "--cores"
        raise SedlabError(f"{option}: is for jobs on this machine. Leave it out; cpus and gpus are set in the profile.")
    from sedlab.pipeline.cluster.handover import OnCluster

    return OnCluster.here(profile)


def left_on_cluster(folders: Sequence[Path], together: Path | None = None) -> str:
    """Return in one line what goes on in SLURM's queue after an interrupt, and how to end it; empty: nothing does.

    ``together`` is the folder by which all of it is cancelled; None: the first of the ``folders``.
    """
    from sedlab.runs.live.submitted import queued_jobs

    cancels = f"sedlab cancel {shlex.quote(str(together or folders[0]))}"
    try:
        number = sum(len(queued_jobs(folder)) for folder in folders)
    except SedlabError:
        return f"interrupted. What SLURM has goes on; cancel it with: {cancels}"
    if not number:
        return ""
    return (
        f"interrupted; {count_of(number, 'job goes', 'jobs go')} on in SLURM. Run the same command again to find them, "
        f"or cancel them: {cancels}"
    )


def print_demands(console: Console, reasons: Mapping[str, str], demands: Mapping[str, Demand]) -> None:
    """Print what each job would ask the cluster for and why it would run, by their names."""
    title = f"{count_of(len(reasons), 'job')} would be handed to SLURM"
    rows = [(job, str(demands[job]) if job in demands else "nothing: runs here", reasons[job]) for job in reasons]
    _print_rows(console, title, ("job", "asks for", "reason"), rows)
    _print_bases(console, demands)


def print_profile(console: Console, on_cluster: OnCluster, demands: Mapping[str, Demand]) -> None:
    """Print what is wished of which cluster, and what a person should know who asks for that."""
    say(console, f"profile: {on_cluster.told}")
    if advice := on_cluster.advice(demands.values()):
        say(console, advice)


def print_asked(console: Console, demands: Mapping[str, Demand], jobs: Sequence[str]) -> None:
    """Print what jobs that cannot run yet would ask the cluster for."""
    chosen = {job: demands[job] for job in jobs}
    _print_rows(
        console, "From SLURM they would ask for", ("job", "asks for"), [(job, str(chosen[job])) for job in jobs]
    )
    _print_bases(console, chosen)


def _print_rows(console: Console, title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    if console.is_terminal:
        table = Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns))]
    print(title)
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_bases(console: Console, demands: Mapping[str, Demand]) -> None:
    """Print what the hours are based on."""
    by_basis: dict[str, list[str]] = {}
    for job, demand in demands.items():
        by_basis.setdefault(f"{demand.hours}: {demand.basis}", []).append(job)
    for basis, jobs in by_basis.items():
        say(console, f"{basis} ({', '.join(jobs[:3])}{', ...' if len(jobs) > 3 else ''})")
