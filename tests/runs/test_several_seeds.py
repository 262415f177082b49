"""Runs of one experiment with several seeds: which belong together, what is told of them, what the report shows."""

import re
import shutil

import numpy as np
import pytest
from small_run import SmallRun, complete_run
from tiny_project import make_experiment

from sedlab import runs
from sedlab.errors import SedlabError
from sedlab.report import report
from sedlab.report.report import write_report
from sedlab.runs.layout import SEEDS_RESULTS, config_files
from sedlab.runs.live.watching import RunWatcher
from sedlab.runs.progress import NodeProgress, write_progress
from sedlab.runs.run import Run, create_run, open_run
from sedlab.runs.seeds.folders import SEEDS_FILE, folders_together, note_seeds, repeated, repetitions
from sedlab.scoring.results import read_results, write_results
from sedlab.scoring.seeds.tables import joined, with_spread, write_seeds
from sedlab.views.figures.ladder import ladder_figure


@pytest.fixture
def tiny(tmp_path):
    """A run that has just begun."""
    return create_run(make_experiment(archs=("atst",)), tmp_path / "runs/tiny")


@pytest.fixture
def three(tiny):
    """A run and two repetitions, as `sedlab run --seeds 3` begins them."""
    together = [create_run(run.experiment, run.path) for run in repeated(tiny, 3)]
    note_seeds(together)
    return together


def test_each_seed_is_a_run_of_its_own_beside_the_first(three):
    assert [(run.name, run.experiment.seed) for run in three] == [("tiny", 1), ("tiny-seed2", 2), ("tiny-seed3", 3)]
    for run in three:
        assert {seed: other.path for seed, other in open_run(run.path).seeds.items()} == {
            1: three[0].path,
            2: three[1].path,
            3: three[2].path,
        }
    assert [repetitions(run) for run in three] == [["tiny-seed2", "tiny-seed3"], [], []]


def test_the_corpus_is_the_same_and_every_training_draws_other_numbers(three):
    first, second = (config_files(run.experiment) for run in three[:2])
    same = {name for name in first if first[name] == second[name]}
    assert same == {"configs/data.yaml"}
    for one, other in zip(three[0].experiment.nodes(), three[1].experiment.nodes(), strict=True):
        assert one.seed != other.seed and one.model_copy(update={"seed": other.seed}) == other


def test_a_run_alone_has_its_own_seed(tiny):
    assert tiny.seeds == {1: tiny} and repetitions(tiny) == []
    assert folders_together(tiny.path) == {"": tiny.path}
    note_seeds(repeated(tiny, 1))
    assert not (tiny.path / SEEDS_FILE).exists()
    with pytest.raises(SedlabError, match=r"a\{b\}: a run with several seeds cannot have braces in its name"):
        repeated(Run(tiny.path.with_name("a{b}"), tiny.experiment), 2)


def test_one_that_was_changed_or_deleted_no_longer_counts(three):
    first, second, third = three
    create_run(second.experiment.model_copy(update={"description": "other"}), second.path)
    shutil.rmtree(third.path)
    assert list(open_run(first.path).seeds) == [1]
    # What is not there is still named: the run is as finished as it was.
    assert repetitions(first) == ["tiny-seed3"]


def test_a_folder_with_another_run_is_not_taken(tiny):
    other = tiny.experiment.model_copy(update={"seed": 2, "iterations": 1})
    create_run(other, tiny.path.with_name("tiny-seed2"))
    with pytest.raises(SedlabError, match=r"tiny-seed2: the run with seed 2 would go there, .*\(iterations\). Choose"):
        repeated(tiny, 2)
    # One that is the same is taken, and one that belongs here follows the first.
    same = tiny.experiment.model_copy(update={"seed": 2})
    second = create_run(same, tiny.path.with_name("tiny-seed2"))
    note_seeds(repeated(tiny, 2))
    changed = Run(tiny.path, tiny.experiment.model_copy(update={"iterations": 3}))
    assert [run.path for run in repeated(changed, 2)] == [tiny.path, second.path]


@pytest.mark.parametrize("content", ['{"runs": {}}', '{"runs": {"1": "../x"}}', '{"runs": {"-1": "x"}}', "["])
def test_a_damaged_note_is_refused_by_name(tiny, content):
    (tiny.path / SEEDS_FILE).write_text(content)
    with pytest.raises(SedlabError, match=r"seeds.json: .*Delete it: the run then has one seed"):
        _ = tiny.seeds


