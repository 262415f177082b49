"""The tables of a run's report, made from its results."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sedlab.errors import SedlabError
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.runs.versions import read_versions
from sedlab.scoring.names import MODEL_NAME, STAGE_NAME, metric_name, model_name
from sedlab.scoring.results import LADDER, in_ladder, ladder, ladder_subsets, pivot, read_results, select

#: What the report tells of every test set; those of the ladder come first, as a narrow page may hide what is last.
TOLD = ("psds1", "psds2", "mpauc")
#: What is compared between ways of post-processing.
POSTPROCESSED = ("psds1", "psds2", "collar_f1_best", "intersection_f1_best")


def read_ladder(run: Run) -> pd.DataFrame:
    """Return the ladder of a run, see `sedlab.scoring.results.ladder`; raises SedlabError when there is none yet.

    Of one with several seeds, it is the mean of them.
    """
    results = read_results(run.results)
    table = ladder(results.assign(value=results["mean"]) if "mean" in results else results)
    if table.empty:
        raise SedlabError(f"{run.results}: holds no evaluated step. Run `sedlab run` to evaluate one.")
    return table


def key_numbers(table: pd.DataFrame, read_from: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return {what: "first → last"} for the rungs of a ladder, like compared with like.

    ``read_from`` says on which subset each metric was computed (`ladder_subsets`); None: on that of the whole corpora.

    That is the mean of the single models that have both rungs, and the ensemble with the ensemble: that several models
    together beat one of them says nothing about what a later iteration added. With one rung there is one value.
    """
    told = {}
    for metric, (usual, *_) in LADDER.items():
        subset = (read_from or {}).get(metric, usual)
        for are_ensembles in (False, True):
            rows = table[(table["model"] == ENSEMBLE) == are_ensembles].dropna(subset=[metric])
            if rows.empty:
                continue
            wide = rows.pivot(index=["iteration", "stage"], columns="model", values=metric).sort_index()
            ends = (wide if len(wide) == 1 else wide.iloc[[0, -1]]).dropna(axis=1)
            if ends.empty:
                continue
            models = ", ".join(model_name(model) for model in MODEL_NAME if model in ends)
            who = "the ensemble" if are_ensembles else f"the mean of {models}" if ends.shape[1] > 1 else models
            rungs = ", then ".join(f"{STAGE_NAME[stage]} of iteration {iteration}" for iteration, stage in ends.index)
            values = " → ".join(f"{value:.3f}" for value in ends.mean(axis=1))
            told[f"{metric_name(metric)} on {subset} of {who}: {rungs}"] = values
    return told


def overall_table(results: pd.DataFrame, *, teacher: bool = False) -> pd.DataFrame:
    """Return one row for each trained model, a column for each metric and test set; names as in print."""
    rows = select(results, teacher=teacher)
    rows = rows[(rows["stage"] != "pretrain") & rows["metric"].isin(TOLD)].dropna(subset=["value"])
    return _by_test_set(rows, "value")


def intervals_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the ladder with confidence intervals as text; empty where none were computed."""
    rows = in_ladder(results).dropna(subset=["low", "high"])
    cells = [f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f})" for row in rows.itertuples()]
    return _by_test_set(rows.assign(cell=cells), "cell")


def postprocessing_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return PSDS and the best F1 on the event test of each student of stage 2, by way of post-processing."""
    subset = ladder_subsets(set(results["subset"])).get("psds1", "")
    rows = select(results, postprocess=None, stage="stage2", subset=subset).dropna(subset=["value"])
    rows = rows[rows["metric"].isin(POSTPROCESSED)]
    order = [name for name in POSTPROCESSED if name in set(rows["metric"])]
    wide = pivot(rows, ["iteration", "model", "postprocess"], "metric", order=order)
    return wide.assign(model=wide["model"].map(model_name)).rename(columns=metric_name)


def pretraining_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each pre-trained transformer; empty when there was no pre-training."""
    rows = select(results, stage="pretrain")
    rows = rows.assign(model=rows["model"].map(model_name), metric=rows["metric"].map(metric_name))
    return rows[["model", "metric", "subset", "value"]]


def _by_test_set(rows: pd.DataFrame, values: str) -> pd.DataFrame:
    """Return one row a trained model, and a column for each metric and test set that ``rows`` hold."""
    rows = rows.assign(column=rows["metric"].map(metric_name) + " " + rows["subset"])
    rank = dict(zip(rows["column"], rows["metric"].map(TOLD.index), strict=True))
    shown = ladder_subsets(set(rows["subset"]))
    first = [f"{metric_name(metric)} {subset}" for metric, subset in shown.items()]
    order = sorted(rank, key=lambda column: (column not in first, rank[column], column))
    wide = pivot(rows, ["iteration", "stage", "model"], "column", values, order=order)
    return wide.assign(stage=wide["stage"].map(STAGE_NAME), model=wide["model"].map(model_name))


def best_single(run: Run, iteration: int) -> str | None:
    """Return the single model with the highest PSDS1 after stage 2 of an iteration."""
    table = read_ladder(run)
    rows = table[(table["iteration"] == iteration) & (table["stage"] == "stage2") & (table["model"] != ENSEMBLE)]
    rows = rows.dropna(subset=["psds1"])
    return None if rows.empty else str(rows.loc[rows["psds1"].idxmax(), "model"])


def versions_table(run: Run) -> pd.DataFrame:
    """Return `what, version` as the run recorded them in versions.json."""
    known = read_versions(run.path)
    parts = {"python": known.python, "commit": known.commit, **known.packages, **known.machine.model_dump()}
    rows = [(name, ", ".join(map(str, value)) if isinstance(value, list) else value) for name, value in parts.items()]
    return pd.DataFrame([(name, str(value or "–")) for name, value in rows], columns=["what", "version"])
