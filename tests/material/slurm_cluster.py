"""A real SLURM cluster on this machine: its daemons, started for a test and stopped by their process ids.

Two nodes with a graphics card each, simulated by a file, so that SLURM schedules cards although there are none. All
that belongs to the cluster lies in a temporary folder: nothing is read from /etc and nothing left behind, and a cluster
that the machine may have of its own is not touched. By hand, `python tests/material/slurm_cluster.py` keeps one up
until Ctrl-C and says how another shell talks to it.

Needs Debian's `slurm-wlm` and `munge`. Neither root, systemd nor cgroups are required.
"""

from __future__ import annotations

import ctypes
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from ports import free_ports

NODES = ("n1", "n2")
#: What every way of starting a job needs.
_PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol")
_REMEDY = "apt-get install --no-install-recommends slurm-wlm munge"
#: Debian keeps daemons where a person's PATH does not lead.
_PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
#: A bound for what hangs on a busy machine, not a measure of speed.
_PATIENCE_SECONDS = 300.0

_CONF = """\
ClusterName=sedlab-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A job that is put back into the queue waits until its credential is void: two minutes, if this is not set.
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/finished.txt
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
# The machine is smaller than its nodes together.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
JobRequeue=1
# Jobs that have ended are known for as long as a test may take; five minutes is the default.
MinJobAge=7200
KillWait={kill_wait}
OverTimeLimit=0
SlurmdTimeout=300
GresTypes=gpu
DefMemPerCPU=1000
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Return the programs of SLURM that are not installed; without any, there can be a cluster."""
    return [program for program in _PROGRAMS if shutil.which(program, path=_PATH) is None]


def need_slurm() -> None:
    """Skip the test where SLURM is not installed; where everything must run, it fails."""
    if missing := missing_programs():
        message = f"cluster test not run: {', '.join(missing)} not found. Install it: {_REMEDY}."
        if os.environ.get("SEDLAB_REQUIRE_ALL") == "1":
            pytest.fail(message)
        pytest.skip(message)


