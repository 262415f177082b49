"""`sedlab run`: an experiment from its preset to its report; `sedlab watch`: how far another process is with it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from sedlab.commands.options import names
from sedlab.commands.output import format_seconds, plain_console, progress_bar, say, warn
from sedlab.errors import SedlabError, count_of, nearest, short
from sedlab.system.home import warn_of_home

if TYPE_CHECKING:
    from sedlab.pipeline.runner import Outcome, Plan
    from sedlab.runs.run import Run


def run(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="Name of a preset (nano, mini, ...) or a YAML file.")],
    name: Annotated[str | None, typer.Option(help="Name of the folder in runs/. Default: that of the preset.")] = None,
    arch: Annotated[
        list[str] | None, typer.Option(metavar="NAMES", help="Transformers: passt, beats, atst. Repeat, or use commas.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Number of iterations.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change an option of the preset. Repeat.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="NODE", help="Only this job, or jobs that begin so, and what they need.")
    ] = None,
    no_share: Annotated[
        bool, typer.Option("--no-share", help="Take nothing that other runs in runs/ have done already.")
    ] = False,
    cores: Annotated[int | None, typer.Option(min=1, help="CPU cores to use. Default: all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs to run, and what they lack.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run nothing; read every file of the run and compare it with its record.")
    ] = False,
) -> None:
    """Run an experiment, or what is missing of it, or of one stage: --until data, pretrain, iteration1_stage1_atst.

    Example: sedlab run mini --name quick --arch atst --iterations 1 --set stage2.epochs=5
    """
    # What the experiment needs is looked for first. If that is not all there, what is and what is not is printed.
    from sedlab.commands.display import LineDisplay, LiveDisplay
    from sedlab.config.loading import load_experiment
    from sedlab.pipeline.runner import plan, run_experiment
    from sedlab.runs.integrity import changed_sizes
    from sedlab.runs.run import CONFIG_FILE, RUNS_FOLDER, Run, open_run
    from sedlab.runs.variants import note_variant
    from sedlab.runs.versions import num_cores

    warn_of_home()
    changes = [*(set_ or ())]
    if archs := _known_archs(names(",".join(arch or ()))):
        changes.append(f"archs=[{', '.join(dict.fromkeys(archs))}]")
    if iterations is not None:
        changes.append(f"iterations={iterations}")
    experiment = load_experiment(preset, changes)
    folder = Path(RUNS_FOLDER) / _run_name(experiment.name if name is None else name)
    console = plain_console()
    if verify:
        _verify(console, folder)
        return
    warn(changed_sizes(folder))
    _check_readiness(console, Run(folder.resolve(), experiment), until or "", explain=dry_run)
    if dry_run:
        _print_plan(console, plan(experiment, folder, until=until or "", share=not no_share))
        return
    begin = time.monotonic()
    display = LiveDisplay(console, folder) if console.is_terminal else LineDisplay(console)
    try:
        with display if isinstance(display, LiveDisplay) else nullcontext():
            outcome = run_experiment(
                experiment, folder, cores=cores or num_cores(), display=display, until=until or "", share=not no_share
            )
    except KeyboardInterrupt:
        raise SedlabError("interrupted. Run the same command again to go on.") from None
    if changes and folder.name != experiment.name and (folder.parent / experiment.name / CONFIG_FILE).is_file():
        note_variant(open_run(folder), experiment.name, changes)
    warn(outcome.warnings)
    if outcome.failed:
        raise SedlabError(_failure(outcome, folder))
    if not outcome.jobs:
        console.print("nothing to do")
    if until:
        _print_made(console, folder, until)
    else:
        _print_end(console, folder, time.monotonic() - begin)


def _verify(console: Console, folder: Path) -> None:
    from sedlab.runs.integrity import verify
    from sedlab.runs.run import open_run

    with progress_bar(console) as progress:
        found = verify(open_run(folder).path, progress)
    warn(found.damaged)
    if found.damaged:
        files = count_of(len(found.damaged), "file is", "files are")
        raise SedlabError(f"{folder}: {files} not as written (named above). Delete what is named, then run it again.")
    old = (
        f"; {count_of(found.unknown, 'more is', 'more are')} of an earlier version, which kept only their sizes"
        if found.unknown
        else ""
    )
    say(console, f"{count_of(found.files, 'file is as it was', 'files are as they were')} written{old}")


def watch(folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, such as runs/mini.")]) -> None:
    """Print how far a run is until nothing works on it any more: neither `sedlab run` nor an open notebook.

    Ctrl-C ends the watching, not the work. Example: sedlab watch runs/mini
    """
    from sedlab.runs.live.watching import watch as watch_run

    watch_run(folder)


def _known_archs(chosen: tuple[str, ...]) -> tuple[str, ...]:
    from sedlab.config.model import ARCHS

    for name in chosen:
        if name not in ARCHS:
            raise SedlabError(f"--arch {name}: unknown (known: {', '.join(ARCHS)}).{nearest(name, ARCHS)}")
    return chosen


def _run_name(name: str) -> str:
    from sedlab.config.experiment import check_run_name

    try:
        return check_run_name(name)
    except ValueError as error:
        raise SedlabError(f"--name {short(name)}: {error}.") from None


def _check_readiness(console: Console, run: Run, until: str, *, explain: bool) -> None:
    """Look for what the run needs. Print what was found when something is missing, and to ``explain`` what a run on
    prepared corpora will take; raise SedlabError when something is missing."""
    from sedlab.commands.readiness_page import print_jobs, print_readiness
    from sedlab.pipeline.graph import build_graph, jobs_until
    from sedlab.pipeline.readiness import examine
    from sedlab.pipeline.score_plan import ScorePlan
    from sedlab.pipeline.subset_states import subsets_in_use

    jobs = build_graph(run.experiment, ScorePlan(tuple(subsets_in_use(run))))
    names_ = [job.name for job in (jobs_until(jobs, until) if until else jobs)]
    ready = examine(run, names_)
    if ready.missing or (explain and ready.subsets):
        print_readiness(console, run.name, ready)
    if not ready.missing:
        return
    print_jobs(console, names_)
    first = ", ".join(ready.missing[:3]) + (", ..." if len(ready.missing) > 3 else "")
    things = "a thing it needs is" if len(ready.missing) == 1 else f"{len(ready.missing)} things it needs are"
    raise SedlabError(f"{run.name}: {things} not here ({first}). Get them as said above, then run this again.")


def _print_plan(console: Console, planned: Plan) -> None:
    jobs = planned.jobs
    for donor, names_ in planned.shared.items():
        say(console, f"{len(names_)} taken from runs/{donor}: {', '.join(names_)}")
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


def _print_made(console: Console, folder: Path, until: str) -> None:
    """Print where the results of the jobs that were asked for lie."""
    from sedlab.pipeline.graph import graph_of, jobs_until
    from sedlab.runs.run import open_run

    jobs = jobs_until(graph_of(open_run(folder)), until)
    for job in jobs:
        if job.name == until or job.name.startswith(f"{until}_"):
            say(console, f"{job.name}: {folder / Path(job.manifest).parent}")


def _print_end(console: Console, folder: Path, seconds: float) -> None:
    from sedlab.runs.run import open_run
    from sedlab.scoring.results import format_ladder, ladder, read_results

    run = open_run(folder)
    print()
    print(format_ladder(ladder(read_results(run.results))))
    print()
    print(f"report: {folder / run.report.name} ({format_seconds(seconds)})")
