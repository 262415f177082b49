"""Long work beside the kernel's own: a bar that says how far it is, and a button that cancels it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import ipywidgets as widgets

from sedlab.progress import Progress
from sedlab.system.frontend import person_present

#: So often the bar is brought up to date.
_LOOK_SECONDS = 0.1


class WorkingBar(widgets.HBox):
    """A progress bar and a button that cancels, hidden unless something is at work.

    Parameters
    ----------
    run : function
        Runs a function of no arguments and shows its errors, as `Panel.run` does.
    """

    def __init__(self, run: Callable[[Callable[[], None]], None]) -> None:
        self.bar = widgets.FloatProgress(max=1.0)
        self.button = widgets.Button(description="Cancel", layout=widgets.Layout(width="auto"))
        super().__init__([self.bar, self.button], layout=widgets.Layout(display="none", grid_gap="0 8px"))
        self._run = run
        self._job: _Job | None = None
        self._last: _Job | None = None
        self.button.on_click(lambda _: self._run(self.cancel))

    @property
    def job(self) -> Any:
        """What is at work, as ``begin`` was told; None: nothing."""
        return None if self._job is None else self._job.key

    def begin(
        self,
        what: str,
        key: Any,
        make: Callable[[Progress], object],
        done: Callable[[], None],
        cancelled: Callable[[], None],
    ) -> bool:
        """Let ``make`` work on a thread, then call ``done``, or ``cancelled`` when a person stopped it.

        Where nobody sits who could stop it, it works at once, and True is returned in place of a call of ``done``.
        What ``make`` gives is not used: it keeps its own results. What was at work here is given up; it ends at its
        next report of progress, and ``make`` waits for that. ``key`` names the work.
        """
        if not person_present():
            with self.on(what):
                make(self.told)
            return True
        self.give_up()
        self._job = self._last = job = _Job(key, make, done, cancelled, self._last)
        self.button.layout.display, self.button.tooltip = "", f"Stop computing {what}"
        self._show(what)
        job.start()
        self._look(job)
        return False

    def cancel(self) -> None:
        """Stop what is at work; it says what that leaves."""
        job = self.give_up()
        if job is not None:
            job.cancelled()

    def give_up(self) -> _Job | None:
        """Stop what is at work without a word, and return it."""
        job, self._job = self._job, None
        if job is not None:
            job.is_given_up = True
            self.layout.display = "none"
        return job

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Show the bar, without the button, while the block runs; ``what`` is at work."""
        self.button.layout.display = "none"
        self._show(what)
        try:
            yield
        finally:
            self.layout.display = "none"

    def told(self, done: float, total: float, _what: str = "") -> None:
        """Be a progress callback."""
        self.bar.value = done / max(total, 1)

    def _show(self, what: str) -> None:
        self.bar.description, self.bar.value, self.layout.display = what, 0.0, ""

    def _look(self, job: _Job) -> None:
        """Bring the bar up to date while a job works, and take what it leaves on the kernel's own thread."""
        if job is not self._job:
            return
        if job.is_alive():
            self.bar.value = job.part
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look, job)
            return
        self.give_up()
        self._run(job.finish)


class _GivenUp(Exception):
    """Ends the work of a thread."""


class _Job(Thread):
    def __init__(
        self,
        key: Any,
        make: Callable[[Progress], object],
        done: Callable[[], None],
        cancelled: Callable[[], None],
        before: _Job | None,
    ) -> None:
        super().__init__(name="curves", daemon=True)
        self.key, self.cancelled = key, cancelled
        self.part, self.is_given_up = 0.0, False
        self._make, self._done, self._before = make, done, before
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            if self._before is not None:
                self._before.join()
                self._before = None
            self._make(self._told)
        except _GivenUp:
            pass
        except Exception as error:  # it is the panel's to show, on the kernel's own thread
            self._error = error

    def finish(self) -> None:
        if self._error is not None:
            raise self._error
        self._done()

    def _told(self, done: float, total: float, _what: str = "") -> None:
        if self.is_given_up:
            raise _GivenUp
        self.part = done / max(total, 1)
