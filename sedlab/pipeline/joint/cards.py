"""Which graphics cards a job gets: as many jobs at once as there are cards, each with cards of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sedlab.errors import SedlabError
from sedlab.pipeline.graph import Job
from sedlab.runs.progress import ProgressFile
from sedlab.runs.run import Run
from sedlab.system.cards import KNOWN_CARDS, Card, environment_with
from sedlab.system.leases import leased


def num_cards(job: Job, available: int) -> int:
    """Return on how many of the ``available`` cards a job works; none where there are none."""
    if not available:
        return 0
    return available if job.gpus == "auto" else job.gpus


def check_cards(jobs: Iterable[Job], cards: Sequence[Card]) -> None:
    """Raise SedlabError when a job asks for more cards than there are; without any, trainings run on the CPU."""
    for job in jobs:
        if (wanted := num_cards(job, len(cards))) > len(cards):
            here = ", ".join(map(str, cards))
            raise SedlabError(
                f"{job.name}: trainer.devices is {wanted}, and torch can use {len(cards)} here: {here}. "
                f"Set {job.kind}.trainer.devices={len(cards)} or auto, or make more of them visible "
                "(CUDA_VISIBLE_DEVICES)."
            )


def told_cards(jobs: Iterable[Job], cards: Sequence[Card], per_card: int = 1) -> str:
    """Return in words how many of the jobs run at a time on which cards; empty where no job takes one."""
    if not any(num_cards(job, len(cards)) for job in jobs):
        return ""
    at_once = f"{len(cards) * per_card} at a time" if len(cards) * per_card > 1 else "one at a time"
    return f"{at_once} on {', '.join(map(str, cards))}"


@contextmanager
def own_cards(run: Run, job: Job, cards: Sequence[Card], per_card: int = 1) -> Iterator[None]:
    """Let this process and its children see the cards of a job alone; waits until they are free.

    Raises
    ------
    SedlabError
        As `check_cards`.
    """
    os.environ.pop(KNOWN_CARDS, None)
    check_cards([job], cards)
    count = num_cards(job, len(cards))
    if not count:
        yield
        return

    def tell(text: str) -> None:
        print(text, flush=True)
        ProgressFile(run.path, job.name)(0, 1, text)

    with leased(cards, count, per_card=per_card, tell=tell) as chosen:
        print(f"graphics card: {', '.join(map(str, chosen))}", flush=True)
        os.environ |= environment_with(chosen)
        yield


@contextmanager
def given_cards(job: Job, cards: Sequence[Card]) -> Iterator[None]:
    """Let a job work on the cards that a cluster's scheduler gave it: nobody else has them, so nothing is locked.

    Raises
    ------
    SedlabError
        As `check_cards`.
    """
    os.environ.pop(KNOWN_CARDS, None)
    check_cards([job], cards)
    if count := num_cards(job, len(cards)):
        print(f"graphics card: {', '.join(map(str, cards[:count]))}", flush=True)
    yield
