"""Every published layout at small size: recognised by content, loaded strictly, refused with a reason."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_weights import own_detector_key, own_transformer_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_files import (
    PREFIX,
    deit_state,
    detector_state,
    drawn,
    prefixed,
    pretrainedsed_state,
    small_cfg,
    small_config,
    stage_file,
    transformer_files,
    transformer_state,
)

from sedlab.checkpoints.inspection import format_report, inspect_checkpoint
from sedlab.checkpoints.loading import load_network, load_networks, load_transformer, load_transformer_into
from sedlab.config.model import ARCHS, PasstConfig, TaggerConfig
from sedlab.data.corpora.audioset import display_names
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger

FILES = [
    *((arch, name) for arch in ARCHS for name in ("pretrainedsed", "bare")),
    *(("beats", name) for name in ("self-supervised", "fine-tuned")),
    *((arch, name) for arch in ("passt", "atst") for name in ("strong", "wrapper")),
    ("passt", "strong with wrapper"),
    *(("atst", name) for name in ("fine-tuned", "c2f", "self-supervised")),
]


@pytest.fixture
def save(tmp_path):
    """Return a function that writes content to a file with a name that says nothing."""

    def write(content) -> Path:
        torch.save(content, tmp_path / "a.bin")
        return tmp_path / "a.bin"

    return write


def shifted(state):
    return {key: value + 1 if value.is_floating_point() else value for key, value in state.items()}


@pytest.mark.parametrize(("arch", "name"), FILES)
def test_each_file_gives_its_transformer(save, arch, name):
    state = transformer_state(arch)
    transformer = load_transformer(save(transformer_files(arch, state)[name]))
    loaded = transformer.state_dict()
    assert not transformer.training
    assert {own_transformer_key(arch, key) for key in state} == loaded.keys()
    for key, value in state.items():
        assert torch.equal(loaded[own_transformer_key(arch, key)], value), key
    structure = transformer.config.model_dump(exclude={"dropout", "attention_dropout", "layer_drop"})
    expected = small_config(arch).transformer.model_dump()
    assert structure == {key: expected[key] for key in structure}


def test_every_kind_of_file_was_tried():
    built = {(arch, name) for arch in ARCHS for name in transformer_files(arch, transformer_state(arch))}
    assert built == set(FILES)


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("parts", [("state_dict",), ("student", "teacher"), ("state_dict", "student", "teacher")])
def test_stage_files_give_student_and_teacher(save, arch, parts):
    student = detector_state(arch)
    teacher = shifted(student)
    content = stage_file(arch, student, teacher)
    content = {key: value for key, value in content.items() if key in parts or key == "epoch"}
    path = save(content)
    for network, state in (("student", student), ("teacher", teacher)):
        detector = load_network(path, network=network)
        assert isinstance(detector, Detector)
        assert detector.classes == CLASSES
        assert detector.config.model_dump(exclude={"num_classes"}) == small_config(arch).model_dump(
            exclude={"num_classes"}
        )
        loaded = detector.state_dict()
        assert {own_detector_key(arch, key) for key in state} == loaded.keys()
        for key, value in state.items():
            assert torch.equal(loaded[own_detector_key(arch, key)], value), key
        assert detector.window_probabilities(torch.randn(1, 160000)).shape == (1, 156, 27)
    states = load_networks(path, "student", "teacher")
    assert torch.equal(states[1]["merge.bias"], teacher["cat_tf.bias"])
    assert torch.equal(
        load_transformer(path, network="teacher").blocks[1].up.bias, detector.transformer.blocks[1].up.bias
    )


def test_a_stage_file_whose_copies_differ_is_refused(save):
    state = detector_state("atst")
    content = stage_file("atst", state, state)
    content["student"] = {**state, "cat_tf.bias": state["cat_tf.bias"] + 1}
    with pytest.raises(
        SedlabError, match=r"the student in 'state_dict' .* differ in 1 tensor \(first: 'cat_tf.bias'\)"
    ):
        load_network(save(content))


def test_pooling_and_band_edge_can_be_chosen(save):
    path = save(detector_state("passt"))
    assert load_network(path).transformer_frontend.fmax == 7000
    chosen = load_network(path, embed_pool="aap", fmax_range=1000)
    assert chosen.config.embed_pool == "aap"
    assert chosen.transformer_frontend.fmax == 7500
    with pytest.raises(SedlabError, match=r"embed_pool: Input should be 'aap', .* \(found 'mean'\)"):
        load_network(path, embed_pool="mean")
    with pytest.raises(SedlabError, match="fmax_range is a setting of PaSST"):
        load_network(save(detector_state("atst")), fmax_range=1)
    with pytest.raises(SedlabError, match=r"2 tensors missing \(first: 'pool_conv.0.weight', 'pool_conv.0.bias'\)"):
        load_network(path, embed_pool="conv")


def test_learnt_pooling_shows_in_the_file(save):
    state = detector_state("passt") | drawn(pool_conv__0__weight=(24, 1, 95), pool_conv__0__bias=(24,))
    detector = load_network(save(state))
    assert detector.config.embed_pool == "conv"
    assert torch.equal(detector.embed_pool.weight, state["pool_conv.0.weight"])
    assert detector.window_probabilities(torch.randn(1, 160000)).shape == (1, 156, 27)


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("rnn_dim", [None, 8])
def test_pretrainedsed_gives_a_tagger_with_names(save, arch, rnn_dim):
    state = pretrainedsed_state(arch, transformer_state(arch), rnn_dim=rnn_dim)
    tagger = load_network(save(state))
    assert isinstance(tagger, FrameTagger)
    assert tagger.config == TaggerConfig(
        transformer=tagger.config.transformer,
        num_classes=447,
        rnn_dim=rnn_dim,
        clip_head="linear",
        num_clip_classes=447,
    )
    assert torch.equal(tagger.clip_head.weight, state["weak_head.weight"])
    assert tagger.window_probabilities(torch.randn(1, 160000)).shape == (1, 250, 447)
    assert len(tagger.classes) == 447
    assert list(tagger.classes) == sorted(set(display_names().values()) & set(tagger.classes))
    assert "Silence" not in tagger.classes
    assert {"Speech", "Dog", "Vacuum cleaner"} <= set(tagger.classes)
    assert load_network(save(state), clip_head="attention").config.clip_head == "attention"


def test_mel_buffers_of_atst_may_be_absent(save):
    state = pretrainedsed_state("atst", transformer_state("atst"))
    without = {key: value for key, value in state.items() if "atst_mel" not in key}
    assert len(state) - len(without) == 2
    assert torch.equal(load_network(save(without)).head.bias, load_network(save(state)).head.bias)


@pytest.mark.parametrize("arch", ["passt", "atst"])
def test_the_audioset_wrapper_is_a_tagger_and_brings_its_linear_layer(save, arch):
    content = transformer_files(arch, transformer_state(arch), wrapper_dim=527)["wrapper"]
    tagger = load_network(save(content))
    assert (tagger.config.clip_head, tagger.config.short_clips) == ("attention", "average")
    assert tagger.classes[:2] == ("Speech", "Male speech, man speaking")
    assert tagger.window_probabilities(torch.randn(1, 80000)).shape == (1, 250, 527)
    assert tagger.clip_probabilities(torch.randn(1, 80000)).shape == (1, 527)
    detector = Detector(small_config(arch).model_copy(update={"wrapper_dim": 527}))
    load_transformer_into(save(content), detector)
    assert torch.equal(detector.wrapper.weight, content["state_dict"]["net.head_linear_layer.weight"])


def test_a_strong_checkpoint_with_wrapper_fills_the_detectors_linear_layer(save):
    state = transformer_state("passt")
    detector = Detector(small_config("passt"))
    files = transformer_files("passt", state)
    before = detector.wrapper.weight.clone()
    load_transformer_into(save(files["strong"]), detector)
    assert torch.equal(detector.wrapper.weight, before)
    assert torch.equal(detector.transformer.final_norm.bias, state["norm.bias"])
    load_transformer_into(save(files["strong with wrapper"]), detector)
    expected = files["strong with wrapper"]["state_dict"]["net_strong.model.head_linear_layer.weight"]
    assert torch.equal(detector.wrapper.weight, expected)


def test_a_transformer_of_another_form_is_refused(save):
    path = save(transformer_state("beats"))
    with pytest.raises(SedlabError, match="arch is beats, expected atst"):
        load_transformer_into(path, Detector(small_config("atst")))
    path = save({"cfg": {**small_cfg(), "max_distance": 1280}, "model": transformer_state("beats")})
    with pytest.raises(SedlabError, match="max_distance is 1280, expected 800"):
        load_transformer_into(path, Detector(small_config("beats")))


def test_an_image_transformer_becomes_a_passt_with_a_new_stem(save):
    state = transformer_state("passt")
    path = save({"model": deit_state(state)})
    transformer = load_transformer(path)
    loaded = transformer.state_dict()
    for key in ("blocks.1.attn.qkv.weight", "norm.bias", "cls_token", "patch_embed.proj.bias"):
        assert torch.equal(loaded[own_transformer_key("passt", key)], state[key]), key
    assert loaded["time_position"].shape == (1, 64, 1, 250)
    assert transformer(torch.randn(1, 1, 128, 1000)).shape == (1, 250, 64)
    detector = Detector(small_config("passt"))
    # the import gives the stem of published size, 16, 32 and 64 channels
    with pytest.raises(SedlabError, match="stem_channels is"):
        load_transformer_into(path, detector)
    published = PasstConfig(**{**detector.config.transformer.model_dump(), "stem_channels": (16, 32, 64)})
    detector = Detector(detector.config.model_copy(update={"transformer": published}))
    stem = detector.transformer.stem[0].weight.clone()
    load_transformer_into(path, detector)
    assert torch.equal(detector.transformer.stem[0].weight, stem)
    assert torch.equal(detector.transformer.time_position, loaded["time_position"])
    assert "stem is freshly initialised" in format_report(inspect_checkpoint(path))
    with pytest.raises(SedlabError, match=r"1 tensor missing \(first: 'pos_embed'\)"):
        load_transformer(save({"model": {k: v for k, v in deit_state(state).items() if k != "pos_embed"}}))


@pytest.mark.parametrize(("arch", "name"), [pair for pair in FILES if pair[1] not in ("pretrainedsed", "wrapper")])
def test_a_bare_transformer_detects_nothing(save, arch, name):
    path = save(transformer_files(arch, transformer_state(arch))[name])
    with pytest.raises(SedlabError, match=r"has no event head, so it detects nothing.* use load_transformer"):
        load_network(path)


def test_pretrainedsed_without_strong_head_is_a_transformer(save):
    state = pretrainedsed_state("beats", transformer_state("beats"))
    weak = {key: value for key, value in state.items() if not key.startswith("strong_head")}
    with pytest.raises(SedlabError, match="no event head"):
        load_network(save(weak))
    assert load_transformer(save(weak)).dim == 64
    assert inspect_checkpoint(save(weak)).content.ignored == ("weak_head.weight", "weak_head.bias")


class TestBeatsSettings:
    """`cfg` of the original files."""

    def file(self, save, **settings):
        cfg = {key: value for key, value in {**small_cfg(), **settings}.items() if value != "absent"}
        return save({"cfg": cfg, "model": transformer_files("beats", transformer_state("beats"))["bare"]})

    def test_settings_count_and_missing_ones_have_the_defaults_of_beats(self, save):
        config = load_transformer(self.file(save, max_distance="absent", encoder_layerdrop=0.2)).config
        assert (config.max_distance, config.layer_drop, config.attention_dropout) == (1280, 0.2, 0.1)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"deep_norm": "absent"}, "deep_norm = False, which is what a missing entry means; only True"),
            ({"gru_rel_pos": False}, "gru_rel_pos = False; only True"),
            ({"activation_fn": "relu"}, "activation_fn = 'relu'; only 'gelu'"),
            ({"input_patch_size": "absent"}, "its sizes make no network .*greater than 0"),
            ({"encoder_layers": 3}, r"19 tensors missing .*'encoder\.layers\.2"),
            ({"encoder_ffn_embed_dim": 48}, r"fc1.weight' is \(96, 64\), expected \(48, 64\)|of another shape"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, save, settings, message):
        with pytest.raises(SedlabError, match=message):
            load_transformer(self.file(save, **settings))

    def test_the_shared_bias_may_be_listed_once_or_in_every_layer(self, save):
        state = transformer_state("beats")
        name = "encoder.layers.{}.self_attn.relative_attention_bias.weight"
        once = {key: value for key, value in state.items() if key != name.format(1)}
        assert torch.equal(load_transformer(save(once)).relative_bias.weight, state[name.format(0)])
        with pytest.raises(SedlabError, match="listed in 1 of 2 layers, not in the first or all"):
            load_transformer(save({key: value for key, value in state.items() if key != name.format(0)}))
        with pytest.raises(
            SedlabError, match=r"layers\.1\.self_attn.* differs from another tensor with the same place"
        ):
            load_transformer(save({**state, name.format(1): state[name.format(1)] + 1}))


#: Tensors that a file may do without, or that belong to other networks.
OPTIONAL = re.compile(
    r"predictor|net_weak|sigmoid_dense|atst_mel|teacher_module|encoder\.cls_token|(weak|strong)_head|att_linear"
    r"|net\.head_linear|net_strong\.model\.head_linear|relative_attention_bias|num_batches_tracked"
)


@pytest.fixture(scope="module")
def strict_files():
    """Return (loader, content, its tensors) for one file of each kind."""
    files = []
    for arch in ARCHS:
        content = {"state_dict": prefixed("student.", detector_state(arch)), "epoch": 1}
        files.append((load_network, content, content["state_dict"]))
        for content in transformer_files(arch, transformer_state(arch)).values():
            files.append((load_transformer, content, content.get("state_dict", content.get("model", content))))
    return files


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 10**6), kind=st.sampled_from(["missing", "shape", "nan"]))
def test_any_missing_or_damaged_tensor_is_an_error(strict_files, tmp_path, number, kind):
    load, content, tensors = strict_files[number % len(strict_files)]
    needed = [key for key in tensors if not OPTIONAL.search(key)]
    key = needed[number % len(needed)]
    changed = {**tensors, key: torch.zeros(2, 3, 5) if kind == "shape" else tensors[key] * float("nan")}
    if kind == "missing":
        del changed[key]
    whole = {name: changed if value is tensors else value for name, value in content.items()}
    torch.save(changed if content is tensors else whole, tmp_path / "a.pt")
    with pytest.raises(SedlabError) as caught:
        load(tmp_path / "a.pt")
    assert "\n" not in str(caught.value)
    assert re.search({"missing": "missing", "nan": "not finite"}.get(kind, "shape|no network|heads"), str(caught.value))


def test_messages_name_file_count_first_keys_and_format(save):
    state = detector_state("atst")
    bias = state.pop("cat_tf.bias")
    del state["dense.bias"], state["as_model.model.atst.pos_embed"]
    state |= {"decoder.weight": torch.zeros(2), "dense.weight": torch.zeros(27, 3)}
    with pytest.raises(SedlabError) as caught:
        load_network(save(state))
    message = str(caught.value)
    assert "a.bin (CP-JKU detector, atst): 3 tensors missing (first: " in message
    assert "'cat_tf.bias'" in message
    assert "1 tensor unexpected (first: 'decoder.weight')" in message
    assert "1 tensor of another shape (first: dense.weight is (27, 3), expected (27, 16))" in message
    assert bias.shape == (16,)


def test_what_is_not_needed_can_be_left_out_by_name(save):
    state = {**transformer_state("atst"), "decoder.weight": torch.zeros(2), "decoder.bias": torch.zeros(2)}
    with pytest.raises(SedlabError, match=r"2 tensors unexpected \(first: 'decoder.weight', 'decoder.bias'\)"):
        load_transformer(save(state))
    assert load_transformer(save(state), ignore=["decoder.*"]).dim == 64


def test_values_that_are_not_finite_are_refused(save):
    state = detector_state("beats")
    state["cat_tf.bias"][3] = float("inf")
    with pytest.raises(SedlabError, match=r"1 tensor with values that are not finite \('cat_tf.bias'\)"):
        load_network(save(state))


def test_numbers_of_classes_without_names_need_names(save):
    state = pretrainedsed_state("atst", transformer_state("atst"), classes=3)
    with pytest.raises(SedlabError, match=r"has 3 classes, and their names are not known. Give classes=\[...\]"):
        load_network(save(state))
    assert load_network(save(state), classes=["a", "b", "c"]).classes == ("a", "b", "c")
    with pytest.raises(SedlabError, match="has 3 classes, and 2 names were given"):
        load_network(save(state), classes=["a", "b"])


def test_heads_must_be_given_when_the_width_does_not_tell(save):
    state = {
        key: value[..., :48] if key == "norm_frame.bias" else value for key, value in transformer_state("atst").items()
    }
    state["norm_frame.weight"] = state["norm_frame.weight"][:48]
    with pytest.raises(SedlabError, match=r"a width of 48 is not a multiple of 64.* Give heads="):
        load_transformer(save(state))
    assert load_transformer(save(transformer_state("atst")), heads=4).config.heads == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {}, "epoch": 3}, "holds no state dict, only 'state_dict', 'epoch'"),
        (
            {"conv1.weight": torch.zeros(2)},
            "no tensor of a known network; found 'conv1.weight'. Known are files of BEATs",
        ),
        (
            {"format": "sedlab-detector-7"},
            "is of format 'sedlab-detector-7', which this version of sedlab does not know",
        ),
        ([1, 2], "holds a list, no state dict"),
        ({}, "holds no state dict, only nothing"),
        (torch.zeros(2), "holds a Tensor, no state dict"),
    ],
)
def test_a_foreign_file_is_described(save, content, message):
    with pytest.raises(SedlabError, match=message) as caught:
        load_network(save(content))
    assert "\n" not in str(caught.value)


def test_harmless_entries_of_training_scripts_are_read(save):
    content = {
        "state_dict": prefixed("student.", detector_state("atst")),
        "hyper_parameters": {
            "args": argparse.Namespace(lr=1e-4, root=Path("/data")),
            "score": np.float64(0.5),
            "step": np.int64(3),
        },
    }
    assert load_network(save(content)).classes == CLASSES
    assert inspect_checkpoint(save(content)).content.extra == ("hyper_parameters",)


class Harmful:
    """Something that a checkpoint must not be able to make."""


@pytest.mark.parametrize("new_format", [True, False])
def test_a_file_that_needs_other_classes_is_refused_with_their_names(tmp_path, new_format):
    content = {"state_dict": prefixed("student.", detector_state("atst")), "hyper_parameters": Harmful()}
    torch.save(content, tmp_path / "a.ckpt", _use_new_zipfile_serialization=new_format)
    with pytest.raises(
        SedlabError, match=r"holds [\w.]*Harmful beside the weights.* keep the weights alone: python -c"
    ):
        load_network(tmp_path / "a.ckpt")


def test_the_older_format_of_torch_save_is_read(tmp_path):
    torch.save(detector_state("atst"), tmp_path / "a.ckpt", _use_new_zipfile_serialization=False)
    assert load_network(tmp_path / "a.ckpt").classes == CLASSES


@pytest.mark.parametrize("arch", ARCHS)
def test_inspection_of_a_stage_file(save, arch):
    state = detector_state(arch)
    path = save(stage_file(arch, state, shifted(state)))
    report = inspect_checkpoint(path)
    assert (report.kind, report.content.arch, tuple(report.content.networks)) == (
        "detector",
        arch,
        ("student", "teacher"),
    )
    assert report.classes == CLASSES
    assert report.num_tensors == len(load_network(path).state_dict())
    assert report.sizes["transformer.dim"] == 64
    assert report.content.extra == (
        "epoch",
        "global_step",
        "pytorch-lightning_version",
        "optimizer_states",
        "callbacks",
    )
    assert report.content.ignored[:2] == ("crnn_mel.spectrogram.window", "crnn_mel.mel_scale.fb")
    assert report.num_parameters == sum(p.numel() for p in load_network(path).parameters())
    text = format_report(report)
    assert f"detector, {arch}" in text
    assert "embed_pool" in text
    assert max(len(line) for line in text.splitlines()) < 260
    assert PREFIX[arch] not in text


@pytest.mark.parametrize(("arch", "name"), FILES)
def test_inspection_of_other_files(save, arch, name):
    path = save(transformer_files(arch, transformer_state(arch), wrapper_dim=527)[name])
    report = inspect_checkpoint(path)
    assert report.content.arch == arch
    assert report.kind == ("tagger" if name in ("pretrainedsed", "wrapper") else "transformer")
    assert format_report(report)


def test_inspection_refuses_what_would_not_load(save):
    state = detector_state("passt")
    del state["cat_tf.bias"]
    with pytest.raises(SedlabError, match=r"1 tensor missing \(first: 'cat_tf.bias'\)"):
        inspect_checkpoint(save(state))
