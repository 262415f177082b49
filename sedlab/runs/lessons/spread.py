"""What differences between classes cost a model, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sedlab.scoring.metrics.psds import PSDS1, PsdRoc, PsdsResult, Scenario
from sedlab.scoring.metrics.spread import class_spread
from sedlab.scoring.names import class_name


def without_worst(result: PsdsResult, scenario: Scenario = PSDS1) -> tuple[str, PsdsResult]:
    """Return the class with the lowest value of its own, and the result of the others; there are two at least."""
    worst = min(result.class_curves, key=lambda label: result.per_class[label])
    curves = {label: curve for label, curve in result.class_curves.items() if label != worst}
    per_class = {label: value for label, value in result.per_class.items() if label != worst}
    overall = class_spread(curves, scenario).psds
    return worst, replace(result, overall=overall, per_class=per_class, class_curves=curves)


def told_spread(result: PsdsResult, scenario: Scenario = PSDS1) -> str:
    """Return in words what the spread takes off a model, and what its worst class costs it in both ways."""
    if len(result.class_curves) < 2:
        return "With fewer than two classes there is no spread."
    whole = class_spread(result.class_curves, scenario)
    worst, others = without_worst(result, scenario)
    rest = class_spread(others.class_curves, scenario)
    # In its place a class like the others in the mean.
    curves = {**result.class_curves, worst: PsdRoc(rest.efpr, rest.mean)}
    mended = class_spread(curves, scenario)
    by_mean, all_in_all = mended.mean_area - whole.mean_area, mended.psds - whole.psds
    line = (
        f"The mean of the classes is {whole.mean_area:.3f}; their spread takes {whole.mean_area - whole.psds:.3f} off, "
        f"which leaves {whole.psds:.3f}. The worst class is {class_name(worst)} ({result.per_class[worst]:.3f}). Were "
        f"it like the mean of the others, the mean would rise by {by_mean:.3f}, and PSDS by {all_in_all:.3f}"
    )
    if by_mean > 0 and np.isfinite(all_in_all) and all_in_all > by_mean:
        return f"{line}: {all_in_all / by_mean:.1f} times as much, since the spread falls too."
    return f"{line}."
