"""Ways of layers tried in processes of their own: one that crashes, hangs or spoils the device costs itself alone.

A kernel that was never run on a card may do each of these. A process tells which way it begins and what came of it;
where it ends or falls silent, the next one goes on behind the way that it was at.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

import torch

from sedlab.config.model import DetectorConfig
from sedlab.config.trainer import Precision
from sedlab.errors import SedlabError
from sedlab.models.trials import AUTOMATIC, TrialOutcome, try_ways
from sedlab.training.device.hardware import DTYPES, prepare_arithmetic

#: Exit status of a process that told all it could before the device was of no more use to it.
_SPOILT = 3
#: What a process may take to start, on a machine that has not read torch yet.
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Question:
    """Which ways are to be tried, and at what sizes."""

    detector: DetectorConfig
    clips: int
    precision: Precision
    device: str = "cuda"
    ways: Mapping[str, Iterable[str]] = field(default_factory=lambda: AUTOMATIC)
    """Besides the plain one of each of these layers."""
    repeats: int = 7


def verdicts(question: Question, *, seconds: float, way_seconds: float) -> Iterator[TrialOutcome]:
    """Yield what came of each way; none is begun after ``seconds``, none waited for longer than ``way_seconds``.

    A way that ends its process, or is silent for so long, is told by its remark. Where the plain way does, the layer's
    others are not tried.

    Raises
    ------
    SedlabError
        When a process ends before it has begun any.
    """
    until = time.time() + seconds  # a clock that processes share
    left = {layer: list(names) for layer, names in question.ways.items()}
    known: set[tuple[str, str]] = set()
    while left:
        with _Process(question, left, until) as process:
            at, has_begun, problem = None, False, None
            while problem is None:
                kind, told = process.next(way_seconds if has_begun else way_seconds + _START_SECONDS)
                if kind == "begins":
                    at, has_begun = tuple(told), True
                elif kind == "verdict":
                    verdict, at = TrialOutcome(**told), None
                    if (verdict.layer, verdict.way) not in known:
                        known.add((verdict.layer, verdict.way))
                        yield verdict
                elif kind == "done":
                    return
                else:
                    problem = told
        if not has_begun:
            raise SedlabError(f"trying ways of layers failed ({problem}).")
        if at is not None and at not in known:
            known.add(at)
            yield TrialOutcome(*at, remark=problem)
        lost = at[0] if at is not None and at[1] == "plain" else None
        left = {
            layer: names
            for layer, all_names in left.items()
            if layer != lost
            and ((names := [way for way in all_names if (layer, way) not in known]) or (layer, "plain") not in known)
        }


class _Process:
    """A process that tries ways and tells of it, a line each."""

    def __init__(self, question: Question, ways: Mapping[str, Iterable[str]], until: float):
        asked = asdict(question) | {"detector": question.detector.model_dump(mode="json"), "ways": ways}
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (it lives as long as the process)
        command = [sys.executable, "-m", "sedlab.training.device.trying", json.dumps(asked | {"until": until})]
        try:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._errors, text=True)
        except OSError as error:
            raise SedlabError(f"trying ways of layers failed ({error}).") from error
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True).start()

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def next(self, patience: float) -> tuple[str, Any]:
        """Return "begins" with layer and way, "verdict" with its fields, "done", or "problem" with what it is."""
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            return "problem", f"not finished after {patience:.0f} s"
        if line is None:
            return "problem", self._last_words(self._process.wait())
        ((kind, told),) = json.loads(line).items()
        return kind, told

    def _last_words(self, status: int) -> str:
        self._errors.seek(0)
        last = (self._errors.read().strip().splitlines() or [""])[-1][:200]
        ending = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
        return f"{ending}: {last}" if last else ending


def _read(stream: TextIO, lines: queue.Queue[str | None]) -> None:
    for line in stream:
        if line.startswith("{"):
            lines.put(line)
    lines.put(None)


def _tell(kind: str, told: object) -> None:
    print(json.dumps({kind: told}), flush=True)


def _answer(asked: dict[str, Any]) -> int:
    """Try what is asked for, telling of it; return the exit status."""
    device = torch.device(asked["device"])
    prepare_arithmetic(asked["device"], asked["precision"])
    found = try_ways(
        DetectorConfig.model_validate(asked["detector"]),
        clips=asked["clips"],
        device=device,
        dtype=DTYPES[asked["precision"]],
        ways=asked["ways"],
        deadline=time.monotonic() + asked["until"] - time.time(),
        repeats=asked["repeats"],
        begins=lambda layer, way: _tell("begins", (layer, way)),
    )
    for verdict in found:
        _tell("verdict", asdict(verdict))
        if verdict.seconds is None and device.type == "cuda":
            try:
                torch.cuda.synchronize(device)
            except RuntimeError:  # an error that stays: nothing more can be computed in this process
                return _SPOILT
    _tell("done", None)
    return 0


if __name__ == "__main__":
    sys.exit(_answer(json.loads(sys.argv[1])))
