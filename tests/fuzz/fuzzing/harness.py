"""Run one case in a child process with limits, and say what was wrong about how it ended.

The child is forked from a process that has imported everything, so that a case takes as long as its work. It runs what
the console script runs, `sedlab.cli.main`.
"""

from __future__ import annotations

import faulthandler
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import stat
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fuzzing.case import Case

#: Seconds of CPU after which a case hangs, and of waiting on a busy machine.
CPU_SECONDS, WALL_SECONDS = 10, 180
#: A case may take this much more memory than the process it is forked from.
MEMORY = 3 << 30
#: What a file may grow to: a case that fills the disk ends instead.
FILE_BYTES = 256 << 20

_TEMPORARY = re.compile(r"(^|/)\.[^/]+$|\.(part|tmp|temp|lock)$")
#: What is printed where nobody foresaw what happened.
_FAULTS = ("Traceback (most recent call last)", "Exception ignored", "a fault of sedlab")
# A sentence or clause that says what to do, or what would have been right.
_REMEDY = re.compile(
    r"[.;:)] [A-Z]\w+|--\w|: delete |Did you mean|Try |expected|[Kk]nown: |choose from|must |should |"
    r"is not one of|is not in the range"
)


@dataclass(frozen=True)
class Ending:
    """How a case ended."""

    status: int
    """Exit status; negative: the signal."""
    stdout: str
    stderr: str
    seconds: float
    memory: int
    """Bytes at most."""
    offences: tuple[str, ...]
    """traceback, hang, half-written, input changed, accepted, refused, status, message, noise; with what was seen."""
    place: str = ""
    """Of a traceback: the last line of sedlab's own code, and the exception."""


def run_case(case: Case, folder: Path) -> Ending:
    """Run ``case`` in ``folder``, which holds its files; the log goes to a folder beside it."""
    logs = folder.with_name(folder.name + ".logs")
    shutil.rmtree(logs, ignore_errors=True)
    (logs / "tmp").mkdir(parents=True)
    before = _snapshot(folder)
    begin = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(case, folder, logs)
    status, usage, hung = _wait(pid)
    texts = [(logs / name).read_text(errors="backslashreplace") for name in ("stdout", "stderr")]
    offences = [f"hang: more than {CPU_SECONDS} s"] if hung else []
    offences += _judge(case, status, *texts) if not hung else []
    offences += _files(case, status, before, _snapshot(folder))
    left = [path for path in (logs / "tmp").iterdir() if path.suffix != ".log"]
    offences += [f"half-written: left in the folder for temporary files: {path.name}" for path in left]
    seconds = time.monotonic() - begin
    tracebacks = "".join(path.read_text(errors="replace") for path in (logs / "tmp").glob("*.log"))
    return Ending(status, *texts, seconds, usage.ru_maxrss * 1024, tuple(offences), _place(tracebacks + "".join(texts)))


def _child(case: Case, folder: Path, logs: Path) -> None:
    """Become the command; never returns."""
    status = 70
    try:
        os.chdir(folder)
        faulthandler.disable()
        _limits()
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        _streams(case, logs)
        os.environ["TMPDIR"] = str(logs / "tmp")
        import tempfile

        tempfile.tempdir = None
        status = _command(case, _serve(case.answer) if case.answer is not None else "")
    finally:
        os._exit(status)


