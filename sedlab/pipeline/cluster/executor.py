"""Snakemake's SLURM executor with our jobs: they are handed over, followed, found again, and never taken along.

What becomes of a job is told by a note that it leaves in the run folder; SLURM is asked now and then about all jobs at
once, for those that end without one. Only the scheduler's process imports this file, which imports Snakemake.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

from snakemake_executor_plugin_slurm import Executor as SlurmExecutor
from snakemake_executor_plugin_slurm import ExecutorSettings as ExecutorSettings
from snakemake_executor_plugin_slurm.job_status_query import query_job_status
from snakemake_executor_plugin_slurm.submit_string import get_submit_command, safe_quote
from snakemake_executor_plugin_slurm.validation import validate_or_get_slurm_job_id
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.settings import CommonSettings

from sedlab.pipeline.cluster.tasks import ClusterJob, Handover, script_of
from sedlab.pipeline.cluster.verdicts import Verdict, verdict
from sedlab.runs.live.submitted import (
    Submitted,
    ended_job,
    prepare_records,
    record_of,
    slurm_name,
    steps_saved,
    write_record,
)
from sedlab.runs.locks import RUN_PROCESS
from sedlab.runs.progress import NodeProgress, forget_progress, write_progress
from sedlab.system.cards import KNOWN_CARDS
from sedlab.system.slurm import refusal, slurm_job

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=False,
    auto_deploy_default_storage_provider=False,
)

_SUBMIT_SECONDS = 120
#: Set by `use`, before Snakemake makes its executor: its settings are for texts and numbers.
_handover: Handover | None = None
#: Asked about once more: a job may be on its way from one list of SLURM to the other, its own word on its way to here.
_WORDLESS = ("", "COMPLETED", "FAILED")
#: Reasons to wait that go by (squeue, "JOB REASON CODES").
_PASSING = ("Priority", "Resources", "BeginTime", "Cleaning", "Prolog")


def use(handover: Handover) -> None:
    """Say what is to be handed over. This process, if it is itself a job's, forgets that."""
    global _handover
    _handover = handover
    if slurm_job():
        # The plugin would do it while it goes through them, which ends in an error, and forget SLURM_CONF too.
        for name in [name for name in os.environ if name.startswith("SLURM_") and name != "SLURM_CONF"]:
            del os.environ[name]


