"""What classes, models, stages and metrics are called in print; models and stages in the order of tables."""

from __future__ import annotations

from collections.abc import Iterable

#: The row of a table that stands for all classes: their mean, or their cells pooled.
ALL = "all"
MODEL_NAME = {"passt": "fPaSST", "beats": "BEATs", "atst": "ATST", "ensemble": "Ensemble"}
STAGE_NAME = {"pretrain": "pre-training", "stage1": "stage 1", "stage2": "stage 2"}
METRIC_NAME = {
    "psds1": "PSDS1",
    "psds2": "PSDS2",
    "pipsds1": "piPSDS1",
    "collar_f1": "collar F1",
    "collar_f1_best": "best collar F1",
    "intersection_f1": "intersection F1",
    "intersection_f1_best": "best intersection F1",
    "mpauc": "mpAUC",
    "mpauc_linear": "mpAUC (linear)",
    "weak_f1": "weak F1",
    "objective": "selection objective",
}


def class_name(label: str) -> str:
    """Return ``label`` as words: the corpora spell some classes with underscores."""
    return str(label).replace("_", " ")


def class_names(labels: Iterable[str]) -> list[str]:
    """Return ``labels`` as words."""
    return [class_name(label) for label in labels]


def model_name(name: str) -> str:
    """Return ``name`` with a leading model key spelt as in print: "atst iteration 2" becomes "ATST iteration 2"."""
    first, *rest = str(name).split(" ", 1)
    return " ".join([MODEL_NAME.get(first, first), *rest])


def metric_name(metric: str) -> str:
    """Return the display name of ``metric``: "mpauc" becomes "mpAUC", others lose their underscores."""
    return METRIC_NAME.get(metric, str(metric).replace("_", " "))


def measure_name(measure: str) -> str:
    """Return the display name of a metric and what it was measured on: "mpauc_maestro_val" is "mpAUC, maestro_val"."""
    if measure in METRIC_NAME:
        return METRIC_NAME[measure]
    known = [metric for metric in METRIC_NAME if measure.startswith(f"{metric}_")]
    metric = max(known, key=len, default="")
    return f"{METRIC_NAME[metric]}, {measure[len(metric) + 1 :]}" if metric else metric_name(measure)