@dataclass
class Cluster:
    """A cluster at work."""

    folder: Path
    """Configuration, logs and state."""
    environment: dict[str, str]
    """What a process needs in its environment to talk to this cluster, with ``PATH``."""
    daemons: dict[str, subprocess.Popen] = field(default_factory=dict)
    """By their names: munged, slurmctld, and each node's."""

    def call(self, *words: str) -> str:
        """Run one of SLURM's programs and return what it prints.

        Raises
        ------
        RuntimeError
            When it fails, with what it said.
        """
        done = subprocess.run(
            words, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=_PATIENCE_SECONDS
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def squeue(self, *options: str) -> list[dict[str, str]]:
        """Return the jobs that wait or run (``-t all``: also those that ended): id, name, state, node, reason."""
        fields = {"id": "%i", "name": "%j", "state": "%T", "node": "%N", "reason": "%r", "comment": "%k"}
        lines = self.call("squeue", "-h", "-o", "|".join(fields.values()), *options).splitlines()
        return [dict(zip(fields, line.split("|", len(fields) - 1), strict=True)) for line in lines]

    def job(self, number: str | int) -> dict[str, str]:
        """Return what the controller knows of a job, as `scontrol show job` names it."""
        words = self.call("scontrol", "-o", "show", "job", str(number)).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def node_state(self, node: str) -> str:
        """Return the state of a node, such as IDLE or IDLE+DRAIN."""
        words = self.call("scontrol", "-o", "show", "node", node).split()
        return next(word.partition("=")[2] for word in words if word.startswith("State="))

    def drain(self, node: str) -> None:
        """Give the node no further jobs; those that it has go on."""
        self.call("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")

    def down(self, node: str) -> None:
        """Declare the node dead: its jobs are ended, and put back into the queue if they may be."""
        self.call("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def resume(self, node: str) -> None:
        """Let the node have jobs again."""
        self.call("scontrol", "update", f"nodename={node}", "state=resume")

    def cancel(self) -> None:
        """End all jobs, and wait until none is left and every node may have jobs."""
        self.call("scancel", "--user", getpass.getuser())
        wait_until(lambda: not self.squeue(), "jobs end")
        for node in NODES:
            if self.node_state(node) not in ("IDLE", "MIXED", "ALLOCATED"):
                self.resume(node)

    def kill(self, daemon: str) -> None:
        """End a daemon as a power cut would: ``slurmctld``, or one of `NODES` with all that it runs."""
        process = self.daemons.pop(daemon)
        process.kill()
        process.wait()
        if daemon in NODES:
            self._end_jobs(daemon)

    def start(self, daemon: str) -> None:
        """Start a daemon, or start it again."""
        conf = str(self.folder / "slurm.conf")
        if daemon == "munged":
            files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid"}
            files |= {"log-file": "munged.log", "seed-file": "munged.seed"}
            words = ["munged", "--foreground", *(f"--{key}={self.folder / name}" for key, name in files.items())]
        elif daemon == "slurmctld":
            words = ["slurmctld", "-D", "-f", conf]
        else:
            words = ["slurmd", "-D", "-N", daemon, "-f", conf]
        words[0] = shutil.which(words[0], path=_PATH) or words[0]
        with (self.folder / f"{daemon}.out").open("ab") as out:
            self.daemons[daemon] = subprocess.Popen(
                words,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def stop(self) -> None:
        """End all jobs and daemons."""
        with suppress(RuntimeError, subprocess.TimeoutExpired, AssertionError):
            if "slurmctld" in self.daemons:
                self.cancel()
        daemons = list(self.daemons.values())
        self.daemons.clear()
        for process in reversed(daemons):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()
        self._end_jobs()

    def _end_jobs(self, node: str | None = None) -> None:
        """Kill what a node has started, which is no child of its daemon; without a name, whatever knows this cluster.

        When this returns those processes are gone, with the locks they held.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while found := self._processes(node):  # again, as one may have started another before its turn came
            for process in found:
                with suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(found, timeout=5)
            assert time.monotonic() < deadline, f"do not end: {found}"

    def _processes(self, node: str | None) -> list[psutil.Process]:
        """Return the processes of the node's jobs and those that started them, or all that know this cluster."""
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                environment = process.environ()  # a zombie has none
                if environment.get("SLURM_CONF") != self.environment["SLURM_CONF"]:
                    continue
                if node is None or environment.get("SLURMD_NODENAME") == node:
                    found[process.pid] = process
                    if (parent := process.parent()) and parent.name() == "slurmstepd":
                        found[parent.pid] = parent
        found.pop(os.getpid(), None)
        return list(found.values())

    def told(self) -> str:
        """Return the last lines of every log."""
        logs = sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")])
        return "\n".join(f"{path.name}: {line}" for path in logs for line in path.read_text().splitlines()[-15:])


def wait_until(condition: Callable[[], object], what: str, seconds: float = _PATIENCE_SECONDS) -> None:
    """Wait until ``condition`` holds, and fail if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.1)


@contextmanager
def slurm_cluster(*, cpus: int = 2, memory: int = 20_000, kill_wait: int = 5) -> Iterator[Cluster]:
    """Start a cluster, and stop it whatever happens.

    Parameters
    ----------
    cpus, memory : int
        What each node says it has, memory in MB; the machine is not asked.
    kill_wait : int
        Seconds between SIGTERM and SIGKILL for a job whose time is over.
    """
    # Short, as the path of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": _PATH})
    try:
        # Between the choice of ports and their use, another process may take one.
        for last in (False, False, True):
            _configure(folder, cpus, memory, kill_wait)
            try:
                _begin(cluster)
                break
            except AssertionError as error:
                if last:
                    raise RuntimeError(f"{error}\n{cluster.told()}") from None
                cluster.stop()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, cpus: int, memory: int, kill_wait: int) -> None:
    host, (controller_port, *ports) = socket.gethostname().partition(".")[0], free_ports(1 + len(NODES))
    nodes = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory} "
        "Gres=gpu:1 State=UNKNOWN"
        for node, port in zip(NODES, ports, strict=True)
    ]
    for name in ("state", *(f"spool-{node}" for node in NODES)):
        (folder / name).mkdir(exist_ok=True)
    conf = _CONF.format(
        host=host,
        controller_port=controller_port,
        user=getpass.getuser(),
        folder=folder,
        kill_wait=kill_wait,
        nodes="\n".join(nodes),
    )
    (folder / "slurm.conf").write_text(conf)
    (folder / "gres.conf").write_text("".join(f"NodeName={node} Name=gpu File=/dev/null\n" for node in NODES))
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(secrets.token_bytes(128))


def _begin(cluster: Cluster) -> None:
    for daemon in ("munged", "slurmctld", *NODES):
        cluster.start(daemon)
        if daemon == "munged":
            wait_until((cluster.folder / "munge.socket").exists, "munged answers")
    wait_until(lambda: _idle(cluster), "the nodes are idle")


def _idle(cluster: Cluster) -> bool:
    gone = [name for name, process in cluster.daemons.items() if process.poll() is not None]
    assert not gone, f"ended: {', '.join(gone)}"
    with suppress(RuntimeError):
        return all(cluster.node_state(node) == "IDLE" for node in NODES)
    return False


def _end_with_parent() -> None:
    """Have the kernel end this process when the one that started it is gone, however that ended (Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster for all tests of this process."""
    need_slurm()
    with slurm_cluster() as started:
        yield started


def main() -> None:
    """Keep a cluster up until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with suppress(KeyboardInterrupt), slurm_cluster() as cluster:
        print("A cluster of two nodes with a graphics card each is up until Ctrl-C. In another shell:", flush=True)
        print(f"export SLURM_CONF={cluster.environment['SLURM_CONF']}", flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
