"""What a sweep says: every number of every run and seed, and each value against the base."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pandas as pd

from sedlab.config.loading import with_settings
from sedlab.errors import SedlabError, warn_once
from sedlab.files import atomic_path
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run
from sedlab.runs.sweeps.folders import Sweep, effect, sweeps_of
from sedlab.runs.sweeps.values import short_key
from sedlab.scoring.names import STAGE_NAME, metric_name, model_name
from sedlab.scoring.results import in_ladder, read_results
from sedlab.scoring.seeds.against_base import (
    KEYS,
    METRICS,
    OBJECTIVE,
    against_base,
    shown_models,
    told_difference,
)
from sedlab.scoring.seeds.gains import told_test
from sedlab.scoring.seeds.tables import mean_and_sd, with_single_models

#: In the folder of a sweep: the table, and every number it is made of.
TABLE_FILE = "sweep.csv"
NUMBERS_FILE = "numbers.csv"


def sweep_numbers(sweep: Sweep) -> pd.DataFrame:
    """Return every number that is there, a row each.

    Columns: variant, the swept settings, run, base, seed, metric, iteration, stage, model, value. Metrics are those of
    the ladder, PSDS1 and mpAUC, of test clips, and the objective of each training, of validation clips. ``variant``
    counts the combinations of values from 0, ``base`` says which is the base. A run that is no variant of the base any
    more is told of in a warning and left out.
    """
    rows = []
    for place, (values, run) in enumerate(sweep.runs.items()):
        if not _belongs(sweep, values, run):
            continue
        about = {"variant": place, **dict(zip(sweep.keys, values, strict=True))}
        for seed, one in run.seeds.items():
            head = about | {"run": one.name, "base": values == sweep.base, "seed": seed}
            rows += [head | row for row in _numbers(one)]
    columns = ["variant", *sweep.keys, "run", "base", "seed", *KEYS, "value"]
    return with_single_models(pd.DataFrame(rows, columns=columns))


def sweep_table(sweep: Sweep, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return mean, spread and paired difference from the base of every number, by the swept settings.

    Columns: variant, the settings, base, then those of `sedlab.scoring.seeds.against_base.against_base`.
    """
    numbers = sweep_numbers(sweep) if numbers is None else numbers
    base = list(sweep.runs).index(sweep.base)
    table = against_base(numbers, base)
    values = list(sweep.runs)
    settings = pd.DataFrame([values[place] for place in table["variant"]], columns=list(sweep.keys), index=table.index)
    table = pd.concat([table[["variant"]], settings, table.drop(columns="variant")], axis=1)
    table.insert(1 + len(sweep.keys), "base", table["variant"] == base)
    return table


def write_tables(sweep: Sweep, numbers: pd.DataFrame, table: pd.DataFrame) -> None:
    """Write both as CSV into the folder of the sweep; values keep every digit."""
    for name, one in ((TABLE_FILE, table), (NUMBERS_FILE, numbers)):
        with atomic_path(sweep.path / name) as temporary:
            one.to_csv(temporary, index=False)


def printed_sweep(table: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Return the table of a sweep with names and cells as in print, a row for each value and model after stage 2."""
    rows = []
    shown = shown_models(table)
    for (iteration, model, _), part in shown.groupby(["iteration", "model", "variant"], sort=False):
        first = part.iloc[0]
        row = {short_key(key): first[key] for key in keys} | {"iteration": iteration, "model": model_name(model)}
        found = {one.metric: one for one in part.itertuples()}
        for metric in METRICS:
            if metric in set(shown["metric"]):
                row[metric_name(metric)] = mean_and_sd(found.get(metric), 3)
                against = "base" if first["base"] else told_difference(found[metric]) if metric in found else ""
                row[f"{metric_name(metric)}: difference"] = against if metric in found else ""
        rows.append(row)
    return pd.DataFrame(rows)


def printed_table(table: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Return all rows of the table of a sweep with names as in print."""
    names = {key: short_key(key) for key in keys}
    named = table.assign(
        metric=table["metric"].map(metric_name),
        stage=table["stage"].map(STAGE_NAME),
        model=table["model"].map(model_name),
    )
    return named.drop(columns=["variant", "base", "difference_sd", "up"]).rename(columns=names)


def told_sweep(sweep: Sweep, table: pd.DataFrame) -> str:
    """Return in words what the numbers are means of, which test that is, and by which of them to choose."""
    if table.empty:
        return f"{sweep.name}: no numbers yet. Run `sedlab sweep` until an iteration is evaluated."
    seeds, pairs = int(table["seeds"].max()), int(table["pairs"].max())
    spread = f"Mean ± standard deviation over {seeds} seeds" if seeds > 1 else "One seed each"
    base = ", ".join(sweep.changes(sweep.base))
    lines = [f"{spread}; differences are from {sweep.base_run.name} ({base}), within each seed."]
    lines.append(told_test(pairs, several="values and metrics", gain="difference"))
    if (table["metric"] == OBJECTIVE).any():
        lines.append(
            "Choose a value by the selection objective, which is of validation clips: chosen by PSDS1 and mpAUC, which "
            "are of test clips, its own would be too good to be true."
        )
    return "\n".join(lines)


def told_sweeps(run: Run) -> str:
    """Return in words which sweeps a run belongs to, or how to make one of it."""
    if sweeps := sweeps_of(run):
        return "\n\n".join(f"{sweep.name}\n{told_sweep(sweep, sweep_table(sweep))}" for sweep in sweeps)
    return (
        f"{run.name} is in no sweep. One runs it with every value of a setting, shares what does not differ, and would "
        f"show here what each value comes to:\n\nsedlab sweep {run.experiment.name} --set "
        "stage2.loss.self_supervised=30,70,120 --seeds 3"
    )


def _belongs(sweep: Sweep, values: tuple[str, ...], run: Run) -> bool:
    """Return whether a run still differs from the base in these values alone."""
    base = sweep.base_run.experiment
    if values == sweep.base or any(value.startswith("{") for value in values):  # a mapping adds to what is there
        return True
    with suppress(SedlabError):
        if effect(with_settings(base, sweep.changes(values), sweep.name)) == effect(run.experiment):
            return True
    warn_once(
        f"{run.path}: left out, it differs from {sweep.base_run.name} in more than {', '.join(sweep.changes(values))}. "
        "The same `sedlab sweep` again brings it up to date."
    )
    return False


def _numbers(run: Run) -> Iterator[dict[str, object]]:
    for iteration in run.iterations:
        if run.metrics(iteration).is_file():
            found = in_ladder(read_results(run.metrics(iteration)))
            found = found[found["stage"] != "pretrain"]
            yield from found[[*KEYS, "value"]].to_dict("records")
    for node in run.experiment.nodes():
        manifest = run.node_dir(node.stage, node.arch, node.iteration) / "manifest.json"
        if node.stage != "pretrain" and manifest.is_file():
            value = read_manifest(manifest).results.get("objective")
            if value is not None:
                about = {"metric": OBJECTIVE, "iteration": node.iteration, "stage": node.stage, "model": node.arch}
                yield about | {"value": float(value)}
