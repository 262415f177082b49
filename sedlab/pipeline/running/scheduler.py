"""The process in which Snakemake runs: `python -m sedlab.pipeline.running.scheduler RUN`, started by `sedlab run`.

Snakemake takes seconds to import and handles signals its own way, so it gets a process of its own. What happens is told
as JSON lines (`JobEvent`) on standard output; everything else, also from the jobs, goes to standard error.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

from pydantic import BaseModel

from sedlab.pipeline.cluster.tasks import Handover
from sedlab.pipeline.running.leftovers import make_scheduler_folder
from sedlab.runs.locks import when_run_ends

SNAKEFILE = Path(__file__).with_name("Snakefile")


class JobEvent(BaseModel):
    """One thing that happened, a line on the scheduler's standard output."""

    event: Literal["planned", "job", "finished", "failed", "told", "error", "done"]
    """"job": one starts; "done": nothing follows."""
    jobs: int = 0
    """planned: how many there are."""
    name: str = ""
    """job, finished, failed: of the job."""
    message: str = ""
    """told: what a person should know; error: what went wrong in Snakemake."""
    ok: bool = False
    """done: whether all went well."""


class _EventHandler(logging.Handler):
    """Turns Snakemake's log records into our events."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._names: dict[int, str] = {}

    def tell(self, event: str, **values: Any) -> None:
        """Write one event."""
        print(JobEvent(event=event, **values).model_dump_json(exclude_unset=True), file=self._stream, flush=True)

    def emit(self, record: logging.LogRecord) -> None:
        kind = str(getattr(record, "event", None) or "")
        if kind == "run_info":
            stats = {name: count for name, count in record.stats.items() if name not in ("total", "all")}
            self.tell("planned", jobs=sum(stats.values()))
        elif kind == "job_info" and record.rule_name != "all":
            self._names[record.jobid] = record.rule_name
            self.tell("job", name=record.rule_name)
        elif kind == "job_finished" and record.job_id in self._names:
            self.tell("finished", name=self._names[record.job_id])
        elif kind == "job_error":
            self.tell("failed", name=record.rule_name)
        elif kind == "told":
            self.tell("told", message=record.getMessage())
        elif kind == "error" or (not kind and record.levelno >= logging.ERROR):
            self.tell("error", message=record.getMessage())


def main() -> int:
    """Schedule jobs of a run."""
    parser = argparse.ArgumentParser(prog="python -m sedlab.pipeline.running.scheduler")
    parser.add_argument("run", type=Path)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="the runs that repeat it with other seeds")
    parser.add_argument("--cards", type=int, default=0)
    parser.add_argument("--per-card", type=int, default=1)
    parser.add_argument("--slurm", type=Path, help="file that says how jobs are handed to a cluster")
    parser.add_argument("--jobs", nargs="+", required=True)
    arguments = parser.parse_args()
    handover = Handover.model_validate_json(arguments.slurm.read_bytes()) if arguments.slurm else None
    # Snakemake's own temporary folder stays when it is killed; here the next run finds it. The jobs keep the system's.
    tempfile.tempdir = str(make_scheduler_folder(arguments.run))
    # The jobs inherit standard output: keep it for events alone.
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    when_run_ends(lambda: os.killpg(os.getpgrp(), signal.SIGKILL))
    config = {"jobs": arguments.jobs, "cards": arguments.cards, "per_card": arguments.per_card}
    config["cluster"] = list(handover.tasks) if handover else None
    config["runs"] = [str(path) for path in (arguments.run, *arguments.beside)]
    return 0 if schedule(arguments.run, config, events, arguments.cores, handover) else 1


def schedule(
    run: Path, config: Mapping[str, Any], events: TextIO, cores: int, handover: Handover | None = None
) -> bool:
    """Have Snakemake execute jobs in ``run``, telling ``events`` what happens; return whether all went well.

    ``config`` is what the Snakefile reads: jobs, by their names; runs, the folders they belong to; cards, their number;
    per_card, how many jobs share one; cluster, those that a cluster executes, None: this machine executes all. With
    ``handover`` a SLURM cluster executes them, otherwise this machine.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.logging import logger
    from snakemake.scheduling.greedy import SchedulerSettings as GreedySettings
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        ExecutionSettings,
        OutputSettings,
        RemoteExecutionSettings,
        ResourceSettings,
        SchedulingSettings,
    )

    handler, slots = _EventHandler(events), config["cards"] * config["per_card"]
    resources = ResourceSettings(cores=cores, resources={"gpu": slots} if slots else {})
    # What a job writes may take a while to be seen over a network.
    executor, options, latency = "local", {}, 5
    if handover:
        resources = ResourceSettings(nodes=handover.max_jobs)
        executor, options, latency = *_cluster_executor(handover), 60
        options["remote_execution_settings"] = RemoteExecutionSettings()
    ok = True
    with SnakemakeApi(OutputSettings()) as api:
        logger.addHandler(handler)
        try:
            workflow = api.workflow(
                resource_settings=resources,
                config_settings=ConfigSettings(config=dict(config)),
                snakefile=SNAKEFILE,
                workdir=run,
            )
            workflow.dag(DAGSettings(forceall=True, force_incomplete=True)).execute_workflow(
                executor=executor,
                # What a job has written stays, also when it fails: its manifest says whether it has finished.
                execution_settings=ExecutionSettings(
                    keep_going=True, keep_incomplete=True, lock=False, latency_wait=latency
                ),
                # The default scheduler starts a solver for every choice; there is little to choose here.
                scheduling_settings=SchedulingSettings(scheduler="greedy"),
                scheduler_settings=GreedySettings(),
                **options,
            )
        except Exception as error:
            ok = False
            handler.tell("error", message=str(error))
            api.print_exception(error)
    handler.tell("done", ok=ok)
    return ok


def _cluster_executor(handover: Handover) -> tuple[str, dict[str, Any]]:
    """Tell Snakemake of our executor for SLURM; return its name there and what it is started with."""
    from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

    from sedlab.pipeline.cluster import executor

    executor.use(handover)
    registry = ExecutorPluginRegistry()
    registry.register_plugin(f"{registry.module_prefix}sedlab_slurm", executor)
    settings = executor.ExecutorSettings(
        status_command="squeue", delete_logfiles_older_than=0, init_seconds_before_status_checks=1
    )
    return "sedlab-slurm", {"executor_settings": settings}


if __name__ == "__main__":
    sys.exit(main())