class Executor(SlurmExecutor):
    """Hands jobs to SLURM; `run_jobs` of the plugin calls `run_job` in threads."""

    def __post_init__(self, test_mode: bool = False) -> None:
        self.handover = _handover
        names = dict.fromkeys(slurm_name(task.folder) for task in self.handover.tasks.values())
        self._names = ",".join(names)
        self._asked_at = time.monotonic()
        self._told: dict[str, str] = {}
        super().__post_init__(test_mode)
        self.next_seconds_between_status_checks = self.handover.poll_seconds

    def run_job(self, job: Any) -> None:
        """Hand a job over, or go on with one that an earlier call has handed over."""
        task = self.handover.tasks[job.rule.name]
        try:
            number = task.attached or self._submit(task)
        except Exception as error:
            self._fail(SubmittedJobInfo(job), task, str(error))
            return
        self._report_job_submission_threadsafe(SubmittedJobInfo(job, external_jobid=number, aux={"missing": 0}))

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> AsyncGenerator[SubmittedJobInfo, None]:
        """See which jobs have ended, and yield the others."""
        states = None
        if active_jobs and time.monotonic() - self._asked_at >= self.handover.status_seconds:
            self._asked_at = time.monotonic()
            states = await self._ask([info.external_jobid for info in active_jobs])
        for info in active_jobs:
            if self._goes_on(info, states):
                yield info

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Leave the jobs where they are: the next call finds them."""

    def _goes_on(self, info: SubmittedJobInfo, states: dict[str, str] | None) -> bool:
        task, number = self.handover.tasks[info.job.rule.name], info.external_jobid
        ended = ended_job(task.folder, task.node)
        end = ended if ended is not None and ended.job == number else None
        if end is None and states is None:
            return True
        state, _, reason = (states or {}).get(number, "").partition(":")
        record = record_of(task.folder, task.node)
        if record is None or record.job != number:  # a call that was killed before it could write that down
            record = Submitted(job=number)
        is_complete = all(path.is_file() for path in task.outputs)
        steps = steps_saved(task.state_folder) if task.is_training else 0
        if end is None and state in _WORDLESS and not is_complete and info.aux["missing"] < 1:
            info.aux["missing"] += 1
            return True
        match verdict(task, end, state, is_complete=is_complete, record=record, steps=steps):
            case Verdict(kind="waits"):
                if state == "PENDING":
                    self._tell_waiting(task, number, reason)
                return True
            case Verdict(kind="done"):
                self.report_job_success(info)
            case Verdict(kind="again", line=line):
                return self._again(info, task, record, steps, line)
            case Verdict(line=line):
                self._fail(info, task, line)
        return False

    def _submit(self, task: ClusterJob, *, again: Submitted | None = None) -> str:
        """Hand a job over and return its number."""
        prepare_records(task.folder, task.node)
        if again is None:
            forget_progress(task.folder, task.node)
            for path in (*task.outputs, task.text_log):
                path.unlink(missing_ok=True)
        for path in (*task.outputs, task.text_log, task.slurm_log()):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run(
                submit_command(task),
                shell=True,
                input=script_of(task),
                capture_output=True,
                text=True,
                timeout=_SUBMIT_SECONDS,
                env=environment_of_jobs(),
            )
        except subprocess.TimeoutExpired:
            # It may have the job all the same; the next call then finds it.
            problem = f"sbatch: no answer from SLURM in {_SUBMIT_SECONDS} s. Run the same command again later."
            raise RuntimeError(problem) from None
        if done.returncode:
            raise RuntimeError(f"SLURM refuses it: {refusal(done.stderr)}. {self._remedy(done.stderr)}")
        number = validate_or_get_slurm_job_id(done.stdout.strip().split(";")[0], done.stdout)
        steps = steps_saved(task.state_folder) if task.is_training else 0
        times = again.times + 1 if again else 1
        record = Submitted(job=number, steps=steps, times=times, settings=task.settings)
        write_record(task.folder, task.node, record)
        self._tell_waiting(task, number, "")
        return number

    def _again(self, info: SubmittedJobInfo, task: ClusterJob, record: Submitted, steps: int, line: str) -> bool:
        self._log(task, f"{line}; handed over again")
        self._tell(f"{task.name}: {line}; handed over again")
        try:
            info.external_jobid = self._submit(task, again=record)
        except Exception as error:
            self._fail(info, task, str(error))
            return False
        info.aux["missing"] = 0
        return True

    async def _ask(self, numbers: list[str]) -> dict[str, str] | None:
        """Return what SLURM says of jobs, "state:reason" by number; None: it gives no answer now.

        The plugin's own commands would ask for accounts also where there are none, and wait for them for ever.
        """
        found: dict[str, str] = {}
        if self.handover.keeps_accounts:
            sacct = (
                f"sacct -X --parsable2 --noheader --format=JobIdRaw,State --starttime now-30days --name {self._names}"
            )
            found, _ = await query_job_status(sacct, self.logger)
        # Accounts come late, and do not say why a job waits.
        if found is None or any(found.get(number, "PENDING") == "PENDING" for number in numbers):
            squeue = f"squeue --format=%i|%T:%r --states=all --noheader --user {os.getuid()} --name {self._names}"
            queued, _ = await query_job_status(squeue, self.logger)
            if queued is None:
                return None
            found = {**(found or {}), **queued}
        return found

    def _tell_waiting(self, task: ClusterJob, number: str, reason: str) -> None:
        why = f" ({reason})" if reason not in ("", "None") else ""
        text = f"SLURM job {number} waits{why}"
        if self._told.get(task.name) != text:
            self._told[task.name] = text
            write_progress(task.folder, task.node, NodeProgress(what=text, done=0, total=0, time=time.time()))
            if why and reason not in _PASSING:
                self._tell(f"{task.name}: {text}")

    def _fail(self, info: SubmittedJobInfo, task: ClusterJob, line: str) -> None:
        line = " ".join(line.split())
        if line:
            self._log(task, f"error: {line}")
        self._report_job_error_threadsafe(info, line)

    def _tell(self, line: str) -> None:
        self.logger.info(line, extra={"event": "told"})

    def _log(self, task: ClusterJob, line: str) -> None:
        task.text_log.parent.mkdir(parents=True, exist_ok=True)
        with task.text_log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _remedy(self, stderr: str) -> str:
        text, profile = stderr.lower(), self.handover.profile
        for word, key in _REMEDIES.items():
            if word in text:
                return f"Set {key} in {profile}."
        return f"See to {profile}, or ask who runs the cluster."


#: What sbatch says -> which keys of the profile it is about.
_REMEDIES = {
    "account": "account (and partition)",
    "partition": "partition (see: sinfo)",
    "qos": "qos (see: sacctmgr show qos)",
    "time limit": "hours",
    "memory": "memory",
    "feature": "constraint (see: sinfo -o %f)",
    "gres": "gpu (see: sinfo -o %G), or gpus: 0 to work on processors",
    "configuration is not available": "cpus, memory, gpu, gpus or partition to what a node has (see: sinfo -N -l)",
    "unrecognized option": "extra",
    "invalid option": "extra",
}


def submit_command(task: ClusterJob) -> str:
    """Return the line that hands a job over, as the plugin writes it; the script is read from standard input."""
    demand = task.demand
    resources = _Resources(
        {
            "runtime": demand.minutes,
            "mem_mb": demand.memory,
            "cpus_per_task": demand.cpus,
            "constraint": demand.constraint,
            "qos": demand.qos,
            "nodes": 1,
            "slurm_extra": " ".join(
                [f"--signal=B:USR1@{demand.signal_seconds}", "--requeue", "--open-mode=append"]
                + ([f"--gres={safe_quote(demand.gres)}"] if demand.gres else [])
                + [safe_quote(option) for option in demand.extra]
            ),
        }
    )
    parameters = {
        "run_uuid": slurm_name(task.folder),
        # In a file's name % begins what sbatch fills in.
        "slurm_logfile": f"{str(task.slurm_log().parent).replace('%', '%%')}/{task.slurm_log().name}",
        "comment_str": task.node,
        "account": f"-A {safe_quote(demand.account)}" if demand.account else "",
        "partition": f"-p {safe_quote(demand.partition)}" if demand.partition else "",
        "workdir": str(task.folder),
    }
    return get_submit_command(SimpleNamespace(resources=resources, threads=demand.cpus), parameters) + " /dev/stdin"


class _Resources(dict):
    """A job's resources as the plugin asks for them: by name and as attributes."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def environment_of_jobs() -> dict[str, str]:
    """Return the environment that jobs get, and sbatch is called with: this one less what is true of here alone."""
    own = {RUN_PROCESS, KNOWN_CARDS, "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"}
    if slurm_job():
        # sbatch would take what this job was given for what is asked for.
        own |= {name for name in os.environ if name.startswith("SLURM_")} - {"SLURM_CONF"}
    return {name: value for name, value in os.environ.items() if name not in own}
