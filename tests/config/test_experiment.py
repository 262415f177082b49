"""Presets, rules and overrides resolve to the nodes one would expect, and mistakes are explained."""

from __future__ import annotations

import pytest
import yaml

from sedlab.config.experiment import Node, merge
from sedlab.config.loading import load_experiment, preset_names, to_yaml
from sedlab.errors import SedlabError


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_is_valid_and_survives_its_own_yaml(preset, tmp_path):
    experiment = load_experiment(preset)
    path = tmp_path / "copy.yaml"
    path.write_text(to_yaml(experiment))
    assert load_experiment(path) == experiment


@pytest.mark.parametrize("preset", preset_names())
def test_nodes_survive_yaml(preset):
    for node in load_experiment(preset).nodes():
        assert Node.model_validate(yaml.safe_load(to_yaml(node))) == node


def test_nodes_cover_the_graph_once():
    experiment = load_experiment("mini")
    names = [node.name for node in experiment.nodes()]
    assert len(set(names)) == len(names) == 3 + 2 * 2 * 3
    assert len({node.seed for node in experiment.nodes()}) == len(names)


def test_stages_differ_as_the_method_says():
    experiment = load_experiment("mini")
    stage1, stage2 = experiment.node("stage1", "atst", 1).training, experiment.node("stage2", "atst", 1).training
    assert not stage1.train_transformer
    assert stage2.train_transformer
    assert stage2.loss.self_supervised / stage2.loss.strong > stage1.loss.self_supervised / stage1.loss.strong
    assert stage2.optim.layer_decay == 0.5
    assert experiment.node("stage2", "passt", 1).training.optim.layer_decay == 1.0


def test_pseudo_labels_enter_in_stage_1_from_the_second_iteration_on():
    experiment = load_experiment("mini", ["iterations=3"])
    weights = {
        (stage, i): experiment.node(stage, "passt", i).training.loss.pseudo
        for stage in ("stage1", "stage2")
        for i in (1, 2, 3)
    }
    assert weights[("stage1", 1)] == 0
    assert weights[("stage1", 2)] == weights[("stage1", 3)] == 1.5
    assert all(weights[("stage2", i)] == 0 for i in (1, 2, 3))


def test_stage_override_wins_over_rules():
    experiment = load_experiment("mini", ["stage1.loss.pseudo=0.25"])
    assert experiment.node("stage1", "beats", 2).training.loss.pseudo == 0.25
    assert experiment.node("stage2", "beats", 2).training.loss.pseudo == 0


def test_overrides_reach_any_depth():
    assert load_experiment("mini", ["data.mini.num_devtest=7"]).data.mini.num_devtest == 7
    assert (
        load_experiment("mini", ["seed=5"]).node("pretrain", "atst").seed
        != load_experiment("mini").node("pretrain", "atst").seed
    )


def test_a_section_is_set_as_its_options_are():
    whole, single = load_experiment("mini", ["stage2={epochs: 3}"]), load_experiment("mini", ["stage2.epochs=3"])
    assert whole == single and whole.node("stage2", "atst", 1).training.epochs == 3


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stage1.epoch=3", "Did you mean 'epochs'"),
        ("arch=atst", "Did you mean 'archs'"),
        ("itarations=3", "Did you mean 'iterations'"),
        ("stage2.loss.pseudoo=1", "Did you mean 'pseudo'"),
        ("data.mini.num_devtes=1", "Did you mean 'num_devtest'"),
        ("iterations=0", "iterations"),
        ("stage1.batch.weak=-1", "batch.weak"),
        ("archs=[passt, bets]", "archs"),
        ("stage1.augment.teacher_input=unmixed2", "teacher_input"),
        ("stage1.train_transformer=true", "lr_transformer"),
        ("stage2.augment.teacher_input=mixed", "nothing to interpolate"),
        ("nonsense", "key=value"),
        ("stage1=5", "stage1 is a section. Give one of its options, stage1.KEY=VALUE"),
        ("stage1.epochs=yes", "epochs is true .or yes, no, on, off., which is no value for it"),
        ("models.atst.transformer.depth=on", "depth is true"),
    ],
)
def test_wrong_overrides_are_explained_in_one_line(override, words):
    with pytest.raises(SedlabError, match=words) as caught:
        load_experiment("mini", [override])
    assert "\n" not in str(caught.value)


def test_unknown_preset_suggests_the_nearest():
    with pytest.raises(SedlabError, match="Did you mean 'mini'"):
        load_experiment("minni")


def test_merge_leaves_its_arguments_alone():
    base, change = {"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}
    assert merge(base, change) == {"a": {"b": 3, "c": 2}}
    assert base == {"a": {"b": 1, "c": 2}}
