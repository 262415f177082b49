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
