"""The page of a sweep: what every value comes to, over seeds, beside the base."""

from __future__ import annotations

from pathlib import Path

from sedlab.files import atomic_path, write_text
from sedlab.report.page import link, render
from sedlab.runs.sweeps.folders import Sweep
from sedlab.runs.sweeps.results import (
    printed_sweep,
    printed_table,
    sweep_numbers,
    sweep_table,
    told_sweep,
    write_tables,
)
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.over_seeds.sweeps import sweep_figure

PAGE_FILE = "sweep.html"
PICTURE_FILE = "sweep.png"


def write_sweep(sweep: Sweep) -> Path:
    """Write what a sweep has come to into its folder, and return the path of its page.

    `sweep.html` loads nothing; beside it are `sweep.png`, the picture, `sweep.csv`, the table, and `numbers.csv`, every
    number of every seed. Runs that have not come to their end are in it as far as they are.
    """
    numbers = sweep_numbers(sweep)
    table = sweep_table(sweep, numbers)
    write_tables(sweep, numbers, table)
    figure = sweep_figure(numbers, sweep.keys)
    with atomic_path(sweep.path / PICTURE_FILE) as temporary:
        temporary.write_bytes(figure_to_png(figure))
    pages = {run.name: link(run.name, f"../{run.name}/{run.report.name}") for run in sweep.runs.values()}
    body = render(
        "sweep",
        preset=sweep.preset,
        keys=sweep.keys,
        settings=sweep.settings,
        runs=[
            (", ".join(sweep.changes(values)), pages[run.name], len(run.seeds)) for values, run in sweep.runs.items()
        ],
        told=told_sweep(sweep, table).splitlines(),
        figure=figure,
        printed=printed_sweep(table, sweep.keys),
        every=printed_table(table, sweep.keys),
    )
    write_text(sweep.path / PAGE_FILE, render("page", title=f"sedlab: {sweep.name}", head=body, sections={}))
    return sweep.path / PAGE_FILE
