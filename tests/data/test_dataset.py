import multiprocessing
import time
import timeit

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

from sedlab.config.data import DataConfig
from sedlab.data.batch import collate
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.audioset import audioset_classes
from sedlab.data.corpora.load import load_corpus
from sedlab.data.dataset import SedDataset
from sedlab.data.sampler import GroupBatchSampler
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, valid_classes

TRAIN = ("synth_train", "strong_train", "weak_train", "unlabeled_train", "maestro_train")


@pytest.fixture
def cache(corpus):
    return WaveformCache.build(corpus)


@pytest.fixture
def dataset(corpus, cache):
    return SedDataset(corpus.subset(*TRAIN), cache, training=True)


def of(dataset, subset):
    return [example for example in map(dataset.__getitem__, range(len(dataset))) if example.subset == subset]


def test_shapes_and_types(dataset):
    example = dataset[0]
    assert (example.waveform.shape, example.waveform.dtype) == ((160_000,), np.float32)
    assert (example.targets.strong.shape, example.targets.strong.dtype) == ((27, 156), np.float32)
    assert (example.targets.weak.shape, example.targets.weak.dtype) == ((27,), np.float32)
    assert (example.targets.mask.shape, example.targets.mask.dtype) == ((27,), bool)
    assert example.targets.pseudo is None


def test_each_label_kind_fills_its_own_targets(dataset):
    speech, alias = CLASSES.index("Speech"), CLASSES.index("people talking")
    maestro = of(dataset, "maestro_train")[0]
    assert maestro.targets.strong[speech, :16].tolist() == [0.25] * 16
    assert maestro.targets.weak[speech] == 1
    weak = of(dataset, "weak_train")[0]
    assert weak.targets.strong.sum() == 0
    assert set(np.flatnonzero(weak.targets.weak)) == {speech, alias, CLASSES.index("Cat")}
    unlabeled = of(dataset, "unlabeled_train")[0]
    assert unlabeled.targets.strong.sum() == unlabeled.targets.weak.sum() == 0
    assert unlabeled.targets.mask.sum() == 12


@pytest.mark.parametrize("training", [True, False])
def test_masks_are_those_of_the_corpus(corpus, cache, training):
    dataset = SedDataset(corpus, cache, training=training)
    for subset, family in (("synth_train", "desed"), ("maestro_train", "maestro")):
        np.testing.assert_array_equal(of(dataset, subset)[0].targets.mask, valid_classes(family, training=training))


def test_without_aliases_only_the_corpus_own_classes_are_valid(root, cache):
    corpus = load_corpus(root, DataConfig(root=root, alias_labels=False))
    dataset = SedDataset(corpus, cache, training=True)
    assert np.flatnonzero(of(dataset, "synth_train")[0].targets.mask).tolist() == list(range(10))
    assert np.flatnonzero(of(dataset, "maestro_train")[0].targets.mask).tolist() == list(range(10, 27))


# Crops


def crop_start(example, whole):
    """Return the sample of ``whole`` at which the example starts."""
    return next(
        start for start in range(len(whole)) if np.array_equal(whole[start : start + 50], example.waveform[:50])
    )


def test_long_clips_are_cropped_at_whole_milliseconds_with_their_events(dataset, cache):
    whole = cache.read("synth_train", "1", num_samples=None)
    starts = set()
    for epoch in range(8):
        dataset.set_epoch(epoch)
        example = dataset[0]
        start = crop_start(example, whole)
        assert start % 16 == 0
        np.testing.assert_array_equal(example.waveform, whole[start : start + 160_000])
        frames = np.flatnonzero(example.targets.strong[CLASSES.index("Speech")])
        onset = 0.5 - start / 16_000
        assert frames[0] == int(onset / 0.064)
        starts.add(start)
        np.testing.assert_array_equal(dataset[0].waveform, example.waveform)
    assert len(starts) > 4


def test_evaluation_takes_the_first_ten_seconds(corpus, cache):
    dataset = SedDataset(corpus.subset("devtest"), cache, training=False)
    dataset.set_epoch(3)
    np.testing.assert_array_equal(dataset[0].waveform, cache.read("devtest", "t1"))


def test_short_clips_are_padded(dataset):
    waveform = of(dataset, "weak_train")[0].waveform
    assert np.any(waveform[:8000])
    assert not np.any(waveform[8000:])


# Pseudo-labels


class FakeLabels(dict):
    path, classes, num_frames = "labels.hdf5", CLASSES, 156


def fake_labels(corpus, value=0.5):
    return {
        name: FakeLabels({c: np.full((27, 156), value, dtype=np.float32) for c in corpus.subset(name).clips["clip_id"]})
        for name in corpus.subsets
    }


