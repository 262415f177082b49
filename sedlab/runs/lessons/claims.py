"""Sentences that follow the numbers of a training: who leads, what a variant changed, what each network is given."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.config.experiment import Node, Stage, StageConfig
from sedlab.runs.history import histories
from sedlab.runs.run import Run
from sedlab.scoring.names import STAGE_NAME, model_name

_STUDENT, _TEACHER = "val/objective", "val/teacher/objective"
#: A lead at least as one-sided would come of fair coins in one case of twenty.
_LUCK = 0.05


def teacher_lead(history: pd.DataFrame) -> str:
    """Return who was ahead in the validations of a history, student or mean teacher, and whether luck could decide so.

    Luck is a fair coin for each validation. They are not independent of each other, so that it is still likelier. A
    teacher whose weight was 0 was never asked: its batch norm has no statistics, and its scores mean nothing.
    """
    if not {_STUDENT, _TEACHER} <= set(history.columns):
        return "Nothing was validated here, so nobody knows whether the mean teacher is ahead of its student."
    if "loss/self_supervised" in history and not history["loss/self_supervised"].any():
        return (
            "Nobody asked the mean teacher in this training: agreement with it had a weight of 0. Its weights followed "
            "the student's, but its batch norm has never seen a clip, so that its scores are no measure of anything."
        )
    lead = (history[_TEACHER] - history[_STUDENT]).dropna()
    ahead, behind = int((lead > 0).sum()), int((lead < 0).sum())
    if not ahead + behind:
        return f"In all of the {len(lead)} validations mean teacher and student are level."
    text = (
        f"The mean teacher is ahead of its student in {ahead} of {len(lead)} validations and behind in {behind} "
        f"(teacher minus student: {lead.min():+.3f} to {lead.max():+.3f}, at the end {lead.iloc[-1]:+.3f})."
    )
    if _coin(ahead, ahead + behind) > _LUCK:
        if _coin(0, ahead + behind) > _LUCK:
            return f"{text} With so few validations nobody can tell who leads: a coin does that, too."
        return f"{text} As many heads or tails come of tossing a coin: who leads is luck in this training."
    leader = "mean teacher" if ahead > behind else "student"
    return f"{text} A coin would hardly do that: in this training the {leader} leads."


def difference_from_parent(run: Run, stage: Stage, arch: str, iteration: int, parent: Run | None) -> str:
    """Return how the best objective of a node differs from that of the run it is a variant of, or how to make one."""
    own, other = (_history(one, stage, arch, iteration) for one in (run, parent))
    if parent is None or other is None or own is None:
        notebook = {"stage1": "03_stage1", "stage2": "04_stage2"}[stage]
        why = "This run is no variant." if parent is None else f"{parent.name} has not trained this stage yet."
        return (
            f"{why} To make one and lay its curves over these:\n\n"
            f"papermill notebooks/{notebook}.ipynb no-teacher.ipynb -p run {_relative(run)} -p arch {arch} "
            f'-p iteration {iteration} -p settings "{stage}.loss.self_supervised=0"'
        )
    best, before = own[_STUDENT].max(), other[_STUDENT].max()
    where = f"{STAGE_NAME[stage]} of {model_name(arch)}, iteration {iteration}"
    return (
        f"Best objective in {where}: {best:.3f} in {run.name}, {before:.3f} in {parent.name}, a difference of "
        f"{best - before:+.3f}. One training each decides little: with another seed either number may move as far."
    )


def compared_histories(
    run: Run, stage: Stage, arch: str, iteration: int, parent: Run | None
) -> dict[str, pd.DataFrame]:
    """Return the student's history of a node: by the run's name, or of "variant" behind that of the run it comes from.

    The teacher's validations are left out: where nobody asks it, they mean nothing.
    """
    named = {run.name: run} if parent is None else {parent.name: parent, "variant": run}
    found = {name: _history(one, stage, arch, iteration) for name, one in named.items()}
    return {
        name: table.loc[:, ~table.columns.str.startswith("val/teacher/")]
        for name, table in found.items()
        if table is not None
    }


def heard_differently(node: Node) -> str:
    """Return in words what mean teacher and student of a stage are given to hear, as far as it differs."""
    training = node.training
    assert isinstance(training, StageConfig)
    augment, where = (
        training.augment,
        f"{STAGE_NAME[node.stage]} of {model_name(node.arch)}, iteration {node.iteration}",
    )
    own_filter = augment.filter.p > 0 and augment.filter.views == 2
    if augment.teacher_input == "mixed":
        same = f"In {where}, student and mean teacher hear the same clips, mixed alike"
        if own_filter:
            streams = "the CRNN's stream" if augment.filter.streams == "crnn" else "both streams"
            return (
                f"{same}, but in {_percent(augment.filter.p)} of the steps each through a random equaliser of its own "
                f"(FilterAugment, {streams}): they have to agree whatever the recording's colour."
            )
        return f"{same} and coloured alike: what they disagree about is their weights{_dropout(node)}."
    names = {"mixup": "mixup", "mixstyle": "Freq-MixStyle", "warp": "frequency warp"}
    own = [f"{name} ({_percent(getattr(augment, key).p)})" for key, name in names.items() if getattr(augment, key).p]
    if augment.filter.p:
        own.append(f"FilterAugment ({_percent(augment.filter.p)})")
    shared = [f"time mask ({_percent(augment.time_mask.p)})"] * bool(augment.time_mask.p)
    shared += [f"device response ({_percent(augment.device_response.p)} of the clips)"] * bool(
        augment.device_response.p
    )
    shared += [f"wavmix ({_percent(augment.wavmix.p)} of the clips)"] * bool(augment.wavmix.p)
    both = f" Both hear: {', '.join(shared)}." if shared else ""
    alone = f" The student alone hears, in so many of the steps: {', '.join(own)}." if own else ""
    return f"In {where}, the mean teacher hears the clips as they were before mixup.{both}{alone}"


def shares_of_loss(history: pd.DataFrame, last: int = 50) -> pd.Series:
    """Return what each weighted part has of the total loss, mean over the last steps; adds up to 1."""
    parts = [f"loss/{name}" for name in ("supervised", "self_supervised", "pseudo") if f"loss/{name}" in history]
    means = history[parts].tail(last).mean().fillna(0.0)
    return (means / means.sum()).rename(lambda name: name.removeprefix("loss/").replace("_", " ")).rename("share")


def _history(run: Run | None, stage: Stage, arch: str, iteration: int) -> pd.DataFrame | None:
    table = histories(run, stage, iteration).get(arch) if run is not None and arch in run.experiment.archs else None
    return table if table is not None and _STUDENT in table else None


def _coin(heads: int, tosses: int) -> float:
    """Return how often fair coins are at least as one-sided: the two-sided binomial test."""
    rarer = range(min(heads, tosses - heads) + 1)
    return min(1.0, 2 * sum(math.comb(tosses, k) for k in rarer) / 2**tosses)


def _relative(run: Run) -> Path:
    return run.path.relative_to(run.project)


def _percent(share: float) -> str:
    return f"{np.round(100 * share):.0f} %"


def _dropout(node: Node) -> str:
    probability = node.detector.crnn.dropout
    return f", and their dropout ({_percent(probability)} of the units, drawn for each)" if probability else " alone"


def agreement_share(history: pd.DataFrame, weight: float, *, other: float = 70.0, last: int = 50) -> str:
    """Return which share of the loss agreement with the mean teacher has at its ``weight``, and would have at another.

    The same disagreement is supposed; a training with the other weight would end with a smaller one.
    """
    share = shares_of_loss(history, last)["self supervised"]
    text = f"Over the last {min(last, len(history))} steps, agreement with the mean teacher has {share:.1%} of the loss"
    if not weight or weight == other:
        return f"{text}, at a weight of {weight:g}."
    scaled = share * other / weight
    return (
        f"{text}, at a weight of {weight:g}. At {other:g}, the same disagreement would have "
        f"{scaled / (scaled + 1 - share):.1%}."
    )