def test_watching_the_first_shows_the_nodes_of_all(three):
    write_progress(three[1].path, "iteration1_stage1_atst", NodeProgress(what="steps", done=3, total=9, time=1.0))
    watcher = RunWatcher(three[0])
    watcher.look()
    page = watcher.as_html()
    assert "tiny/iteration1_stage1_atst" in page and "tiny-seed3/pretrain_atst" in page
    assert re.search(r"tiny-seed2/iteration1_stage1_atst</td><td>\w+</td><td>steps 3 of 9 done", page)
    with pytest.raises(SedlabError, match="tiny-seed2/iteration1_stage1_atst: nothing is at work"):
        watcher._stop("tiny-seed2/iteration1_stage1_atst")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two finished runs with other numbers: what iteration 2 gained in the one, it lost in the other."""
    first = complete_run(tmp_path_factory.mktemp("seeds"))
    second = first.path.with_name("small-seed2")
    shutil.copytree(first.path, second)
    note_seeds([first, create_run(first.experiment.model_copy(update={"seed": 2}), second)])
    ensembles = [second / f"iteration{i}/pseudo_labels/maestro_real_dev.hdf5" for i in (1, 2)]
    for path, other in zip(ensembles, reversed(ensembles), strict=True):
        path.unlink()
        shutil.copy(first.path / other.relative_to(second), path)
    own = read_results(first.results)
    random = np.random.default_rng(0)
    other = own.assign(value=own["value"] + 0.05 + random.normal(0, 0.02, len(own)))
    write_results(second / "results.csv", other)
    table = joined({1: own, 2: other})
    write_seeds(first.path / SEEDS_RESULTS, table)
    write_results(first.results, with_spread(own, table))
    return first


def test_gains_over_seeds_are_had_from_python(pair):
    assert runs.has_seeds(pair) and set(runs.seed_results(pair)["seed"]) == {1, 2}
    gains = runs.gains_over_seeds(pair).set_index(["metric", "step", "model"])
    assert gains.loc[("psds1", "iteration 2 over 1, stage 2", "ensemble"), "pairs"] == 2
    told = runs.told_seeds(pair)
    assert "mean ± standard deviation over 2 seeds (1, 2)" in told and "Paired t-test over 2 seeds" in told
    second = pair.seeds[2]
    assert not runs.has_seeds(second) and "small sets them side by side" in runs.told_seeds(second)
    assert "is small with another seed, 2, and no variant" in runs.told_variant(second)


def test_what_one_seed_gained_and_another_lost_is_no_gain(pair):
    comparison = runs.compared_over_seeds(pair, (1, "stage2"), (2, "stage2"), subset="maestro_dev")
    assert comparison.gains[0] == pytest.approx(-comparison.gains[1]) and comparison.gains[0] != 0
    row = comparison.rows.iloc[0]
    assert row["difference"] == pytest.approx(0) and row["low"] < 0 < row["high"]
    told = runs.told_step_over_seeds(pair, subset="maestro_dev")
    assert "ensemble of iteration 2 against ensemble of iteration 1: " in told and "2 seeds are few" in told
    same = runs.compared_over_seeds(pair, (1, "stage2"), (1, "stage2"), subset="maestro_dev")
    assert "the same in mpAUC in every seed and on every draw" in runs.told_over_seeds(same, "a", "b")
    alone = SmallRun(pair.path.parent / "alone", pair.experiment)
    with pytest.raises(SedlabError, match="0 of its seeds have scores of ensemble on devtest"):
        runs.compared_over_seeds(alone, (1, "stage2"), (2, "stage2"))


def test_report_has_mean_and_spread_and_a_link_to_each_seed(pair, monkeypatch):
    monkeypatch.setattr(report, "SECTIONS", {})  # the others are tested elsewhere
    text = write_report(pair).read_text(encoding="utf-8")
    assert "<h2>Several seeds</h2>" in text and "Not there yet" not in text and "could not be made" not in text
    assert "Seeds 1, 2" in text and "mean of 2 seeds" in text and "Paired t-test over 2 seeds" in text
    assert 'href="../small-seed2/report.html"' in text
    assert re.search(r"\d\.\d{3} ± \d\.\d{3}", text)


def test_the_ladder_is_drawn_as_means_with_bars(pair):
    results = read_results(pair.results)
    figure = ladder_figure(results)
    assert "mean ± standard deviation of 2 seeds" in figure.get_suptitle()
    (line, *_) = [one for one in figure.axes[0].get_lines() if one.get_label() == "Ensemble"]
    mean = results.query("model == 'ensemble' and metric == 'psds1' and label == 'all'")["mean"]
    assert line.get_ydata() == pytest.approx(mean.to_numpy())
    assert len(figure.axes[0].containers) == 4  # bars of spread, one set a model


def test_a_seed_without_metrics_is_left_out_with_a_warning(three, capsys):
    from sedlab.runs.seeds.results import join_seeds

    for run in three[:2]:
        for name in ("pretrain/atst", "iteration1", "iteration2"):
            (run.path / name).mkdir(parents=True)
            write_results(run.path / name / "metrics.csv", [])
    assert join_seeds(three[0]).empty
    assert "tiny-seed3: seed 3 is left out, it has not come to its end" in capsys.readouterr().err
