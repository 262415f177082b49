"""`sedlab run`: an experiment from its preset to its report; `sedlab watch`: how far another process is with it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from sedlab.commands import options
from sedlab.commands.cluster import cluster_of, left_on_cluster, print_asked, print_demands, print_profile
from sedlab.commands.output import format_seconds, plain_console, progress_bar, say, warn
from sedlab.errors import SedlabError, count_of, nearest, short
from sedlab.system.home import warn_of_home

if TYPE_CHECKING:
    from sedlab.pipeline.cluster.handover import OnCluster
    from sedlab.pipeline.running.plan import Plan
    from sedlab.pipeline.running.scheduling import Outcome
    from sedlab.runs.run import Run


def run(
    preset: options.Preset,
    name: Annotated[str | None, typer.Option(help="Name of the folder in runs/. Default: that of the preset.")] = None,
    arch: options.Arch = None,
    iterations: options.Iterations = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change an option of the preset. Repeat.")
    ] = None,
    until: options.Until = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, max=99, metavar="N", help="Run it with N seeds, in folders side by side; compare means and pairs."
        ),
    ] = None,
    no_share: options.NoShare = False,
    cores: options.Cores = None,
    per_card: options.PerCard = 1,
    slurm: options.Slurm = False,
    profile: options.Profile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs to run, and what they lack.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run nothing; read every file of the run and compare it with its record.")
    ] = False,
) -> None:
    """Run an experiment, or what is missing of it, or of one stage: --until data, pretrain, iteration1_stage1_atst.

    Example: sedlab run mini --name quick --arch atst --iterations 1 --set stage2.epochs=5
    With three seeds: sedlab run mini --seeds 3
    """
    # What the experiment needs is looked for first. If that is not all there, what is and what is not is printed.
    from sedlab.commands.display import LineDisplay, LiveDisplay
    from sedlab.config.loading import load_experiment
    from sedlab.pipeline.running.plan import plan
    from sedlab.pipeline.running.runner import run_experiment
    from sedlab.runs.integrity import changed_sizes
    from sedlab.runs.layout import CONFIG_FILE, RUNS_FOLDER
    from sedlab.runs.run import Run, open_run
    from sedlab.runs.seeds.folders import repeated
    from sedlab.runs.variants import note_variant
    from sedlab.runs.versions import num_cores

    warn_of_home()
    changes = [*(set_ or ()), *shortcuts(arch, iterations)]
    experiment = load_experiment(preset, changes)
    folder = Path(RUNS_FOLDER) / checked_name(experiment.name if name is None else name)
    console = plain_console()
    run_ = Run(folder.resolve(), experiment)
    folders = [folder.with_name(one.name) for one in repeated(run_, seeds or 1)]
    if verify:
        for one in folders:
            _verify(console, one)
        return
    warn(line for one in folders for line in changed_sizes(one))
    on_cluster = cluster_of(slurm, profile, cores, per_card)
    how = {"until": until or "", "share": not no_share, "seeds": seeds, "per_card": per_card, "on_cluster": on_cluster}
    # A finished run without its clips needs nothing.
    if not run_.is_apart or plan(experiment, folder, **how).jobs:
        check_readiness(console, run_, until or "", seeds or 1, explain=dry_run, on_cluster=on_cluster)
    if dry_run:
        planned = plan(experiment, folder, **how)
        _print_plan(console, planned)
        if on_cluster:
            print_profile(console, on_cluster, planned.demands)
        return
    begin = time.monotonic()
    display = LiveDisplay(console, *folders) if console.is_terminal else LineDisplay(console)
    try:
        with display if isinstance(display, LiveDisplay) else nullcontext():
            outcome = run_experiment(experiment, folder, cores=cores or num_cores(), display=display, **how)
    except KeyboardInterrupt:
        left = left_on_cluster(folders) if on_cluster else ""
        raise SedlabError(left or "interrupted. Run the same command again to go on.") from None
    if changes and folder.name != experiment.name and (folder.parent / experiment.name / CONFIG_FILE).is_file():
        note_variant(open_run(folder), experiment.name, changes)
    warn(outcome.warnings)
    if outcome.failed:
        raise SedlabError(told_failure(outcome, folder))
    if not outcome.jobs:
        console.print("nothing to do")
    if until:
        for one in folders:
            _print_made(console, one, until)
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


def shortcuts(arch: list[str] | None, iterations: int | None) -> list[str]:
    """Return what --arch and --iterations change as settings; SedlabError for an unknown transformer."""
    from sedlab.config.model import ARCHS

    archs = options.names(",".join(arch or ()))
    for name in archs:
        if name not in ARCHS:
            raise SedlabError(f"--arch {name}: unknown (known: {', '.join(ARCHS)}).{nearest(name, ARCHS)}")
    changes = [f"archs=[{', '.join(dict.fromkeys(archs))}]"] if archs else []
    return changes if iterations is None else [*changes, f"iterations={iterations}"]


def checked_name(name: str) -> str:
    """Return a name that a folder in runs/ can have; SedlabError otherwise."""
    from sedlab.config.experiment import check_run_name

    try:
        return check_run_name(name)
    except ValueError as error:
        raise SedlabError(f"--name {short(name)}: {error}.") from None


def check_readiness(
    console: Console, run: Run, until: str, seeds: int, *, explain: bool, on_cluster: OnCluster | None = None
) -> None:
    """Look for what the run needs. Print what was found when something is missing, and to ``explain`` what a run on
    prepared corpora will take; raise SedlabError when something is missing. ``on_cluster``: it will not run here."""
    from sedlab.commands.readiness_page import print_jobs, print_readiness
    from sedlab.pipeline.graph import build_graph, jobs_until
    from sedlab.pipeline.joint.graph import PlacedJob
    from sedlab.pipeline.outside_files import tell_initial_weights
    from sedlab.pipeline.readiness import examine, in_working_folder
    from sedlab.pipeline.score_plan import ScorePlan
    from sedlab.pipeline.subset_states import subsets_in_use

    jobs = build_graph(run.experiment, ScorePlan(tuple(subsets_in_use(run))))
    names_ = [job.name for job in (jobs_until(jobs, until) if until else jobs)]
    ready = examine(run, names_, seeds=seeds)
    if on_cluster:
        machine = replace(ready.machine, gpus=("the cluster's",), gpu_bytes=None)
        ready = replace(ready, machine=machine)
    tell_initial_weights(run, [node for node in run.experiment.nodes() if node.name in names_])
    if ready.missing or (explain and ready.subsets):
        print_readiness(console, run.name, ready)
    if not ready.missing:
        if absent := [state.subset.name for state in ready.subsets if not state.is_there]:
            say(console, f"without {', '.join(absent)}: not in {in_working_folder(ready.root)}")
        return
    print_jobs(console, names_)
    if on_cluster and explain:
        print_asked(console, on_cluster.demands(PlacedJob(run, job, job.name, ".", "") for job in jobs), names_)
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
    if planned.demands:
        print_demands(console, {job.name: job.reason for job in jobs}, planned.demands)
        return
    title = f"{count_of(len(jobs), 'job')} would run{', ' if planned.on_cards else ''}{planned.on_cards}"
    if not console.is_terminal:
        # In a pipe: one line a job, nothing cut off.
        width = max(len(job.name) for job in jobs)
        print(title, *(f"{job.name:<{width}}  {job.reason}" for job in jobs), sep="\n")
        return
    table = Table("job", "reason", title=title)
    for job in jobs:
        table.add_row(job.name, job.reason)
    console.print(table)


def told_failure(outcome: Outcome, folder: Path) -> str:
    """Return in one line what failed first, where it was printed, and what to do."""
    first = outcome.failed[0]
    more = f" ({len(outcome.failed) - 1} more failed.)" if len(outcome.failed) > 1 else ""
    node = first.partition(":")[0]
    run_name, _, job = node.rpartition("/")
    log = folder.with_name(run_name or folder.name) / "logs" / f"{job}.txt"
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
    from sedlab.runs.seeds.results import has_seeds, told_seeds
    from sedlab.scoring.results import format_ladder, ladder, read_results

    run = open_run(folder)
    print()
    print(told_seeds(run) if has_seeds(run) else format_ladder(ladder(read_results(run.results))))
    print()
    print(f"report: {folder / run.report.name} ({format_seconds(seconds)})")
