"""Which set answers a question that several could: the first one that is there.

A data root need not hold every corpus. What the whole corpora are asked on their own sets is then asked on another set
of the same kind, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

#: Events with times that nobody was trained on: PSDS1 of the ladder is read and errors are named here.
EVENT_TESTS: tuple[str, ...] = ("devtest", "eval_public", "own_test")
#: Seconds of whole recordings that nobody was trained on: mpAUC of the ladder.
SEGMENT_TESTS: tuple[str, ...] = ("maestro_dev",)
#: Event boxes (cSEBBs) are tuned here: neither trained nor tested on.
TUNING_SETS: tuple[str, ...] = ("synth_val", "own_val", "external_strong_eval")


def first_there(wanted: Sequence[str], there: Collection[str]) -> str:
    """Return the first of some sets that is among those that are there; empty when none is."""
    return next((name for name in wanted if name in there), "")