def test_pseudo_labels_come_with_the_start_of_the_clip(corpus, cache):
    train = corpus.subset(*TRAIN)
    dataset = SedDataset(train, cache, training=True, pseudo_labels=fake_labels(train))
    assert dataset[0].targets.pseudo.shape == (27, 156)
    np.testing.assert_array_equal(dataset[0].waveform, cache.read("synth_train", "1"))


def test_missing_pseudo_labels_are_counted(corpus, cache):
    train = corpus.subset(*TRAIN)
    labels = fake_labels(train)
    del labels["synth_train"]["2"]
    with pytest.raises(
        SedlabError, match=r"labels.hdf5: no pseudo-labels for 1 of 2 clips of synth_train \(first: 2\)"
    ):
        SedDataset(train, cache, training=True, pseudo_labels=labels)
    del labels["synth_train"]
    with pytest.raises(SedlabError, match="none given for synth_train"):
        SedDataset(train, cache, training=True, pseudo_labels=labels)


def test_clip_outside_the_cache_is_refused_at_once(corpus, tmp_path):
    small = WaveformCache.build(corpus.subset("devtest"), tmp_path / "small")
    with pytest.raises(SedlabError, match="lacks 2 of 2 clips"):
        SedDataset(corpus.subset("synth_train"), small, training=True)


# Wavmix


@pytest.fixture
def with_partners(corpus, cache):
    return SedDataset(corpus.subset(*TRAIN), cache, training=True, wavmix_probability=1.0)


def test_nobody_has_a_partner_unless_asked(dataset):
    assert all(dataset[index].partner is None for index in range(len(dataset)))
    assert collate([dataset[0]]).partners is None


def test_partners_are_drawn_from_the_whole_group_of_clips_with_frame_labels(with_partners):
    seen = {}
    for epoch in range(40):
        with_partners.set_epoch(epoch)
        for index in range(len(with_partners)):
            example = with_partners[index]
            if example.partner is None:
                assert example.group in ("weak", "unlabeled")
                continue
            assert example.partner.group == example.group
            assert 0.5 <= example.share <= 1
            np.testing.assert_array_equal(example.partner.targets.mask, example.targets.mask)
            seen.setdefault(example.clip_id, set()).add(example.partner.clip_id)
    ids = {
        group: {example.clip_id for example in map(with_partners._example, indices)}
        for group, indices in with_partners.group_indices().items()
    }
    assert {frozenset(partners) for partners in seen.values()} == {
        frozenset(ids[group]) for group in ("maestro", "strong", "synth")
    }


def test_a_group_of_two_subsets_is_one_set_to_draw_from(corpus, cache):
    clips = corpus.subset("strong_train").clips.copy()
    clips.loc[1, "subset"] = "external_strong_train"
    both = Corpus(clips, corpus.subset("strong_train").events, corpus.root)
    external = WaveformCache.build(both, corpus.root / "cache_external")
    dataset = SedDataset(both, external, training=True, wavmix_probability=1.0)
    partners = set()
    for epoch in range(20):
        dataset.set_epoch(epoch)
        partners.add(dataset[0].partner.subset)
    assert partners == {"strong_train", "external_strong_train"}


def test_partners_come_with_the_probability_asked_for(corpus, cache):
    dataset = SedDataset(corpus.subset("synth_train"), cache, training=True, wavmix_probability=0.3)
    fired = 0
    for epoch in range(300):
        dataset.set_epoch(epoch)
        fired += dataset[1].partner is not None
    assert 65 < fired < 115


def test_shares_follow_the_beta_distribution(corpus, cache):
    dataset = SedDataset(corpus.subset("maestro_train"), cache, training=True, wavmix_probability=1.0)
    shares = []
    for epoch in range(500):
        dataset.set_epoch(epoch)
        shares += [dataset[index].share for index in range(3)]
    # max(l, 1 - l) of Beta(0.2, 0.2): E|l - 1/2| = 2^(-2a) / (a B(a, a)) with a = 0.2.
    assert np.mean(shares) == pytest.approx(0.8988, abs=0.012)


def test_crops_stay_as_they_are_without_partners(dataset, with_partners):
    for epoch in range(3):
        dataset.set_epoch(epoch)
        with_partners.set_epoch(epoch)
        np.testing.assert_array_equal(with_partners[0].waveform, dataset[0].waveform)


