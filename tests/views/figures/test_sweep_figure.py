"""The picture of a sweep: curves over one setting, a map of two, and what is said where there is nothing."""

import pandas as pd
import pytest

from sedlab.scoring.seeds.tables import with_single_models
from sedlab.views.figures.over_seeds.sweeps import sweep_figure


def made_up(values, keys, base, seeds=(1, 2)):
    rows = [
        {"variant": place, **dict(zip(keys, one, strict=True)), "base": place == base, "seed": seed, "metric": metric}
        | {"iteration": iteration, "stage": "stage2", "model": model}
        | {"value": 0.3 + 0.1 * place + 0.01 * seed + 0.002 * place * seed}
        for place, one in enumerate(values)
        for seed in seeds
        for metric in ("psds1", "objective")
        for iteration in (1, 2)
        for model in ("atst", "passt", *(["ensemble"] if metric == "psds1" else []))
    ]
    return with_single_models(pd.DataFrame(rows))


def test_a_setting_has_means_above_and_differences_below():
    keys = ("stage2.epochs",)
    figure = sweep_figure(made_up([("5",), ("10",), ("20",)], keys, 1), keys)
    above, _, below, _ = figure.axes
    lines = {line.get_label(): line for line in above.get_lines()}
    assert lines["Ensemble, iteration 2"].get_ydata() == pytest.approx([0.315, 0.418, 0.521])
    assert [text.get_text() for text in figure.axes[2].get_xticklabels()] == ["5", "10\n(base)", "20"]
    points = [float(line.get_ydata()[0]) for line in below.get_lines() if line.get_marker() == "D"]
    assert sorted(points) == pytest.approx([-0.103, -0.103, 0.103, 0.103])


def test_two_settings_are_a_map_with_the_difference_in_each_cell():
    keys = ("stage2.epochs", "stage2.loss.ict")
    cells = [("5", "true"), ("5", "false"), ("10", "true"), ("10", "false")]
    figure = sweep_figure(made_up(cells, keys, 2), keys)
    (image,) = figure.axes[0].get_images()
    assert list(image.get_array().ravel()) == pytest.approx([0.315, 0.418, 0.521, 0.624])
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written[4:6] == ["0.521 ± 0.010", "base"] and written[7] == "+0.103"
    assert "single models" in figure.axes[1].get_title(loc="left")


def test_one_seed_has_no_intervals_and_no_run_no_picture():
    keys = ("stage2.epochs",)
    numbers = made_up([("5",), ("10",)], keys, 0, seeds=(1,))
    assert len(sweep_figure(numbers, keys).axes) == 4
    empty = sweep_figure(numbers.iloc[:0], keys)
    assert "No numbers yet" in empty.axes[0].texts[0].get_text()
