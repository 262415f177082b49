"""What a training tells while it goes on, about once a second, and how it is asked to stop.

Between two glances nothing is told and no step waits for the device. A stop is asked for by a file, so that any process
can: a button of a notebook, `sedlab watch`, a person with ``touch``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from lightning_fabric import Fabric

from sedlab.errors import SedlabError
from sedlab.training.history import History
from sedlab.training.resume import State

#: Shortest time between two glances.
EVERY_SECONDS = 1.0
#: Speed is that of the last seconds: the first steps of a training are slow.
_WINDOW_SECONDS = 15.0

Doing = Literal["training", "validating", "finished", "stopped"]


class TrainingStopped(SedlabError):
    """A training has ended early because it was asked to, in a state that it goes on from."""

    @classmethod
    def after(cls, step: int, total_steps: int) -> TrainingStopped:
        """Return the error of a training that was stopped after ``step`` of its steps."""
        return cls(f"stopped after step {step} of {total_steps}. Run the cell (or the command) again to go on.")


@dataclass(frozen=True)
class Glance:
    """How a training is at one time."""

    doing: Doing
    step: int
    """Optimiser steps that are done."""
    total_steps: int
    epoch: int
    """The one at work, from 1."""
    epochs: int
    rows: list[dict[str, float]]
    """What the history has got since the last glance; in the first one all of it, also of an earlier call."""
    validation: dict[str, float]
    """What was just validated: `step`, and ``val/<name>`` as in the history; empty otherwise."""
    seconds: float
    """Time spent on it so far, all calls together."""
    steps_per_second: float | None
    clips_per_second: float | None
    """Of all processes together; None: not known yet, as the speed in steps."""
    seconds_left: float | None


class Watch(Protocol):
    """Called with a glance at a training about once a second, and at each validation."""

    def __call__(self, glance: Glance, /) -> None:
        """Take note of it."""


class Lookout:
    """Tells a `Watch` how a training is, and looks for the wish to stop it.

    On several devices each process has one. The first one tells; all of them learn at the same steps whether to stop.

    Parameters
    ----------
    stop_file : Path or None
        The training is to stop once it exists.
    validations : list of int
        The epochs, from 1, that end with a validation.
    """

    def __init__(
        self,
        watch: Watch | None,
        stop_file: Path | None,
        *,
        state: State,
        history: History,
        fabric: Fabric,
        total_steps: int,
        epochs: int,
        validations: list[int],
    ) -> None:
        self._watch = watch if fabric.is_global_zero else None
        self._stop_file, self._state, self._history = stop_file, state, history
        self._fabric, self._total_steps, self._epochs, self._validations = fabric, total_steps, epochs, validations
        self._pace = _Pace()
        self._told_rows, self._clips, self._steps = 0, 0, 0
        self._looked_at = float("-inf")
        # Processes look at the same steps, for they must stop at the same one.
        self._shared = fabric.world_size > 1 and stop_file is not None
        self._next_step = state.step + 1
        self._interrupted, self._at_once = False, False

    def count(self, clips: int) -> None:
        """Note that a batch of ``clips`` was trained on, by this process."""
        self._clips += clips * self._fabric.world_size

    def stepped(self) -> None:
        """Look about once a second, after a step; raises `TrainingStopped` as `look`."""
        self._steps += 1
        if self._shared:
            is_due = self._state.step >= self._next_step
        else:
            is_due = self._interrupted or time.monotonic() - self._looked_at >= EVERY_SECONDS
        if is_due:
            self.look()

    def look(self, validation: dict[str, float] | None = None) -> None:
        """Tell how the training is, and see whether it is to stop.

        Raises
        ------
        TrainingStopped
            When it is; the caller saves where it stands.
        """
        self._looked_at = time.monotonic()
        self._pace.mark(self._looked_at, self._steps, self._clips)
        if self._watch is not None:
            self._history.fetch()
            self.tell("training", validation)
        stop = self._interrupted or (self._stop_file is not None and self._stop_file.exists())
        if self._shared:
            interval = max(1, round(EVERY_SECONDS * (self._pace.steps_per_second or 0.0)))
            stop, interval = self._fabric.broadcast((stop, interval))
            self._next_step = self._state.step + interval
        if stop and self._state.step < self._total_steps:
            raise TrainingStopped.after(self._state.step, self._total_steps)

    def tell(self, doing: Doing, validation: dict[str, float] | None = None) -> None:
        """Tell the watch how the training is; rows that are still on the device come with a later glance."""
        if doing in ("finished", "stopped") and self._stop_file is not None and self._fabric.is_global_zero:
            self._stop_file.unlink(missing_ok=True)
        if self._watch is None:
            return
        state, pace = self._state, self._pace
        rows, self._told_rows = state.rows[self._told_rows :], len(state.rows)
        glance = Glance(
            doing=doing,
            step=state.step,
            total_steps=self._total_steps,
            epoch=min(state.epoch + 1, self._epochs),
            epochs=self._epochs,
            rows=rows,
            validation={"step": state.step - 1, **validation} if validation else {},
            seconds=state.seconds,
            steps_per_second=pace.steps_per_second,
            clips_per_second=pace.clips_per_second,
            seconds_left=self._seconds_left(),
        )
        self._watch(glance)

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Say that a validation is at work, and leave its time out of the speed; an interrupt ends it at once.

        Raises
        ------
        TrainingStopped
            When it is interrupted.
        """
        self.tell("validating")
        began, self._at_once = time.monotonic(), True
        try:
            yield
        except KeyboardInterrupt:
            raise TrainingStopped.after(self._state.step, self._total_steps) from None
        finally:
            self._at_once = False
        self._pace.leave_out(time.monotonic() - began)

    @contextmanager
    def interrupts(self) -> Iterator[None]:
        """Within this block, an interrupt (Ctrl-C, a notebook's stop button) lets the step come to its end.

        A second one does not wait for it. Only one process can: of several, the caller ends all.
        """
        if self._fabric.world_size > 1 or threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(*_: object) -> None:
            if self._interrupted or self._at_once:
                raise KeyboardInterrupt
            self._interrupted = True

        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)

    def _seconds_left(self) -> float | None:
        speed = self._pace.steps_per_second
        if not speed:
            return None
        to_come = sum(epoch > self._state.epoch for epoch in self._validations)
        return (self._total_steps - self._state.step) / speed + to_come * self._pace.validation_seconds


class _Pace:
    """How fast a training goes: over the last seconds, validations left out."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int, int]] = deque()
        self._left_out: list[float] = []

    @property
    def validation_seconds(self) -> float:
        """What a validation takes; 0: none was seen yet."""
        return sum(self._left_out) / max(1, len(self._left_out))

    def mark(self, now: float, steps: int, clips: int) -> None:
        """Note how many steps and clips are done."""
        self._marks.append((now - sum(self._left_out), steps, clips))
        while len(self._marks) > 2 and self._marks[-1][0] - self._marks[1][0] >= _WINDOW_SECONDS:
            self._marks.popleft()

    def leave_out(self, seconds: float) -> None:
        """Note what a validation took."""
        self._left_out.append(seconds)

    @property
    def steps_per_second(self) -> float | None:
        return self._rate(1)

    @property
    def clips_per_second(self) -> float | None:
        return self._rate(2)

    def _rate(self, place: int) -> float | None:
        if not self._marks:
            return None
        first, last = self._marks[0], self._marks[-1]
        seconds, amount = last[0] - first[0], last[place] - first[place]
        return amount / seconds if seconds > 0 and amount > 0 else None
