import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from scoring_material import make_corpus
from small_detectors import scored
from torch import nn

from sedlab.audio.frontends import CrnnMel
from sedlab.config.model import AtstConfig, CrnnConfig, DetectorConfig
from sedlab.data.cache import WaveformCache
from sedlab.errors import SedlabError
from sedlab.inference.predictor import Predictor
from sedlab.labels import CLASSES, valid_classes
from sedlab.models.detector import Detector
from sedlab.scoring.scores.file import read_score_file, write_score_file
from sedlab.scoring.scores.predict import predict_logits, predict_masked, predict_networks, predict_tagger_logits

CLIPS = pd.DataFrame(
    {
        "subset": ["devtest"] * 5 + ["maestro_val"] * 2,
        "clip_id": ["d", "a", "c", "b", "e", "m1", "m0"],
    }
)


class NoiseCache:
    """Waveforms that depend on the clip's name alone; counts how often each is read."""

    def __init__(self):
        self.reads: list[tuple[str, str]] = []

    def read(self, subset, clip_id):
        self.reads.append((subset, clip_id))
        seed = sum(map(ord, subset + clip_id))
        return np.random.default_rng(seed).uniform(-0.3, 0.3, 160_000).astype(np.float32)


@pytest.fixture(scope="module")
def detector() -> Detector:
    torch.manual_seed(0)
    crnn = CrnnConfig(channels=(4, 4, 4, 4, 4, 4, 4), merge_dim=8, rnn_dim=8, rnn_layers=1)
    transformer = AtstConfig(dim=16, depth=1, heads=2, mlp_dim=16)
    return Detector(DetectorConfig(transformer=transformer, crnn=crnn, wrapper_dim=12, embed_pool="aap"))


def test_every_clip_is_read_once_and_keeps_its_row(detector):
    cache, calls = NoiseCache(), []
    scores = predict_logits(detector, cache, CLIPS, batch_size=3, progress=lambda *call: calls.append(call))
    assert scores.clip_ids == list(CLIPS["clip_id"]) and scores.logits.shape == (7, 156, 27)
    assert scores.logits.dtype == np.float32 and scores.frame_times[-1] == pytest.approx(9.984)
    assert cache.reads == list(CLIPS.itertuples(index=False, name=None))
    assert [call[:2] for call in calls] == [(3, 7), (6, 7), (7, 7)]
    alone = predict_logits(detector, cache, CLIPS.iloc[[4]])
    assert np.allclose(alone.logits[0], scores.logits[4], atol=1e-5)


def test_order_of_clips_and_batch_size_do_not_matter(detector):
    scores = predict_logits(detector, NoiseCache(), CLIPS, batch_size=7)
    shuffled = predict_logits(detector, NoiseCache(), CLIPS.sample(frac=1, random_state=1), batch_size=2)
    assert np.allclose(shuffled.select(scores.clip_ids).logits, scores.logits, atol=1e-5)


def test_a_clip_has_one_score_whatever_its_neighbours(detector, tmp_path):
    rng = np.random.default_rng(0)
    quiet = np.sin(np.cumsum(rng.uniform(0, 3, 160_000))) * np.linspace(0, 1, 160_000) ** 3
    levels = {"loud": 0.9, "quiet": 2e-3, "faint": 2e-4}
    clips = []
    for clip_id, level in levels.items():
        soundfile.write(tmp_path / f"{clip_id}.wav", level * quiet, 16_000, subtype="PCM_16")
        clips.append({"subset": "devtest", "clip_id": clip_id, "audio": f"{clip_id}.wav", "duration": 10.0})
    corpus = replace(make_corpus(clips, []), root=tmp_path)
    cache, predictor = WaveformCache.build(corpus), Predictor(detector)
    assert detector.transformer_frontend.top_db_scope == "batch"

    stacked = torch.from_numpy(np.stack([cache.read("devtest", clip_id) for clip_id in levels]))
    with torch.no_grad():
        together = torch.sigmoid(scored(detector, detector.features(stacked))[0].logits).transpose(1, 2).numpy()
    predicted, tagged = predictor.predict(stacked).probabilities, predictor.tag(stacked)
    for row, clip_id in enumerate(levels):
        expected = predictor.predict_file(tmp_path / f"{clip_id}.wav").probabilities
        np.testing.assert_allclose(predicted[row], expected, atol=2e-6)
        np.testing.assert_allclose(tagged[row], predictor.tag(stacked[row])[0], atol=2e-6)
        for batch_size in (1, 2, 3):
            scores = predict_logits(detector, cache, corpus.clips, batch_size=batch_size)
            masked = predict_masked(detector, cache, corpus.clips, batch_size=batch_size).scores
            write_score_file(tmp_path / "scores.hdf5", scores)
            for each in (read_score_file(tmp_path / "scores.hdf5"), masked):
                np.testing.assert_allclose(each.probabilities[row], expected, atol=2e-6)
        # As published, in training: neighbours matter, and the test above could fail.
        assert clip_id == "loud" or np.abs(together[row] - expected).max() > 1e-4
    assert detector.transformer_frontend.top_db_scope == "batch"


