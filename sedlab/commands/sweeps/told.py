"""What `sedlab sweep` prints: how many jobs there are and are shared, and what each value comes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sedlab.commands.cluster import print_demands
from sedlab.commands.output import format_seconds, say
from sedlab.errors import count_of

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.pipeline.running.plan import Plan
    from sedlab.pipeline.running.scheduling import Outcome
    from sedlab.runs.run import Run
    from sedlab.runs.sweeps.folders import Sweep


def print_counts(console: Console, planned: Sweep, groups: Sequence[Sequence[Run]], plan: Plan) -> None:
    """Print how many jobs each value has, and what becomes of them."""
    from sedlab.pipeline.joint.counting import count_jobs, counts_table
    from sedlab.pipeline.joint.graph import SAME_AS

    taken = [name for names in plan.shared.values() for name in names]
    counts = count_jobs(plan.num_jobs, taken, {job.name: job.reason for job in plan.jobs})
    together, rows = {group[0].name: group for group in groups}, {}
    for values, run in planned.runs.items():
        told = ", ".join(planned.changes(values)) + (" (base)" if values == planned.base else "")
        seeds = "" if len(together[run.name]) == 1 else f" and {count_of(len(together[run.name]) - 1, 'more seed')}"
        rows[f"{told}: {run.name}{seeds}"] = [counts[one.name] for one in together[run.name]]
    for line in counts_table(rows):
        say(console, line)
    if plan.demands:
        reasons = {job.name: job.reason for job in plan.jobs if not job.reason.startswith(SAME_AS)}
        print_demands(console, reasons, plan.demands)
        return
    to_run = sum(count.to_run for count in counts.values())
    say(console, f"{count_of(to_run, 'job')} would run{', ' if plan.on_cards else ''}{plan.on_cards}")


def print_end(console: Console, planned: Sweep, outcome: Outcome, seconds: float) -> None:
    """Write the page of a sweep; print how many jobs were done, and what each value comes to."""
    from sedlab.pipeline.joint.graph import SAME_AS
    from sedlab.report.sweep import write_sweep
    from sedlab.runs.sweeps.results import printed_sweep, sweep_table, told_sweep

    taken = sum(job.reason.startswith(SAME_AS) for job in outcome.jobs)
    if outcome.jobs:
        took = f" and {taken} taken from them" if taken else ""
        say(console, f"{count_of(len(outcome.jobs) - taken, 'job')} done{took} in {format_seconds(seconds)}")
    else:
        console.print("nothing to do")
    page, table = write_sweep(planned), sweep_table(planned)
    if len(table):
        print()
        _print_table(printed_sweep(table, planned.keys))
    print()
    print(told_sweep(planned, table))
    print()
    print(f"page: {in_working_folder(page)}")


def _print_table(table: pd.DataFrame) -> None:
    """Print a table as wide as it is, numbers and words alike."""
    print(table.to_string(index=False, justify="left"))


def in_working_folder(path: Path) -> Path:
    """Return a path as a person would write it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
