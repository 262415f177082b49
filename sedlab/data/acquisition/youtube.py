"""Download the clips of a set that are not there, politely, and remember why others could not be had."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sedlab.data.acquisition.cutting import seconds_of
from sedlab.data.acquisition.missing import FOLDER, Failure, read_failures, write_failures
from sedlab.data.acquisition.reasons import BLOCKED, PASSING, ClipFailure
from sedlab.data.acquisition.wanted import ClipSet, WantedClip, absent_clips, wanted_clips
from sedlab.data.acquisition.ytdlp import ClipFetcher
from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.progress import Progress, no_progress
from sedlab.system.locking import Held, held

#: Failures are written this often, so that a killed call has lost no more of them.
_WRITE_SECONDS = 5.0
#: A clip this much shorter than its name says ends with its video.
_SHORT_SECONDS = 0.05


@dataclass(frozen=True)
class Pace:
    """How hard to ask."""

    workers: int = 2
    sleep_seconds: float = 2.0
    """Between the beginnings of two requests, all workers together; half as much again at random."""
    tries: int = 3
    """Of a clip whose connection failed."""
    retry_seconds: float = 5.0
    """Before the second of them; doubles before each further one."""
    blocked_limit: int = 5
    """Clips in a row at which YouTube asked for a person, before the call gives up."""
    blocked_seconds: float = 30.0
    """Wait after the first of them; doubles with each further one in a row."""


@dataclass
class ClipOutcome:
    """What became of a set."""

    wanted: int
    there: int
    """Before."""
    fetched: int = 0
    short: int = 0
    """Of those fetched: shorter than their names say, because their videos end."""
    untried: int = 0
    """Still to be asked for the first time."""
    missing: Counter[str] = field(default_factory=Counter)
    """Number of clips that are still not there, by reason."""
    blocked: str = ""
    """What YouTube said when it did not let this call go on; empty: it did."""


@dataclass(frozen=True)
class ClipPlan:
    """What there is to do for a set."""

    clip_set: ClipSet
    wanted: int
    absent: tuple[WantedClip, ...]
    to_try: tuple[WantedClip, ...]
    gone: int
    """Of the absent ones: not to be had, as an earlier call found, and not asked for again."""
    failures: dict[str, Failure]


def plan_clips(
    root: Path, clip_set: ClipSet, *, retry: bool = False, signed_in: bool = False, limit: int | None = None
) -> ClipPlan:
    """Return which clips of a set are not there, and which of these to ask for.

    Parameters
    ----------
    retry : bool
        Ask again for clips that are gone for good.
    signed_in : bool
        Whether cookies are given: then those with a limit of age are asked for again.
    limit : int or None
        Ask for no more than this.
    """
    wanted = wanted_clips(root, clip_set)
    absent = absent_clips(root, clip_set, wanted)
    known = read_failures(root, clip_set.name)
    failures = {clip.filename: known[clip.filename] for clip in absent if clip.filename in known}
    gone = {
        name
        for name, failure in failures.items()
        if failure.is_permanent and not retry and not (signed_in and failure.reason == "age")
    }
    to_try = [clip for clip in absent if clip.filename not in gone]
    # Those never tried first: what failed before is likelier to fail again.
    to_try.sort(key=lambda clip: clip.filename in failures)
    return ClipPlan(clip_set, len(wanted), tuple(absent), tuple(to_try[:limit]), len(gone), failures)


def fetch_clips(
    root: Path, plan: ClipPlan, source: ClipFetcher, *, pace: Pace | None = None, progress: Progress = no_progress
) -> ClipOutcome:
    """Download the clips of a plan into their folder; each appears whole or not at all.

    What cannot be had is written to `<root>/missing/<set>.tsv`. A call that was stopped goes on with the next one.

    Raises
    ------
    SedlabError
        When another process is doing the same.
    """
    pace = pace or Pace()
    outcome = ClipOutcome(wanted=plan.wanted, there=plan.wanted - len(plan.absent))
    if plan.to_try:
        with _work_folder(root, plan.clip_set) as work:
            _Fetching(root, plan, source, pace, progress, work, outcome).run()
    still = [clip.filename for clip in absent_clips(root, plan.clip_set, plan.absent)]
    outcome.missing = Counter(plan.failures[name].reason for name in still if name in plan.failures)
    outcome.untried = len(still) - outcome.missing.total()
    write_failures(root, plan.clip_set.name, {name: plan.failures[name] for name in still if name in plan.failures})
    return outcome


class _Fetching:
    """One call at work: threads that take clips from a common list."""

    def __init__(
        self,
        root: Path,
        plan: ClipPlan,
        source: ClipFetcher,
        pace: Pace,
        progress: Progress,
        work: Path,
        outcome: ClipOutcome,
    ) -> None:
        self.root, self.plan, self.source, self.pace = root, plan, source, pace
        self.progress, self.work, self.outcome = progress, work, outcome
        self.folder = root / plan.clip_set.audio
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.next_request = 0.0
        self.in_a_row = 0
        self.done = 0
        self.written = time.monotonic()

    def run(self) -> None:
        clips = iter(self.plan.to_try)
        workers = max(1, min(self.pace.workers, len(self.plan.to_try)))
        with ThreadPoolExecutor(workers, thread_name_prefix="clips") as pool:
            running = [pool.submit(self._work, clips, number) for number in range(workers)]
            try:
                for future in running:
                    future.result()
            finally:
                # Also for Ctrl-C: what is being fetched is let come, nothing new is begun.
                self.stop.set()
                with self.lock:
                    write_failures(self.root, self.plan.clip_set.name, self.plan.failures)

    def _work(self, clips: Iterator[WantedClip], number: int) -> None:
        folder = self.work / str(number)
        try:
            while not self.stop.is_set():
                with self.lock:
                    clip = next(clips, None)
                if clip is None:
                    return
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                self._try(clip, folder)
        except BaseException:
            self.stop.set()
            raise

    def _try(self, clip: WantedClip, folder: Path) -> None:
        for attempt in range(1, self.pace.tries + 1):
            if not self._wait():
                return
            try:
                self._place(self.source.fetch(clip.span, folder), clip)
            except ClipFailure as failure:
                if failure.reason in PASSING and attempt < self.pace.tries:
                    self.stop.wait(self.pace.retry_seconds * 2 ** (attempt - 1))
                    continue
                self._failed(clip, failure)
            return

    def _wait(self) -> bool:
        """Wait for this worker's turn; False where there is none any more."""
        with self.lock:
            now = time.monotonic()
            turn = max(now, self.next_request)
            self.next_request = turn + self.pace.sleep_seconds * random.uniform(1.0, 1.5)
        return not self.stop.wait(turn - now)

    def _place(self, sound: Path, clip: WantedClip) -> None:
        short = seconds_of(sound) < clip.span.end - clip.span.start - _SHORT_SECONDS
        target = self.folder / clip.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            sound.replace(target)
        except OSError:  # the folder of the clips is on another disk
            with atomic_path(target) as temporary:
                shutil.copyfile(sound, temporary)
        with self.lock:
            self.in_a_row = 0
            self.plan.failures.pop(clip.filename, None)
            self.outcome.fetched += 1
            self.outcome.short += short
            self._tell(clip)

    def _failed(self, clip: WantedClip, failure: ClipFailure) -> None:
        with self.lock:
            self.plan.failures[clip.filename] = Failure.now(failure, self.plan.failures.get(clip.filename))
            if failure.reason in BLOCKED:
                self.in_a_row += 1
                wait = self.pace.blocked_seconds * 2 ** (self.in_a_row - 1)
                self.next_request = max(self.next_request, time.monotonic() + wait)
                if self.in_a_row >= self.pace.blocked_limit:
                    self.outcome.blocked = failure.message
                    self.stop.set()
            elif failure.reason not in PASSING:
                self.in_a_row = 0
            if time.monotonic() - self.written > _WRITE_SECONDS:
                write_failures(self.root, self.plan.clip_set.name, self.plan.failures)
                self.written = time.monotonic()
            self._tell(clip)

    def _tell(self, clip: WantedClip) -> None:
        self.done += 1
        self.progress(self.done, len(self.plan.to_try), f"{self.plan.clip_set.name}: {clip.filename}")


@contextmanager
def _work_folder(root: Path, clip_set: ClipSet) -> Iterator[Path]:
    """Yield a folder for what is on its way, this process's alone; what a killed one left there is removed."""
    work = root / FOLDER / f".{clip_set.name}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        with held(work.parent / f".{clip_set.name}.lock"):
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except Held as error:
        raise SedlabError(
            f"{work.parent}: {error.holder} is fetching {clip_set.name}. Wait for it.{error.remedy}"
        ) from error


def summary_rows(outcomes: dict[str, ClipOutcome]) -> tuple[list[str], list[Sequence[str]]]:
    """Return columns and rows of the table of what became of each set."""
    reasons = list(dict.fromkeys(reason for outcome in outcomes.values() for reason in outcome.missing))
    columns = ["set", "wanted", "here before", "fetched", "shorter", *reasons, "not tried"]
    rows = [
        [
            name,
            *(f"{n:,}" for n in (o.wanted, o.there, o.fetched, o.short)),
            *(f"{o.missing[reason]:,}" for reason in reasons),
            f"{o.untried:,}",
        ]
        for name, o in outcomes.items()
    ]
    return columns, rows