def test_waveforms_come_from_the_cache_of_a_corpus(detector, tmp_path):
    rng = np.random.default_rng(0)
    clips = []
    for clip_id, seconds in (("long", 11.0), ("short", 6.0)):
        samples = rng.uniform(-0.3, 0.3, int(16_000 * seconds))
        soundfile.write(tmp_path / f"{clip_id}.wav", samples, 16_000, subtype="PCM_16")
        clips.append({"subset": "devtest", "clip_id": clip_id, "audio": f"{clip_id}.wav", "duration": seconds})
    corpus = replace(make_corpus(clips, []), root=tmp_path)
    scores = predict_logits(detector, WaveformCache.build(corpus), corpus.clips)

    detector.eval()
    for clip_id, logits in zip(scores.clip_ids, scores.logits, strict=True):
        samples = soundfile.read(tmp_path / f"{clip_id}.wav", dtype="float32")[0][:160_000]
        waveform = torch.from_numpy(np.pad(samples, (0, 160_000 - len(samples))))[None]
        with torch.no_grad():
            (direct,) = scored(detector, detector.features(waveform))
        assert np.allclose(direct.logits[0].T, logits, atol=1e-5)


def test_mask_limits_attention_but_not_logits(detector):
    masked = predict_masked(detector, NoiseCache(), CLIPS, batch_size=4)
    plain = predict_logits(detector, NoiseCache(), CLIPS, batch_size=4)
    assert np.array_equal(masked.scores.logits, plain.logits)
    assert np.array_equal(masked.mask[0], valid_classes("desed", training=False))
    assert np.array_equal(masked.mask[6], valid_classes("maestro", training=False))
    assert (masked.weak[~masked.mask] == 0).all() and (masked.weak[masked.mask] > 0).all()


def test_training_mode_of_every_part_is_restored(detector):
    detector.train()
    detector.cnn.eval()
    modes = [module.training for module in detector.modules()]
    statistics = [buffer.clone() for buffer in detector.buffers()]
    with pytest.raises(SedlabError, match="no clips to predict"):
        predict_logits(detector, NoiseCache(), CLIPS.iloc[:0])
    predict_logits(detector, NoiseCache(), CLIPS.iloc[:2])
    assert [module.training for module in detector.modules()] == modes
    assert all(torch.equal(before, after) for before, after in zip(statistics, detector.buffers(), strict=True))


class _Tagger(nn.Module):
    """Stand-in with the interface of a pre-trained frame tagger."""

    def __init__(self):
        super().__init__()
        self.frontend = CrnnMel(CrnnConfig())

    def features(self, waveform):
        return self.frontend(waveform)

    def forward(self, features):
        return features[:, 0, :5, :250]


def test_tagger_scores_have_their_own_grid_and_classes():
    scores = predict_tagger_logits(_Tagger(), NoiseCache(), CLIPS.iloc[:3], tuple("vwxyz"), attrs={"model": "atst"})
    assert scores.logits.shape == (3, 250, 5) and scores.classes == tuple("vwxyz")
    assert scores.frame_times[-1] == pytest.approx(10.0) and scores.attrs == {"model": "atst"}


def test_classes_of_the_task_are_the_default(detector):
    assert predict_logits(detector, NoiseCache(), CLIPS.iloc[:1]).classes == CLASSES


def counted_embeddings(networks, monkeypatch) -> tuple[dict[str, int], dict]:
    """Return how often each network's transformer was asked, and the predictions of all."""
    calls = dict.fromkeys(networks, 0)
    for name, network in networks.items():

        def embed(features, name=name, plain=network.embed):
            calls[name] += 1
            return plain(features)

        monkeypatch.setattr(network, "embed", embed)
    return calls, predict_networks(networks, NoiseCache(), CLIPS, batch_size=3)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_transformer_listens_once_for_student_and_teacher(detector, monkeypatch, frozen):
    networks = {"student": copy.deepcopy(detector), "teacher": copy.deepcopy(detector)}
    torch.nn.init.normal_(networks["teacher"].merge.weight, std=0.1)
    if not frozen:
        next(networks["teacher"].transformer.parameters()).data += 0.1
    alone = {name: predict_masked(network, NoiseCache(), CLIPS, batch_size=3) for name, network in networks.items()}
    calls, together = counted_embeddings(networks, monkeypatch)
    assert calls == {"student": 3, "teacher": 0 if frozen else 3}
    for name, expected in alone.items():
        assert np.array_equal(together[name].scores.logits, expected.scores.logits)
        assert np.array_equal(together[name].weak, expected.weak)
    assert not np.array_equal(alone["student"].scores.logits, alone["teacher"].scores.logits)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("precision", "tolerance"), [("32-true", 1e-4), ("16-mixed", 0.02), ("bf16-mixed", 0.05)])
def test_a_gpu_says_the_same(detector, precision, tolerance):
    clips = pd.concat([CLIPS.assign(clip_id=CLIPS["clip_id"] + str(number)) for number in range(6)])
    expected = predict_masked(detector, NoiseCache(), clips)
    options = {"batch_size": 5, "device": "cuda", "precision": precision}
    found = predict_masked(detector, NoiseCache(), clips, **options)
    detector.cpu()
    difference = np.linalg.norm(found.scores.logits - expected.scores.logits)
    assert difference <= tolerance * np.linalg.norm(expected.scores.logits)
