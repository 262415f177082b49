"""The tables of a run's report, made from its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sedlab.errors import SedlabError
from sedlab.runs.run import ENSEMBLE, Run
from sedlab.runs.versions import read_versions

if TYPE_CHECKING:
    import pandas as pd

STAGE_NAME = {"pretrain": "pre-training", "stage1": "stage 1", "stage2": "stage 2"}
#: The two numbers of the ladder come first; a narrow page may hide what is last.
LADDER_COLUMNS = ("PSDS1 devtest", "mpAUC maestro_dev")
METRIC_NAME = {"psds1": "PSDS1", "psds2": "PSDS2", "mpauc": "mpAUC"}
#: What is compared between ways of post-processing.
POSTPROCESSED = ("psds1", "psds2", "collar_f1_best", "intersection_f1_best")


def read_ladder(run: Run) -> pd.DataFrame:
    """Return the ladder of a run, see `sedlab.scoring.results.ladder`; raises SedlabError when there is none yet."""
    from sedlab.scoring.results import ladder, read_results

    table = ladder(read_results(run.results))
    if table.empty:
        raise SedlabError(f"{run.results}: holds no evaluated step. Run `sedlab run` to evaluate one.")
    return table


def overall_table(results: pd.DataFrame, *, teacher: bool = False) -> pd.DataFrame:
    """Return one row for each trained model, a column for each metric and test set; names as in print."""
    from sedlab.scoring.results import ALL, MODELS, STAGES
    from sedlab.views.figures.names import model_name

    keys = ["iteration", "stage", "model"]
    chosen = results[
        (results["postprocess"] == "median")
        & (results["label"] == ALL)
        & (results["stage"] != "pretrain")
        & results["metric"].isin(METRIC_NAME)
        & (results["teacher"].astype(bool) == teacher)
    ]
    if chosen.empty:
        return chosen[keys]
    chosen = chosen.assign(column=chosen["metric"].map(METRIC_NAME) + " " + chosen["subset"])
    wide = chosen.pivot_table(index=keys, columns="column", values="value", aggfunc="last").reset_index()
    metrics, places = list(METRIC_NAME.values()), {"stage": STAGES, "model": MODELS}
    wide = wide.sort_values(
        keys, key=lambda column: column.map(places[column.name].index) if column.name in places else column
    )
    columns = sorted(
        set(wide) - set(keys),
        key=lambda name: (name not in LADDER_COLUMNS, metrics.index(name.split()[0]), name),
    )
    wide = wide[[*keys, *columns]].rename_axis(columns=None)
    return wide.assign(stage=wide["stage"].map(STAGE_NAME), model=wide["model"].map(model_name))


def intervals_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the ladder with confidence intervals as text; empty where none were computed."""
    from sedlab.scoring.results import ALL, LADDER, MODELS, STAGES
    from sedlab.views.figures.names import model_name

    keys = ["iteration", "stage", "model"]
    rows = results[
        (results["postprocess"] == "median")
        & (results["label"] == ALL)
        & ~results["teacher"].astype(bool)
        & (results["subset"] == results["metric"].map(LADDER))
    ].dropna(subset=["low", "high"])
    if rows.empty:
        return rows[keys]
    cells = [f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f})" for row in rows.itertuples()]
    rows = rows.assign(cell=cells, column=rows["metric"].map(METRIC_NAME) + " " + rows["subset"])
    places = {"stage": STAGES, "model": MODELS}
    wide = rows.pivot_table(index=keys, columns="column", values="cell", aggfunc="last").reset_index()
    wide = wide.sort_values(
        keys, key=lambda column: column.map(places[column.name].index) if column.name in places else column
    )
    wide = wide[[*keys, *(name for name in LADDER_COLUMNS if name in wide)]].rename_axis(columns=None)
    return wide.assign(stage=wide["stage"].map(STAGE_NAME), model=wide["model"].map(model_name))


def postprocessing_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return PSDS and the best F1 on devtest of each student of stage 2, by way of post-processing."""
    from sedlab.scoring.results import ALL, MODELS, POSTPROCESS
    from sedlab.views.figures.names import metric_name, model_name

    keys = ["iteration", "model", "postprocess"]
    rows = results[
        (results["stage"] == "stage2")
        & (results["label"] == ALL)
        & (results["subset"] == "devtest")
        & results["metric"].isin(POSTPROCESSED)
        & ~results["teacher"].astype(bool)
    ]
    if rows.empty:
        return rows[keys]
    wide = rows.pivot_table(index=keys, columns="metric", values="value", aggfunc="last").reset_index()
    places = {"model": MODELS, "postprocess": POSTPROCESS}
    wide = wide.sort_values(
        keys, key=lambda column: column.map(places[column.name].index) if column.name in places else column
    )
    wide = wide[[*keys, *(name for name in POSTPROCESSED if name in wide)]].rename_axis(columns=None)
    return wide.assign(model=wide["model"].map(model_name)).rename(columns=metric_name)


def pretraining_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each pre-trained transformer; empty when there was no pre-training."""
    from sedlab.scoring.results import ALL
    from sedlab.views.figures.names import model_name

    rows = results[(results["stage"] == "pretrain") & (results["label"] == ALL)]
    rows = rows.assign(model=rows["model"].map(model_name), metric=rows["metric"].map(METRIC_NAME))
    return rows[["model", "metric", "subset", "value"]]


def best_single(run: Run, iteration: int) -> str | None:
    """Return the single model with the highest PSDS1 after stage 2 of an iteration."""
    table = read_ladder(run)
    rows = table[(table["iteration"] == iteration) & (table["stage"] == "stage2") & (table["model"] != ENSEMBLE)]
    rows = rows.dropna(subset=["psds1"])
    return None if rows.empty else str(rows.loc[rows["psds1"].idxmax(), "model"])


def versions_table(run: Run) -> pd.DataFrame:
    """Return `what, version` as the run recorded them in versions.json."""
    import pandas as pd

    known = read_versions(run.path)
    parts = {"python": known.python, "commit": known.commit, **known.packages, **known.machine.model_dump()}
    rows = [(name, ", ".join(map(str, value)) if isinstance(value, list) else value) for name, value in parts.items()]
    return pd.DataFrame([(name, str(value or "–")) for name, value in rows], columns=["what", "version"])
