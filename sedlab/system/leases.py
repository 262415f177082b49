"""Who works on which graphics card: a lock for each, so that no two trainings meet on one by accident.

The locks are files in the machine's temporary folder and the operating system's, so a job that is killed gives its
card back, and a second `sedlab run` on the machine waits for the first. They know of this user's jobs on this machine,
not of other programs nor of other containers.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.system.cards import Card
from sedlab.system.locking import Held, Holder, held, holder_of

_POLL_SECONDS = 0.5
#: While it is held, somebody chooses cards; two that want several could otherwise each wait for what the other has.
_CHOOSING = "choosing.lock"


@contextmanager
def leased(
    cards: Sequence[Card],
    count: int = 1,
    *,
    per_card: int = 1,
    tell: Callable[[str], None] = lambda _: None,
    folder: Path | None = None,
) -> Iterator[tuple[Card, ...]]:
    """Have ``count`` of the cards until the block, or the process, ends; waits until so many are free.

    Parameters
    ----------
    per_card : int
        How many may have the same card at a time.
    tell : callable
        Called with who has the cards, when all are taken.
    folder : Path or None
        Of the locks; None: the machine's.

    Raises
    ------
    SedlabError
        When there are fewer cards than asked for.
    """
    if count > len(cards):
        raise SedlabError(f"{count} graphics cards are asked for, {len(cards)} can be used here. Ask for fewer.")
    folder = folder or lease_folder()
    with ExitStack() as stack:
        told = ""
        while not (chosen := _choose(stack, cards, count, per_card, folder)):
            told = _told_once(tell, told, cards, per_card, folder)
            time.sleep(_POLL_SECONDS)
        yield chosen


def holders(cards: Sequence[Card], *, folder: Path | None = None) -> dict[Card, list[Holder]]:
    """Return who has each of the cards that somebody has."""
    folder = folder or lease_folder()
    found = {}
    for card in cards:
        files = sorted(folder.glob(f"{_plain(card)}.*.lock"))
        found[card] = [holder for file in files if (holder := holder_of(file)) is not None]
    return {card: who for card, who in found.items() if who}


def lease_folder() -> Path:
    """Return the folder of this user's locks on this machine."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"sedlab-cards-{user}"


def _choose(
    stack: ExitStack, cards: Sequence[Card], count: int, per_card: int, folder: Path
) -> tuple[Card, ...] | None:
    """Take ``count`` cards, those that fewest have first; None, and nothing is taken, when there are not so many."""
    with ExitStack() as tried:
        try:
            tried.enter_context(held(folder / _CHOOSING))
        except Held:
            return None
        locks, chosen = tried.enter_context(ExitStack()), []
        busy = holders(cards, folder=folder)
        for slot in range(per_card):
            for card in sorted(cards, key=lambda card: len(busy.get(card, ()))):
                if len(chosen) < count and card not in chosen:
                    try:
                        locks.enter_context(held(_file(folder, card, slot)))
                    except Held:
                        continue
                    chosen.append(card)
        if len(chosen) < count:
            return None
        stack.push(locks.pop_all())
        return tuple(card for card in cards if card in chosen)


def _told_once(tell: Callable[[str], None], told: str, cards: Sequence[Card], per_card: int, folder: Path) -> str:
    who = [str(holder) for busy in holders(cards, folder=folder).values() for holder in busy[:per_card]]
    text = f"waiting for a graphics card ({'; '.join(who)})" if who else told
    if text != told:
        tell(text)
    return text


def _file(folder: Path, card: Card, slot: int) -> Path:
    return folder / f"{_plain(card)}.{slot}.lock"


def _plain(card: Card) -> str:
    return re.sub(r"[^\w-]", "-", card.key or card.ident)