def _limits() -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _streams(case: Case, logs: Path) -> None:
    (logs / "stdout").touch()
    if case.stdout == "closed":
        reading, out = os.pipe()
        os.close(reading)
    else:
        out = os.open("/dev/full" if case.stdout == "full" else logs / "stdout", os.O_WRONLY)
    error = os.open(logs / "stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, error)):
        os.dup2(source, target)
    # As the interpreter makes them: only standard error can say everything.
    sys.stdout = sys.__stdout__ = open(1, "w", encoding=case.encoding, closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # noqa: SIM115
        2, "w", encoding=case.encoding, errors="backslashreplace", buffering=1, closefd=False
    )


def _serve(answer: bytes) -> str:
    """Send ``answer`` to whoever asks, from a thread of this process; return the address."""
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.02))  # between attempts
    server = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        while True:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(answer)

    threading.Thread(target=work, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def _command(case: Case, url: str) -> int:
    status: object = 0
    arguments = [argument.replace("{url}", url) if url else argument for argument in case.arguments]
    try:
        if arguments[0] == "python":
            from fuzzing.doors import call

            status = call(*arguments[1:])
        else:
            from sedlab.cli import main

            sys.argv = ["sedlab", *arguments]
            main()
    except SystemExit as end:
        status = end.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        traceback.print_exc()
        status = 120  # as the interpreter ends
    sys.stderr.flush()
    return int(status or 0)


def _wait(pid: int) -> tuple[int, resource.struct_rusage, bool]:
    end = time.monotonic() + WALL_SECONDS
    pause = 0.002
    while True:
        done, code, usage = os.wait4(pid, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)
            return status, usage, status in (-signal.SIGXCPU, -signal.SIGKILL)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            _, code, usage = os.wait4(pid, 0)
            return -signal.SIGKILL, usage, True
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def _judge(case: Case, status: int, stdout: str, stderr: str) -> list[str]:
    found = []
    if any(text in stdout + stderr for text in _FAULTS):
        return ["traceback: " + _last_line(stderr or stdout)[:300]]
    if status not in (0, 1, 2):
        return [f"status: {status}"]
    if case.bad and status == 0:
        found.append("accepted: wrong, and exit status 0")
    if case.bad is False and status:
        found.append("refused: good, but " + _last_line(stderr)[:300])
    if status:
        found += _message(case, status, stderr)
    noise = re.search(r"^.*\b\w*Warning: .*$", stderr, re.MULTILINE)
    if noise and not noise[0].startswith("warning: "):
        found.append(f"noise: {noise[0][:300]}")
    return found


def _message(case: Case, status: int, stderr: str) -> list[str]:
    """Return what is wrong about the last line of a failure."""
    if case.stdout == "closed":
        return []  # nobody reads: programs end without a word
    last = _last_line(stderr)
    if not last.lower().startswith("error: "):
        return [f"message: more than one line, or none: {stderr[-300:]!r}"]
    found = []
    if status == 1 and len(re.findall(r"^error: ", stderr, re.MULTILINE)) != 1:
        found.append("message: several errors")
    if "are above" in last or "see above" in last:
        return [
            problem for line in re.findall(r"^failed: .*$", stderr, re.MULTILINE) for problem in _sentence(case, line)
        ]
    return found + _sentence(case, last)


def _sentence(case: Case, line: str) -> list[str]:
    """Return what is wrong about one line: it names the file or option, what was found, and what to do."""
    found = []
    if not line.isprintable():
        found.append(f"message: not printable: {line[:300]!r}")
    if len(line) > 1500 + 3 * max(map(len, case.arguments)):
        found.append(f"message: {len(line)} characters long: {line[:200]}")
    # As a line shows it: white space once, control characters as escapes.
    shown = [form for name in case.names or _named(case) for form in (name, " ".join(name.split()), repr(name)[1:-1])]
    if not any(name in line for name in shown if name):
        found.append(f"message: names neither file nor option: {line[:300]}")
    if not _REMEDY.search(line.partition(": ")[2]):
        found.append(f"message: no remedy: {line[:300]}")
    return found


def _named(case: Case) -> list[str]:
    """Return what a message may name: options, and files by their own name or that of their folder."""
    options = [argument for argument in case.arguments if argument.startswith("--")]
    files = [Path(argument).name[:40] for argument in case.arguments if not argument.startswith("--")]
    return [
        *(option.partition("=")[0] for option in options),
        *filter(None, files),
        "Missing",
        "No such option",
        "stdout",
    ]


def _files(case: Case, status: int, before: dict[str, tuple], after: dict[str, tuple]) -> list[str]:
    """Return what the command should not have done to the folder."""

    def within(path: str, places: tuple[str, ...]) -> bool:
        kept = [os.path.normpath(place) for place in places]
        return any(path == place or path.startswith(place + "/") for place in kept)

    found = [f"input changed: {path}" for path in before if after.get(path) != before[path]
             and not within(path, case.outputs if status == 0 else case.kept)]  # fmt: skip
    for path in sorted(after.keys() - before.keys()):
        if status == 0 and within(path, case.outputs):
            continue
        if _TEMPORARY.search(path) and not within(path, case.kept):
            found.append(f"half-written: temporary file {path!r}")
        elif status and not within(path, case.kept):
            found.append(f"half-written: {path!r} after a failure")
        elif not within(path, (*case.outputs, *case.kept)):
            found.append(f"half-written: {path!r} was not asked for")
    return found[:3]


def _snapshot(folder: Path) -> dict[str, tuple]:
    """Return type, mode and content of everything below ``folder``."""
    found: dict[str, tuple] = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)  # noqa: PTH118  (any bytes)
            about = os.lstat(path)
            content: object = None
            if stat.S_ISLNK(about.st_mode):
                content = os.readlink(path)  # noqa: PTH115
            elif stat.S_ISREG(about.st_mode):
                content = hashlib.sha1(Path(path).read_bytes()).hexdigest()
            found[os.path.relpath(path, folder)] = (about.st_mode, content)
    return found


def _last_line(text: str) -> str:
    lines = [line for line in text.split("\n") if line.strip()]
    return lines[-1] if lines else ""


def _place(text: str) -> str:
    """Return where a traceback comes from in sedlab, and what was raised."""
    frames = re.findall(r'File "[^"]*?(sedlab/[^"]+\.py)", line (\d+), in (\S+)', text)
    if not frames or "Traceback (most recent call last)" not in text:
        return ""
    file, line, function = frames[-1]
    raised = re.findall(r"^([\w.]+(?:Error|Exception|Interrupt|Warning|Exit)\b)", text, re.MULTILINE)
    return f"{file}:{line} {function} {raised[-1] if raised else ''}"
