"""`sedlab sweep`: an experiment with every value of some settings, in one graph that does nothing twice."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sedlab.commands import options
from sedlab.commands.cluster import cluster_of, left_on_cluster, print_profile
from sedlab.commands.output import plain_console, warn
from sedlab.commands.run import check_readiness, checked_name, shortcuts, told_failure
from sedlab.commands.sweeps.told import in_working_folder, print_counts, print_end
from sedlab.errors import SedlabError
from sedlab.system.home import warn_of_home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sedlab.pipeline.cluster.handover import OnCluster
    from sedlab.runs.run import Run
    from sedlab.runs.sweeps.folders import Sweep


def sweep(
    preset: options.Preset,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1,V2,V3",
            help="A run with each value; of several such, each combination. One value: for all runs. Repeat.",
        ),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=99, metavar="N", help="N seeds for each value; differences are paired.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the folders in runs/ begin with. Default: the preset's name.")
    ] = None,
    arch: options.Arch = None,
    iterations: options.Iterations = None,
    until: options.Until = None,
    no_share: options.NoShare = False,
    cores: options.Cores = None,
    per_card: options.PerCard = 1,
    slurm: options.Slurm = False,
    profile: options.Profile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count the jobs to run, and those that are shared, by value.")
    ] = False,
) -> None:
    """Run an experiment with every value of some settings, each with several seeds, and compare them with the base.

    Example: sedlab sweep mini --set stage2.loss.self_supervised=30,70,120 --seeds 3
    A grid: sedlab sweep mini --set stage2.epochs=5,10 --set stage2.optim.lr_cnn=1e-4,3e-4
    """
    from sedlab.commands.display import LineDisplay, LiveDisplay
    from sedlab.pipeline.running.plan import plan_together
    from sedlab.pipeline.running.runner import run_together
    from sedlab.runs.integrity import changed_sizes
    from sedlab.runs.seeds.folders import repeated
    from sedlab.runs.sweeps.folders import planned_sweep
    from sedlab.runs.sweeps.values import read_grid
    from sedlab.runs.versions import num_cores

    warn_of_home()
    grid = read_grid(set_ or (), shortcuts(arch, iterations))
    planned = planned_sweep(preset, grid, name=None if name is None else checked_name(name))
    # The base first: what others share with it is its own.
    groups = [
        repeated(run, seeds or 1) for run in sorted(planned.runs.values(), key=lambda run: run != planned.base_run)
    ]
    runs = [run for group in groups for run in group]
    _check_names(runs)
    warn(line for run in runs for line in changed_sizes(run.path))
    console = plain_console()
    on_cluster = cluster_of(slurm, profile, cores, per_card)
    _check_all_ready(console, planned, until or "", seeds or 1, explain=dry_run, on_cluster=on_cluster)
    how = {"until": until or "", "share": not no_share, "per_card": per_card, "on_cluster": on_cluster}
    how["fixed"] = seeds is not None
    if dry_run:
        plan = plan_together(groups, **how)
        print_counts(console, planned, groups, plan)
        if on_cluster:
            print_profile(console, on_cluster, plan.demands)
        return
    begin = time.monotonic()
    folders = [run.path for run in runs]
    display = LiveDisplay(console, *folders) if console.is_terminal else LineDisplay(console)
    note = partial(_note, planned, groups, fixed=seeds is not None)
    try:
        with display if isinstance(display, LiveDisplay) else nullcontext():
            outcome = run_together(groups, cores=cores or num_cores(), display=display, note=note, **how)
    except KeyboardInterrupt:
        left = left_on_cluster(folders, in_working_folder(planned.path)) if on_cluster else ""
        raise SedlabError(left or "interrupted. Run the same command again to go on.") from None
    warn(outcome.warnings)
    if outcome.failed:
        raise SedlabError(told_failure(outcome, planned.base_run.path))
    print_end(console, planned, outcome, time.monotonic() - begin)


def _note(planned: Sweep, groups: Sequence[Sequence[Run]], *, fixed: bool) -> None:
    from sedlab.runs.seeds.folders import note_seeds
    from sedlab.runs.sweeps.folders import note_sweep

    note_sweep(planned)
    for group in groups if fixed else ():
        note_seeds(group)


def _check_names(runs: Sequence[Run]) -> None:
    """Raise SedlabError when two runs would have the same folder: a value named as a seed is, say."""
    (name, count), *_ = Counter(run.name for run in runs).most_common(1)
    if count > 1:
        raise SedlabError(
            f"{runs[0].path.with_name(name)}: two runs of this sweep would go there. Choose another --name."
        )


def _check_all_ready(
    console: Console, planned: Sweep, until: str, seeds: int, *, explain: bool, on_cluster: OnCluster | None
) -> None:
    """Look for what each run needs, that of the base first; the others speak only of what they lack."""
    from sedlab.pipeline.graph import build_graph, jobs_until
    from sedlab.pipeline.readiness import examine
    from sedlab.pipeline.score_plan import ScorePlan
    from sedlab.pipeline.subset_states import subsets_in_use

    check_readiness(console, planned.base_run, until, seeds, explain=explain, on_cluster=on_cluster)
    for run in planned.runs.values():
        jobs = build_graph(run.experiment, ScorePlan(tuple(subsets_in_use(run))))
        names = [job.name for job in (jobs_until(jobs, until) if until else jobs)]
        if run is not planned.base_run and examine(run, names, seeds=seeds).missing:
            check_readiness(console, run, until, seeds, explain=False, on_cluster=on_cluster)
