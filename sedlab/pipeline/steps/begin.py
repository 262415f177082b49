"""How a stage begins by itself: which run it belongs to, and that what it reads is there.

So each notebook runs alone, from nothing: it makes the run, or the variant that its settings ask for, and has the jobs
before it done. In a job of `sedlab run` all that is there, and nothing happens here.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sedlab.config.loading import load_experiment, preset_names, split_settings
from sedlab.errors import SedlabError, nearest, short, warn_once
from sedlab.pipeline.due.apart import require_travelled
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.due.shared import find_shared
from sedlab.pipeline.graph import Job, build_graph, find_job, graph_of, job_name, jobs_needed
from sedlab.pipeline.readiness import examine, in_working_folder
from sedlab.pipeline.score_plan import ScorePlan
from sedlab.pipeline.steps.estimate import estimate_seconds, told_seconds
from sedlab.pipeline.steps.parameters import check_parameters, whole_number
from sedlab.pipeline.subset_states import subsets_in_use
from sedlab.runs.digests import Digests
from sedlab.runs.layout import CONFIG_FILE
from sedlab.runs.locks import RUN_PROCESS
from sedlab.runs.run import Run, create_run, open_run
from sedlab.runs.variants import different_keys, run_of
from sedlab.runs.versions import num_cores

#: What is longer is not begun by a cell that a person ran for something else.
LONGEST_SECONDS = 3600.0
#: Kind of job -> the parameters that say which one of them.
_PARAMETERS = {
    "pretrain": ("arch",),
    "stage1": ("arch", "iteration"),
    "stage2": ("arch", "iteration"),
    "scores": ("stage", "arch", "iteration"),
    "pseudo_labels": ("iteration",),
    "evaluate": ("iteration",),
}


def begin(
    kind: str, *, preset: str | Path = "mini", run: str | Path = "", settings: str | Iterable[str] = "", **others: Any
) -> Run:
    """Return the run that a stage's notebook works in, with everything the stage reads; says what it has to make.

    Parameters
    ----------
    kind : str
        Of the notebook's job, such as "stage1" (`sedlab.pipeline.graph.Job`).
    preset : str or Path
        Whose run folder it is, when ``run`` is empty; made if it is not there.
    run : str or Path
        A run folder that is there.
    settings : str or iterable of str
        `key=value` texts, or several in one text with commas between: the notebook works in the variant of the run that
        differs in them.
    **others
        The notebook's other parameters by name, those of the job among them.

    Raises
    ------
    SedlabError
        For parameters that the notebook does not have, unknown presets, runs and settings, and when the stage needs
        what is not here or what would take more than an hour: the message has the command.
    """
    check_parameters(preset=preset, run=run, settings=settings, **others)
    chosen = _chosen(preset, run, split_settings(settings))
    bring_inputs(chosen, kind, _job_parameters(chosen, kind, others))
    return chosen


def bring_inputs(run: Run, kind: str, parameters: Mapping[str, Any]) -> None:
    """Have everything done that a job needs; says what that is and about how long it takes, and shows progress.

    Raises
    ------
    SedlabError
        As `begin`, or when one of the jobs fails.
    """
    if RUN_PROCESS in os.environ:
        return  # `sedlab run` has seen to it, and holds the run
    # Not above: they bring Jupyter, which a job without a notebook has no use for.
    from sedlab.pipeline.running.runner import run_experiment
    from sedlab.pipeline.steps.telling import CellDisplay

    name = job_name(kind, **parameters)
    if not run.is_apart:
        _require_ready(run, name)
    if not (run.path / CONFIG_FILE).is_file():
        run = create_run(run.experiment, run.path)
    jobs = graph_of(run)
    needed = [job for job in jobs_needed(jobs, [find_job(jobs, name).name]) if job.name != name]
    digests = Digests(run.path)
    shared = find_shared(run, needed, digests)
    due = due_jobs(run, needed, digests, shared)
    digests.save()
    if not due and not shared.jobs:
        return
    missing = [job for job in needed if job.name in due]
    if missing:
        require_travelled(run, needed, due)
        if run.is_apart:
            _require_ready(run, name)
        _announce(run, name, missing)
    display = CellDisplay(run.path)
    among = {job.name for job in needed}
    outcome = run_experiment(run.experiment, run.path, cores=num_cores(), display=display, jobs=among)
    display.close()
    for warning in outcome.warnings:
        warn_once(warning)
    if outcome.failed:
        log = run.path / "logs" / f"{outcome.failed[0].partition(':')[0]}.txt"
        raise SedlabError(f"{outcome.failed[0].rstrip('.')}. Printed: {log}. Run this again to go on.")


def run_command(run: Run, until: str = "") -> str:
    """Return the `sedlab run` command that goes on with a run, as a person in the working folder types it."""
    words = ["sedlab", "run"]
    if run.experiment.name in preset_names() and load_experiment(run.experiment.name) == run.experiment:
        words += [run.experiment.name] + ([] if run.name == run.experiment.name else ["--name", run.name])
    else:
        words += [str(in_working_folder(run.path / CONFIG_FILE)), "--name", run.name]
    return shlex.join([*words, *(["--until", until] if until else [])])


def _chosen(preset: str | Path, run: str | Path, settings: tuple[str, ...]) -> Run:
    if str(run).strip():
        chosen = open_run(run)
    else:
        experiment = load_experiment(preset)
        chosen = run_of(experiment)
        if differing := different_keys(chosen.experiment, experiment):
            where, told = in_working_folder(chosen.path), ", ".join(differing)
            print(f"{where}: was begun with other settings than the preset has ({told}); they stay")
    return chosen.variant("", settings) if settings else chosen


def _job_parameters(run: Run, kind: str, others: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _PARAMETERS.get(kind, ()):
        value = others[name]
        if name == "iteration":
            value = whole_number(name, value, run.iterations, str(in_working_folder(run.path)))
        elif name == "arch":
            value = _one_of("arch", value, _archs(run, kind), run)
        elif name == "stage":
            value = _one_of("stage", value, ("stage1", "stage2"), run)
        found[name] = value
    return found


def _archs(run: Run, kind: str) -> tuple[str, ...]:
    archs = run.experiment.archs
    return tuple(arch for arch in archs if kind != "pretrain" or run.experiment.pretrains(arch))


def _one_of(name: str, value: Any, known: tuple[str, ...], run: Run) -> str:
    if value not in known:
        where, listed = in_working_folder(run.path), ", ".join(known) or "none"
        raise SedlabError(f"{where}: {name} {short(value)} is not there (it has: {listed}).{nearest(value, known)}")
    return str(value)


def _require_ready(run: Run, name: str) -> None:
    """Raise SedlabError when clips, weights or a GPU that `sedlab run` needs are missing."""
    if run.experiment.data.mini is not None and not run.experiment.weights:
        return
    missing = examine(run).missing
    if missing:
        few = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        jobs = build_graph(run.experiment, ScorePlan(tuple(subsets_in_use(run))))
        needed = jobs_needed(jobs, [find_job(jobs, name).name])
        raise SedlabError(
            f"{run.name}: {len(missing)} of the things it needs are not here ({few}), and with them {name} takes about "
            f"{told_seconds(_seconds(run, needed))} on this machine. What they are, and where they come from: "
            f"{run_command(run, name)} --dry-run"
        )


def _announce(run: Run, name: str, missing: list[Job]) -> None:
    """Say what has to be done first; raise SedlabError when that is long."""
    seconds = _seconds(run, missing)
    where, told = in_working_folder(run.path), _told(missing)
    if seconds > LONGEST_SECONDS:
        raise SedlabError(
            f"{where}: {name} needs {told}: about {told_seconds(seconds)} on this machine, so it is not begun here. "
            f"Run: {run_command(run, name)}"
        )
    print(f"{where}: {name} needs {told}: about {told_seconds(seconds)}", flush=True)


def _seconds(run: Run, jobs: list[Job]) -> float:
    return estimate_seconds(run, jobs, max(1, num_cores() // run.experiment.threads_per_job))


def _told(jobs: list[Job]) -> str:
    """Return the jobs in few words: "data, pretrain (passt, atst), iteration 1 stage1 (atst)"."""
    groups: dict[str, list[str]] = {}
    for job in jobs:
        iteration = f"iteration {job.parameters['iteration']} " if "iteration" in job.parameters else ""
        stage = f" of {job.parameters['stage']}" if "stage" in job.parameters else ""
        group = groups.setdefault(f"{iteration}{job.kind.replace('_', '-')}{stage}", [])
        group += [str(job.parameters["arch"])] if "arch" in job.parameters else []
    return ", ".join(f"{kind} ({', '.join(archs)})" if archs else kind for kind, archs in groups.items())
