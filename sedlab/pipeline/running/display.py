"""What a person sees while an experiment is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Display:
    """Shows a run while it goes on, called from one thread; this one shows nothing."""

    def shared(self, jobs: Mapping[str, Sequence[str]]) -> None:
        """The results of these jobs were taken from other runs, by the names of these."""

    def planned(self, jobs: int) -> None:
        """So many jobs are to be run."""

    def started(self, name: str) -> None:
        """A job has started."""

    def finished(self, name: str, seconds: float) -> None:
        """A job is complete."""

    def failed(self, name: str, message: str) -> None:
        """A job has failed."""

    def told(self, text: str) -> None:
        """Something that a person should know."""

    def tick(self) -> None:
        """Called about four times a second."""
