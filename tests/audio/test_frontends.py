"""The front-ends: published values, shapes, and what they may not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_weights import batch, golden
from torchaudio_oracle import import_torchaudio

from sedlab.audio.frontends import (
    AtstMel,
    BeatsFbank,
    CrnnMel,
    PasstMel,
    build_frontend,
    magnitude_to_decibel,
    scale_crnn_mel,
)
from sedlab.audio.mel_filters import htk_filters, kaldi_filters
from sedlab.config.model import AtstConfig, BeatsConfig, CrnnConfig, PasstConfig

SECONDS = {"1s": 1, "10s": 10, "short": 5, "long": 12}
ALONE = (PasstConfig(), BeatsConfig(), AtstConfig(top_db_scope="clip"))


@pytest.fixture(scope="module")
def published():
    return golden("frontends")


def noise(clips: int = 3, seconds: float = 1.0) -> torch.Tensor:
    level = torch.linspace(0.001, 0.3, clips)[:, None]
    return level * torch.randn(clips, round(16000 * seconds), generator=torch.Generator().manual_seed(0))


def assert_published(features: torch.Tensor, published: dict, name: str, **tolerance: float) -> None:
    assert list(features.shape) == list(published[f"{name}.shape"])
    expected = published[name]
    kept = features if features.shape == expected.shape else features[..., ::4, ::25]
    np.testing.assert_allclose(kept, expected, err_msg=name, **tolerance)


@pytest.mark.parametrize("length", SECONDS)
def test_transformer_features_are_the_published_ones(published, length):
    waveform = torch.from_numpy(batch(SECONDS[length]))
    assert_published(PasstMel(PasstConfig()).eval()(waveform), published, f"passt.{length}", atol=1e-4)
    assert_published(AtstMel(AtstConfig())(waveform), published, f"atst.{length}", atol=2e-5)
    # A bin that is empty but for a chirp's leakage holds the noise of the FFT alone: torchaudio's own Kaldi features
    # differ from the recorded ones by as much on another machine.
    tolerance = 3e-4 if length == "1s" else 1e-4
    assert_published(BeatsFbank(BeatsConfig())(waveform), published, f"beats.{length}", atol=tolerance)


@pytest.mark.parametrize("length", ["1s", "10s", "short"])
def test_crnn_features_are_the_published_ones(published, length):
    magnitude = CrnnMel(CrnnConfig())(torch.from_numpy(batch(SECONDS[length])))
    assert_published(magnitude, published, f"crnn_mel.{length}", rtol=5e-5, atol=1e-6)
    assert_published(magnitude_to_decibel(magnitude), published, f"crnn_db.{length}", atol=3e-4)
    assert_published(scale_crnn_mel(magnitude), published, f"crnn_in.{length}", atol=1e-5)


@pytest.mark.parametrize("length", ["1s", "10s"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("passt_fmax8000", {"fmax_range": 1}),
        ("passt_fmax7500", {"fmax_range": 1000}),
        ("passt_fmin3_fmax6543", {"fmin": 3, "fmax": 6543}),
    ],
)
def test_passt_band_edges(published, name, options, length):
    features = PasstMel(PasstConfig(**options)).eval()(torch.from_numpy(batch(SECONDS[length])))
    assert_published(features, published, f"{name}.{length}", atol=1e-4)


@pytest.mark.parametrize("clip", [0, 1])
def test_atst_features_of_a_clip_alone(published, clip):
    alone = torch.from_numpy(batch(10)[clip : clip + 1])
    assert_published(AtstMel(AtstConfig())(alone), published, f"atst.10s_clip{clip}_alone", atol=2e-5)


def test_mel_filters_are_the_published_ones(published):
    for name, filters in (("crnn", htk_filters(128, 2048, 0, 8000)), ("atst", htk_filters(64, 1024, 60, 7800))):
        np.testing.assert_array_equal(filters[::8], published[f"mel_{name}_fb"])
    for name, filters in (("passt", kaldi_filters(128, 512, 0, 7000)), ("beats", kaldi_filters(128, 512, 20, 8000))):
        np.testing.assert_allclose(filters.T[::4, :-1], published[f"mel_{name}_fb"], atol=2e-5)
        assert not filters[-1].any()


def test_scaling_of_plain_arrays_is_the_published_one(published):
    magnitude = torch.from_numpy(published["scaler_in"])
    np.testing.assert_allclose(magnitude_to_decibel(magnitude), published["scaler_db"], atol=2e-5)
    np.testing.assert_allclose(scale_crnn_mel(magnitude), published["scaler_out"], atol=1e-6)


def test_beats_features_agree_with_torchaudio():
    import_torchaudio()
    import torchaudio.compliance.kaldi as kaldi

    waveform = noise()
    options = {"num_mel_bins": 128, "sample_frequency": 16000, "frame_length": 25, "frame_shift": 10}
    theirs = torch.stack([kaldi.fbank(clip[None] * 2**15, **options) for clip in waveform])
    theirs = (theirs - 15.41663) / (2 * 6.55582)
    torch.testing.assert_close(BeatsFbank(BeatsConfig())(waveform)[:, 0].mT, theirs, atol=1e-4, rtol=0)


def test_crnn_features_agree_with_torchaudio():
    mel = import_torchaudio().transforms.MelSpectrogram(
        16000,
        2048,
        hop_length=256,
        n_mels=128,
        f_max=8000,
        power=1,
        wkwargs={"periodic": False},
        window_fn=torch.hamming_window,
    )
    torch.testing.assert_close(CrnnMel(CrnnConfig())(noise())[:, 0], mel(noise()), rtol=5e-5, atol=1e-6)


def test_mel_filters_agree_with_torchaudio():
    melscale_fbanks = import_torchaudio().functional.melscale_fbanks
    from torchaudio.compliance.kaldi import get_mel_banks

    for num_mels, n_fft, fmin, fmax in ((128, 2048, 0.0, 8000.0), (64, 1024, 60.0, 7800.0)):
        theirs = melscale_fbanks(n_fft // 2 + 1, fmin, fmax, num_mels, 16000)
        assert torch.equal(htk_filters(num_mels, n_fft, fmin, fmax), theirs)
    theirs, _ = get_mel_banks(128, 512, 16000, 20.0, 8000.0, 100.0, -500.0, 1.0)
    torch.testing.assert_close(kaldi_filters(128, 512, 20.0, 8000.0)[:-1].T, theirs, atol=2e-5, rtol=0)


@pytest.mark.parametrize("config", [*ALONE, PasstConfig(num_mels=64), BeatsConfig(num_mels=64)], ids=str)
def test_shape_follows_the_number_of_samples(config):
    frontend = build_frontend(config).eval()
    frames = {"passt": 50, "beats": 48, "atst": 51}[config.arch]
    assert frontend(noise(2, 0.5)).shape == (2, 1, config.num_mels, frames)


@pytest.mark.parametrize("config", ALONE, ids=lambda config: config.arch)
def test_a_clip_does_not_depend_on_its_batch(config):
    # 12 clips of 10 s take more than one block of the CPU path
    frontend, waveform = build_frontend(config).eval(), noise(12, 10.0)
    together = frontend(waveform)
    for clip in (0, 5, 11):
        torch.testing.assert_close(together[clip], frontend(waveform[clip : clip + 1])[0], atol=1e-5, rtol=0)


def test_atst_takes_the_loudest_cell_of_the_batch_as_published():
    frontend, waveform = AtstMel(AtstConfig()), noise(2)
    quiet = waveform[:1]
    waveform = torch.cat([quiet * 1e-4, waveform[1:]])
    together, alone = frontend(waveform)[0], frontend(waveform[:1])[0]
    assert together.min() > alone.min()


def test_band_edges_are_drawn_in_training_only():
    frontend, waveform = PasstMel(PasstConfig(fmin_range=10, fmax_range=2000)), noise()

    def features(seed):
        return frontend.train()(waveform, torch.Generator().manual_seed(seed))

    assert torch.equal(features(1), features(1))
    assert not torch.equal(features(1), features(2))
    still = frontend.eval()(waveform)
    assert torch.equal(still, frontend(waveform))
    fixed = PasstMel(PasstConfig(fmax_range=1, fmax=7000.0))
    torch.testing.assert_close(still, fixed.train()(waveform))


@pytest.mark.parametrize("config", [*ALONE], ids=lambda config: config.arch)
def test_features_are_float32_under_autocast(config):
    frontend, waveform = build_frontend(config).eval(), noise()
    expected = frontend(waveform)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = frontend(waveform)
        magnitude = CrnnMel(CrnnConfig())(waveform)
    assert magnitude.dtype == torch.float32
    torch.testing.assert_close(features, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("config", [*ALONE], ids=lambda config: config.arch)
def test_silence_gives_finite_features(config):
    assert build_frontend(config)(torch.zeros(1, 16000)).isfinite().all()
    scaled = scale_crnn_mel(CrnnMel(CrnnConfig())(torch.zeros(1, 16000)))
    assert (scaled == -1).all()


@pytest.mark.parametrize("config", [*ALONE], ids=lambda config: config.arch)
def test_a_shift_by_whole_hops_shifts_the_features(config):
    # silence around the sound: the ends, which are reflected, stay out of it
    frontend, sound = build_frontend(config).eval(), noise(1, 0.5)
    early, late = torch.zeros(1, 32000), torch.zeros(1, 32000)
    early[:, 8000:16000], late[:, 9600:17600] = sound, sound
    torch.testing.assert_close(frontend(late)[..., 20:180], frontend(early)[..., 10:170], atol=1e-4, rtol=0)


def test_frontends_save_nothing():
    for frontend in (*(build_frontend(config) for config in ALONE), CrnnMel(CrnnConfig())):
        assert not frontend.state_dict()
        assert not list(frontend.parameters())


@pytest.mark.parametrize(
    "frontend", [*map(build_frontend, ALONE), CrnnMel(CrnnConfig())], ids=lambda f: type(f).__name__
)
def test_recorded_constants_are_enough_to_rebuild_the_filters(frontend):
    constants = frontend.constants
    bank = {"Kaldi": kaldi_filters, "HTK": htk_filters}[constants["mel_scale"]]
    filters = bank(constants["mels"], constants["n_fft"], constants["fmin"], constants["fmax"])
    assert torch.equal(filters, frontend.filters)
    frames = [frontend.eval()(torch.zeros(1, samples)).shape[-1] for samples in (16_000, 16_000 + 3 * constants["hop"])]
    assert frames[1] - frames[0] == 3
    assert constants["sample_rate"] == 16_000
