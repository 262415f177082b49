"""What `sedlab run` and `sedlab data mini` do between their options and the rooms that work."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sedlab.commands.display import LineDisplay, LiveDisplay, format_seconds
from sedlab.commands.readiness_page import print_jobs, print_readiness
from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError, nearest
from sedlab.pipeline.graph import build_graph, score_plan
from sedlab.pipeline.readiness import examine, subsets_in_use
from sedlab.pipeline.runner import Outcome, PlannedJob, plan, run_experiment
from sedlab.runs.run import RUNS_FOLDER, Run, open_run
from sedlab.runs.versions import num_cores


def run_command(
    preset: str,
    *,
    name: str | None = None,
    archs: list[str],
    iterations: int | None = None,
    overrides: list[str],
    cores: int | None = None,
    dry_run: bool = False,
) -> None:
    """Run an experiment in `runs/<name>` of the working folder, or list what would be run.

    What it needs is looked for first. If that is not all there, what is and what is not is printed instead.

    Raises
    ------
    SedlabError
        For wrong options, when something the experiment needs is missing, and when a job fails.
    """
    chosen = [part.strip() for entry in archs for part in entry.split(",") if part.strip()]
    options = [*overrides]
    if chosen:
        options.append(f"archs=[{', '.join(dict.fromkeys(_known_archs(chosen)))}]")
    if iterations is not None:
        options.append(f"iterations={iterations}")
    experiment = load_experiment(preset, options)
    folder = Path(RUNS_FOLDER) / _run_name(name or experiment.name)
    console = Console()
    _check_readiness(console, Run(folder.resolve(), experiment), explain=dry_run)
    if dry_run:
        _print_plan(console, plan(experiment, folder))
        return
    begin = time.monotonic()
    display = LiveDisplay(console, folder) if console.is_terminal else LineDisplay(console)
    try:
        with display if isinstance(display, LiveDisplay) else nullcontext():
            outcome = run_experiment(experiment, folder, cores=cores or num_cores(), display=display)
    except KeyboardInterrupt:
        raise SedlabError("interrupted. Run the same command again to go on.") from None
    if outcome.failed:
        raise SedlabError(_failure(outcome, folder))
    if not outcome.jobs:
        console.print("nothing to do")
    _print_end(console, folder, time.monotonic() - begin)


def mini_command(root: Path, seed: int) -> None:
    """Generate the mini corpus at its default size and print how much there is of what."""
    from rich.progress import Progress

    from sedlab.config.data import MiniConfig
    from sedlab.data.mini.writer import generate

    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("generating", total=None)

        def progress(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        generate(root, MiniConfig(seed=seed), progress, workers=num_cores())
    check_command(root)


def check_command(root: Path) -> None:
    """Print how much there is of what in the corpora under ``root``."""
    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.summary import corpus_summary

    columns = ["subset", "group", "split", "labels", "clips", "seconds", "events"]
    table = Table(*columns, title=str(root))
    for row in corpus_summary(load_corpus(root))[columns].itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _known_archs(chosen: list[str]) -> list[str]:
    from sedlab.config.model import ARCHS

    for name in chosen:
        if name not in ARCHS:
            raise SedlabError(f"--arch {name}: unknown (known: {', '.join(ARCHS)}).{nearest(name, ARCHS)}")
    return chosen


def _run_name(name: str) -> str:
    if Path(name).name != name or name.startswith("."):
        raise SedlabError(f"--name {name}: not a folder name. Give a name without slashes; runs are kept in runs/.")
    return name


def _check_readiness(console: Console, run: Run, *, explain: bool) -> None:
    """Look for what the run needs. Print what was found when something is missing, and to ``explain`` what a run on
    prepared corpora will take; raise SedlabError when something is missing."""
    ready = examine(run)
    if ready.missing or (explain and ready.subsets):
        print_readiness(console, run.name, ready)
    if not ready.missing:
        return
    print_jobs(console, [job.name for job in build_graph(run.experiment, score_plan(subsets_in_use(run)))])
    first = ", ".join(ready.missing[:3]) + (", ..." if len(ready.missing) > 3 else "")
    things = "a thing it needs is" if len(ready.missing) == 1 else f"{len(ready.missing)} things it needs are"
    raise SedlabError(f"{run.name}: {things} not here ({first}). Get them as said above, then run this again.")


def _print_plan(console: Console, jobs: list[PlannedJob]) -> None:
    if not jobs:
        console.print("nothing to do")
        return
    title = f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'} would run"
    if not console.is_terminal:
        # In a pipe: one line a job, nothing cut off.
        width = max(len(job.name) for job in jobs)
        print(title, *(f"{job.name:<{width}}  {job.reason}" for job in jobs), sep="\n")
        return
    table = Table("job", "reason", title=title)
    for job in jobs:
        table.add_row(job.name, job.reason)
    console.print(table)


def _failure(outcome: Outcome, folder: Path) -> str:
    first = outcome.failed[0]
    more = f" ({len(outcome.failed) - 1} more failed.)" if len(outcome.failed) > 1 else ""
    node = first.partition(":")[0]
    log = folder / "logs" / f"{node}.txt"
    return f"{first.rstrip('.')}.{more} Printed: {log}. Run the same command again to go on."


def _print_end(console: Console, folder: Path, seconds: float) -> None:
    from sedlab.scoring.results import format_ladder, ladder, read_results

    run = open_run(folder)
    print()
    print(format_ladder(ladder(read_results(run.results))))
    print()
    print(f"report: {folder / run.report.name} ({format_seconds(seconds)})")