def test_a_batch_says_whose_partner_is_which(corpus, cache):
    train = corpus.subset(*TRAIN)
    dataset = SedDataset(train, cache, training=True, pseudo_labels=fake_labels(train), wavmix_probability=0.6, seed=3)
    examples = [dataset[index] for index in range(len(dataset))]
    batch = collate(examples)
    place = {(example.subset, example.clip_id): example for example in examples}
    ordered = [place[key] for key in zip(batch.subsets, batch.clip_ids, strict=True)]
    rows = [row for row, example in enumerate(ordered) if example.partner is not None]
    assert batch.partners.rows.tolist() == rows
    assert 0 < len(rows) < len(examples)
    for number, row in enumerate(rows):
        partner = ordered[row].partner
        np.testing.assert_array_equal(batch.partners.waveform[number], partner.waveform)
        np.testing.assert_array_equal(batch.partners.targets.strong[number], partner.targets.strong)
        np.testing.assert_array_equal(batch.partners.targets.pseudo[number], partner.targets.pseudo)
        assert batch.partners.share[number] == pytest.approx(ordered[row].share)
    meta = batch.to("meta")
    assert meta.partners.waveform.is_meta and meta.partners.rows.is_meta and meta.targets.strong.is_meta


# Batches


def test_batch_lays_groups_out_in_order(dataset):
    sizes = {"unlabeled": 2, "weak": 2, "synth": 1, "strong": 1, "maestro": 2}
    indices = next(iter(GroupBatchSampler(dataset.group_indices(), sizes, seed=0)))
    batch = collate([dataset[index] for index in indices])
    assert batch.rows.present() == {
        "maestro": slice(0, 2),
        "strong": slice(2, 3),
        "synth": slice(3, 4),
        "weak": slice(4, 6),
        "unlabeled": slice(6, 8),
    }
    assert batch.subsets[2:4] == ["strong_train", "synth_train"]
    assert batch.waveform.shape == (8, 160_000)
    assert batch.targets.mask.dtype == torch.bool
    moved = batch.to("cpu")
    assert moved.clip_ids == batch.clip_ids
    assert moved.targets.pseudo is None


def test_collate_does_not_depend_on_the_order_of_groups(dataset):
    examples = [dataset[0], dataset[len(dataset) - 1]]
    assert collate(examples).subsets == collate(examples[::-1]).subsets


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_load_the_same_batches(with_partners, context):
    dataset = with_partners
    dataset.set_epoch(5)
    indices = [[0, 1], [2, 3]]
    alone = [collate([dataset[i] for i in batch]) for batch in indices]
    loader = DataLoader(
        dataset,
        batch_sampler=indices,
        collate_fn=collate,
        num_workers=1,
        multiprocessing_context=multiprocessing.get_context(context),
    )
    for expected, found in zip(alone, loader, strict=True):
        assert torch.equal(expected.waveform, found.waveform)
        assert torch.equal(expected.targets.strong, found.targets.strong)
        assert torch.equal(expected.partners.waveform, found.partners.waveform)
        assert torch.equal(expected.partners.share, found.partners.share)


def test_running_workers_see_the_next_epoch(dataset):
    loader = DataLoader(dataset, batch_sampler=[[0]], collate_fn=collate, num_workers=1, persistent_workers=True)
    crops = []
    for epoch in range(6):
        dataset.set_epoch(epoch)
        crops.append(next(iter(loader)).waveform)
        assert torch.equal(crops[-1][0], torch.from_numpy(dataset[0].waveform))
    assert len({tuple(crop[0, :20].tolist()) for crop in crops}) > 1


# Other label spaces, speed


def test_audioset_examples_have_their_own_grid(corpus, cache):
    clips = corpus.subset("synth_train").clips.assign(subset="audioset_train", group="audioset")
    events = pd.DataFrame(
        {
            "subset": "audioset_train",
            "clip_id": "2",
            "onset": [0.0, 0.04],
            "offset": [0.04, 0.12],
            "label": ["/m/09x0r", "/m/0bt9lr"],
            "confidence": 1.0,
        }
    )
    audioset = Corpus(clips, events, corpus.root)
    built = WaveformCache.build(audioset, corpus.root / "cache_audioset")
    dataset = SedDataset.for_audioset(audioset, built, classes=audioset_classes(audioset), training=False)
    batch = collate([dataset[1]])
    assert batch.targets.strong.shape == (1, 2, 250)
    assert batch.targets.strong[0].sum(dim=1).tolist() == [2.0, 1.0]  # dog before speech, by name
    assert batch.targets.mask.all()
    assert batch.rows.audioset == slice(0, 1)


def test_an_example_takes_a_fraction_of_a_millisecond(dataset):
    dataset[3]
    best = min(timeit.repeat(lambda: dataset[3], number=20, repeat=5, timer=time.thread_time)) / 20
    # 0.1 ms on the machine this was written on.
    assert best < 3e-3
