"""Published layouts at full size: files load, and the networks compute what the published ones do.

Each file takes some 350 MB on disk for the time of its test.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_weights import batch, golden, weight
from published_files import deit_state, detector_state, stage_file, transformer_files, transformer_state

from sedlab.audio.frontends import build_frontend
from sedlab.checkpoints.inspection import inspect_checkpoint
from sedlab.checkpoints.loading import load_network, load_transformer
from sedlab.checkpoints.published.deit import passt_from_deit
from sedlab.config.model import PasstConfig

pytestmark = pytest.mark.slow

EMBEDDINGS = {"atol": 1.5e-4, "rtol": 5e-5}  # as in tests/models/test_published_detectors.py
PROBABILITIES = {"atol": 3e-5, "rtol": 0.0}


@pytest.fixture
def save(tmp_path):
    """Return a function that writes content to a file, which is removed after the test."""
    path = tmp_path / "a.bin"

    def write(content):
        torch.save(content, path)
        return path

    yield write
    path.unlink(missing_ok=True)


@torch.no_grad()
@pytest.mark.parametrize("arch", ["passt", "beats", "atst"])
def test_stage_2_files_give_the_published_scores(save, arch):
    teacher = detector_state(arch, full=True)
    # A student that says the same, but more often.
    student = {**teacher, "dense.bias": teacher["dense.bias"] + 1}
    path = save(stage_file(arch, student, teacher))
    expected = golden(f"{arch}_detector")
    waveform = torch.from_numpy(batch(10))
    strong = load_network(path, network="teacher").window_probabilities(waveform).transpose(1, 2)
    np.testing.assert_allclose(strong, expected["strong"], **PROBABILITIES)
    strong = load_network(path).window_probabilities(waveform).transpose(1, 2)
    logits = torch.from_numpy(expected["strong_logits"]).transpose(1, 2)
    np.testing.assert_allclose(strong, (logits + 1).sigmoid(), **PROBABILITIES)
    report = inspect_checkpoint(path)
    assert report.num_parameters == {"passt": 91_607_445, "beats": 93_154_038, "atst": 88_605_077}[arch]


@torch.no_grad()
@pytest.mark.parametrize(
    ("arch", "name"),
    [("passt", "strong"), ("beats", "fine-tuned"), ("atst", "self-supervised"), ("atst", "pretrainedsed")],
)
def test_transformers_give_the_published_embeddings(save, arch, name):
    path = save(transformer_files(arch, transformer_state(arch, full=True))[name])
    transformer = load_transformer(path)
    features = build_frontend(transformer.config).eval()(torch.from_numpy(batch(10)))
    np.testing.assert_allclose(
        transformer(features)[:, ::10, ::16], golden(f"{arch}_transformer")["final"], **EMBEDDINGS
    )
    assert inspect_checkpoint(path).content.arch == arch


def test_an_image_transformer_loads(save):
    state = transformer_state("passt", full=True)
    transformer = load_transformer(save({"model": deit_state(state)}))
    assert torch.equal(transformer.blocks[11].down.weight, state["blocks.11.mlp.fc2.weight"])


def test_imported_image_patches_and_positions_are_the_published_ones():
    position = torch.from_numpy(weight("deit:pos_embed", (1, 578, 768)))
    patch = torch.from_numpy(weight("deit:patch_embed.proj.weight", (768, 3, 16, 16)))
    state = passt_from_deit({"deit.position": position, "deit.patch": patch}, PasstConfig())
    expected = golden("deit_import")
    for key, value in (
        ("time_new_pos_embed", state["transformer.time_position"][0, ::16, 0, ::10]),
        ("freq_new_pos_embed", state["transformer.frequency_position"][0, ::16, 0, 0]),
        ("new_pos_embed", state["transformer.token_position"][0, :, ::16]),
        ("patch_embed.proj.weight", state["transformer.patch.weight"][::64, :, ::16, :]),
    ):
        np.testing.assert_allclose(value, expected[key], atol=1e-6, err_msg=key)
