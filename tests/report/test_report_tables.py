"""Tables of the report, from results made up here."""

import pandas as pd

from sedlab.report import tables
from sedlab.scoring.results import COLUMNS


def results(*metrics: tuple[str, str]) -> pd.DataFrame:
    """Return one value of each (metric, subset) of a student after the median filter."""
    source = {"iteration": 1, "model": "atst", "stage": "stage2", "teacher": False, "postprocess": "median"}
    rows = [{**source, "metric": metric, "subset": subset, "label": "all", "value": 0.5} for metric, subset in metrics]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_columns_are_those_of_the_ladder_and_then_by_metric_whatever_its_name(monkeypatch):
    monkeypatch.setattr(tables, "TOLD", ("psds1", "collar_f1", "psds2", "mpauc"))
    metrics = ("psds2", "devtest"), ("collar_f1", "devtest"), ("mpauc", "maestro_dev"), ("psds1", "devtest")
    columns = list(tables.overall_table(results(*metrics)))
    assert columns[3:] == ["PSDS1 devtest", "mpAUC maestro_dev", "collar F1 devtest", "PSDS2 devtest"]


def test_key_numbers_set_single_models_against_single_models_and_the_ensemble_against_itself():
    rungs = [
        *((1, "passt", "stage1", 0.2, 0.5), (1, "atst", "stage1", 0.4, 0.3)),
        *((1, "ensemble", "stage2", 0.6, 0.7), (2, "ensemble", "stage2", 0.59, None)),
        *((2, "atst", "stage2", 0.5, 0.4), (2, "beats", "stage2", 0.9, 0.9)),
    ]
    told = tables.key_numbers(pd.DataFrame(rungs, columns=["iteration", "model", "stage", "psds1", "mpauc"]))
    assert told == {
        "PSDS1 on devtest of ATST: stage 1 of iteration 1, then stage 2 of iteration 2": "0.400 → 0.500",
        "PSDS1 on devtest of the ensemble: stage 2 of iteration 1, then stage 2 of iteration 2": "0.600 → 0.590",
        "mpAUC on maestro_dev of ATST: stage 1 of iteration 1, then stage 2 of iteration 2": "0.300 → 0.400",
        "mpAUC on maestro_dev of the ensemble: stage 2 of iteration 1": "0.700",
    }
