"""The terms of a stage's loss by name: what each compares, in which clips, and how many of its cells teach."""

from __future__ import annotations

import pandas as pd

from sedlab.config.training import LossConfig
from sedlab.data.batch import Batch, has_clips

_FRAMES, _CLIP = "every frame", "the whole clip"
_COMPARES = {
    "maestro": "soft labels: the share of annotators",
    "strong": "labels of real clips",
    "synth": "labels of synthetic clips",
    "weak": "the clip's tags",
    "consistency strong": "the mean teacher's frames",
    "consistency weak": "the mean teacher's pooled answer",
    "ict": "the mixture of the mean teacher's answers",
    "pseudo": "what the last iteration's ensemble said",
}


def loss_terms(config: LossConfig, batch: Batch) -> pd.DataFrame:
    """Return the plain terms of a loss as they are logged, with what they read of a batch.

    Returns
    -------
    DataFrame
        By term: `the student's answer for`, every frame or the whole clip; `is compared with`; `clips` of the batch;
        `weight` before the ramp and the factor of all; `times`, what else the term is multiplied by; `in steps`, with
        mixup, without, or all; `cells that teach`, the share of its cells (clips by classes by frames) that the mask
        leaves in; 0 for a term that the stage does not use.
    """
    rows, mask = batch.rows, batch.targets.mask.float()
    consistency = rows.everyone if config.include_maestro_ssl else rows.desed
    weak_consistency = rows.desed if config.exclude_maestro_weak_ssl else consistency
    own = {name: (getattr(rows, name), getattr(config, name), False) for name in ("maestro", "strong", "synth", "weak")}
    agreeing = config.self_supervised
    terms = own | {
        "consistency strong": (consistency, agreeing, config.ssl_no_class_mask),
        "consistency weak": (weak_consistency, agreeing, config.ssl_no_class_mask),
        "ict": (rows.everyone, agreeing * config.ict, config.ssl_no_class_mask),
        "pseudo": (rows.everyone, config.pseudo, config.pseudo_no_class_mask),
    }
    factors = _factors(config)
    mixed = {"ict": "with mixup"} | dict.fromkeys(("consistency strong", "consistency weak"), "without mixup")
    table = []
    for name, (clips, weight, unmasked) in terms.items():
        num_clips = clips.stop - clips.start
        share = 0.0 if not weight or not has_clips(clips) else 1.0 if unmasked else float(mask[clips].mean())
        unit = _CLIP if name in ("weak", "consistency weak") else "both" if name == "ict" else _FRAMES
        steps = (mixed.get(name, "all") if config.ict else "none" if name == "ict" else "all") if weight else "none"
        table.append((name, unit, _COMPARES[name], num_clips, float(weight), factors.get(name, "1"), steps, share))
    told = ["the student's answer for", "is compared with", "clips", "weight", "times", "in steps", "cells that teach"]
    columns = ["term", *told]
    return pd.DataFrame(table, columns=columns).set_index("term")


def _factors(config: LossConfig) -> dict[str, str]:
    frames = _one_over(config.strong_divisor)
    return {
        "maestro": frames,
        "strong": frames,
        "synth": frames,
        "weak": _one_over(config.weak_divisor),
        "consistency weak": _one_over(config.consistency_weak_divisor),
        "ict": f"{_one_over(config.ict_divisor)} · 1/8",
        "pseudo": "labels' weights",
    }


def _one_over(divisor: float) -> str:
    return "1" if divisor == 1 else f"1/{divisor:g}"
