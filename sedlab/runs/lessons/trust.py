"""How far a pseudo-label can be trusted, in words; and the frame on which its members disagree most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from sedlab.runs.pseudo_labels import teachers
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes
from sedlab.scoring.audit.reliability import PseudoLabelAudit
from sedlab.scoring.names import ALL, class_names, model_name

#: Curves closer to the diagonal than this are called right: a few frames move them as much.
NEAR = 0.05
#: Fewer frames than this say nothing about a class.
FEW = 30


@dataclass(frozen=True)
class DisputedFrame:
    """One class in one frame, as each member of an ensemble hears it."""

    clip_id: str
    label: str
    second: float
    """Middle of the frame."""
    logits: dict[str, float]
    """Of each member."""

    def table(self) -> pd.DataFrame:
        """Return the logit and the probability of each member, and of both ways to average them."""
        logits = {model_name(name): logit for name, logit in self.logits.items()}
        rows = [(name, logit, float(expit(logit))) for name, logit in logits.items()]
        mean, probability = np.mean(list(logits.values())), np.mean([row[2] for row in rows])
        rows += [("mean of logits", float(mean), float(expit(mean))), ("mean of probabilities", np.nan, probability)]
        return pd.DataFrame(rows, columns=["", "logit", "probability"]).set_index("")


def disputed_frame(run: Run, iteration: int, subset: str) -> DisputedFrame:
    """Return the class and frame of a subset for which it matters most whether logits are averaged or probabilities.

    The members are the students of stage 2. An ensemble of one has no such frame: its first one is returned.
    """
    members = teachers(run, iteration, subset)
    clip_ids, classes = list(run.corpus().subset(subset).clips["clip_id"]), annotated_classes(subset, run.space)
    chosen = {name: scores.select(clip_ids, classes) for name, scores in members.items()}
    logits = np.stack([scores.logits for scores in chosen.values()]).astype(np.float64)
    apart = np.abs(expit(logits.mean(axis=0)) - expit(logits).mean(axis=0))
    clip, frame, k = np.unravel_index(int(apart.argmax()), apart.shape)
    times = next(iter(chosen.values())).frame_times
    return DisputedFrame(
        clip_ids[clip],
        classes[k],
        float(times[frame : frame + 2].mean()),
        {name: float(logits[index, clip, frame, k]) for index, name in enumerate(chosen)},
    )


def told_calibration(audit: PseudoLabelAudit) -> str:
    """Return in words whether probabilities above 0.5 are too high or too low, over all classes and by class."""
    sure = audit.reliability[(audit.reliability["low"] >= 0.5) & (audit.reliability["count"] > 0)]
    pooled, unit = _excess(sure[sure["label"] == ALL]), audit.unit
    if pooled is None:
        return f"On {audit.subset} hardly any {unit} has a probability above 0.5: there is nothing to trust yet."
    said, right = pooled
    way = "about as sure as it is right" if abs(said - right) < NEAR else "too sure" if said > right else "too modest"
    lines = [
        f"On {audit.subset}, where the ensemble says more than 0.5, it says {said:.2f} in the mean and people agree in "
        f"{100 * right:.0f} % of {unit}s: over all classes it is {way}."
    ]
    kinds: dict[str, list[str]] = {"below the diagonal (too sure)": [], "above it (too modest)": [], "close to it": []}
    for label, rows in sure[sure["label"] != ALL].groupby("label", sort=False):
        found = _excess(rows)
        if found is not None:
            excess = found[0] - found[1]
            place = 2 if abs(excess) < NEAR else 0 if excess > 0 else 1
            list(kinds.values())[place].append(str(label))
    told = [f"{kind}: {', '.join(class_names(labels))}" for kind, labels in kinds.items() if labels]
    lines.append(f"By class, above 0.5. {'; '.join(told) or f'No class has {FEW} such {unit}s'}.")
    return "\n".join(lines)


def _excess(rows: pd.DataFrame) -> tuple[float, float] | None:
    """Return what bins say in the mean, and how often that is right; None for too few of them."""
    count = rows["count"].sum()
    if count < FEW:
        return None
    return tuple(float((rows[name] * rows["count"]).sum() / count) for name in ("probability", "frequency"))
