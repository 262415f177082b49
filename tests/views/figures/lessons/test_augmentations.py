"""Each augmentation before and after: picture, labels, sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from sedlab.audio.device_response import align_responses
from sedlab.config.loading import load_experiment
from sedlab.data.batch import Batch, Partners, Rows, Targets
from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.errors import SedlabError
from sedlab.labels import valid_classes
from sedlab.views import augmentation_figure, demonstrate
from sedlab.views.figures.lessons.demonstration import AUDIBLE, AUGMENTATIONS
from sedlab.views.figures.lessons.strength import STRENGTHS

PASST = load_experiment("nano").models["passt"]
RESPONSES = align_responses([np.array([0.0, 0.0, 1.0, 0.6, 0.3])])


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Return two clips of each group: noise, long labels, a partner for the first strongly labelled one."""
    generator = torch.Generator().manual_seed(0)
    waveform = 0.05 * torch.randn(10, 160_000, generator=generator)
    strong = torch.zeros(10, 27, 156)
    for clip, label in enumerate((15, 16, 8, 4, 2, 0)):
        strong[clip, label, 10 + 5 * clip : 150] = 0.4 if clip < 2 else 1.0
    weak = (strong > 0).any(-1).float()
    weak[6:8, 4] = 1.0
    mask = [valid_classes("maestro" if clip < 2 else "desed", training=True) for clip in range(10)]
    targets = Targets(strong, weak, torch.from_numpy(np.stack(mask)))
    return Batch(
        waveform=waveform,
        targets=targets,
        rows=Rows.of(dict.fromkeys(DETECTION_GROUPS, 2)),
        subsets=["synth_train"] * 10,
        clip_ids=[f"clip{place}" for place in range(10)],
        partners=Partners(
            torch.tensor([2]), torch.tensor([0.6]), waveform[3:4], targets.map(lambda values: values[:1])
        ),
    )


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_shows_a_change_of_picture_or_labels(name, batch):
    shown = demonstrate(name, batch, PASST, responses=RESPONSES, seed=2)
    pictures = [not np.allclose(before, after) for before, after in shown.features.values()]
    labels = not np.array_equal(*shown.labels)
    assert any(pictures) or labels
    assert labels == (name in ("wavmix", "harden", "frame_shift", "time_mask", "mixup"))
    assert (shown.sounds is not None) == (name in AUDIBLE)
    if shown.sounds is not None:
        assert not np.array_equal(*shown.sounds)
    assert shown.title.startswith(AUGMENTATIONS[name])
    again = demonstrate(name, batch, PASST, responses=RESPONSES, seed=2)
    assert all(
        np.array_equal(one[1], two[1])
        for one, two in zip(shown.features.values(), again.features.values(), strict=True)
    )


def test_the_batch_is_left_as_it_was(batch):
    before = batch.waveform.clone(), batch.targets.strong.clone()
    for name in AUGMENTATIONS:
        demonstrate(name, batch, PASST, responses=RESPONSES)
    assert torch.equal(batch.waveform, before[0]) and torch.equal(batch.targets.strong, before[1])


def test_the_figure_has_both_sides_on_one_scale_and_a_row_for_each_label(batch):
    shown = demonstrate("wavmix", batch, PASST)
    figure = augmentation_figure(shown)
    before, after, *labels = (ax for ax in figure.axes if ax.images)
    assert before.images[0].get_clim() == after.images[0].get_clim()
    assert [ax.get_title(loc="left") for ax in labels] == ["Labels, before", "Labels, after"]
    assert [text.get_text() for text in labels[0].get_yticklabels()] == ["Speech", "footsteps"]
    drawn = [ax.images[0].get_array() for ax in labels]
    assert drawn[0].max(axis=1).tolist() == [1.0, 0.0]
    assert drawn[1].max(axis=1).tolist() == pytest.approx([0.6, 0.16])


def test_weak_labels_fill_the_clip_and_unlabelled_clips_say_so(batch):
    weak = demonstrate("mixstyle", batch, PASST, clip=6)
    assert weak.labels[0][4].tolist() == [1.0] * 156
    figure = augmentation_figure(demonstrate("mixstyle", batch, PASST, clip=8))
    assert [ax.texts[0].get_text() for ax in figure.axes if ax.texts] == ["no label", "no label"]


def test_settings_replace_published_strengths(batch):
    mild, wild = (demonstrate("filter", batch, PASST, clip=4, db=db) for db in ((-1, 1), (-20, 20)))
    change = [np.abs(np.subtract(*next(iter(shown.features.values())))).max() for shown in (mild, wild)]
    assert change[0] < 3 < change[1]


def distance(shown) -> float:
    """How far features, or sounds where features are on a scale of their own, have moved."""
    pairs = [shown.sounds] if shown.sounds else shown.features.values()
    return max(float(np.abs(np.subtract(*pair)).mean()) for pair in pairs)


@pytest.mark.parametrize("name", STRENGTHS)
def test_more_strength_changes_more_and_the_title_says_how_much(name, batch):
    # Published and stronger; bands and edges act the more, the smaller the value.
    values = STRENGTHS[name].values
    weak, strong = {"warp": (100, 20), "band_edges": (7000, 5000), "gain": (3, 24)}.get(name, (values[1], values[-1]))
    mild, wild = (demonstrate(name, batch, PASST, clip=2, seed=4, strength=value) for value in (weak, strong))
    assert distance(mild) < distance(wild)
    assert f"{strong:g} {STRENGTHS[name].unit}" in wild.title
    published = demonstrate(name, batch, PASST, clip=2, strength=STRENGTHS[name].published)
    assert "(published)" in published.title and "(published)" not in wild.title


@pytest.mark.parametrize(
    ("name", "idle"), [("gain", 0), ("mixup", 0), ("mixstyle", 0), ("time_mask", 0), ("warp", 100)]
)
def test_no_strength_changes_nothing(name, idle, batch):
    shown = demonstrate(name, batch, PASST, clip=2, strength=idle)
    assert distance(shown) == pytest.approx(0, abs=1e-5)
    assert np.array_equal(*shown.labels)


def test_the_share_of_the_other_clip_is_the_one_asked_for(batch):
    for name in ("wavmix", "mixup"):
        clip = 2 if name == "wavmix" else 5
        shown = demonstrate(name, batch, PASST, clip=clip, seed=1, strength=30)
        own = shown.labels[0].max(axis=1).argmax()
        assert shown.labels[1][own].max() == pytest.approx(0.7)


def test_published_shares_are_the_medians_of_the_published_draws():
    for name, alpha in (("wavmix", 0.2), ("mixup", 0.2), ("mixstyle", 0.3)):
        median = 100 * stats.beta.ppf(0.25, alpha, alpha)
        assert STRENGTHS[name].published == pytest.approx(median, abs=0.06)
    assert all(strength.published in strength.values for strength in STRENGTHS.values())


def test_what_has_no_strength_says_so(batch):
    with pytest.raises(SedlabError, match="harden: has no strength"):
        demonstrate("harden", batch, PASST, strength=1)


@pytest.mark.parametrize(
    ("name", "arch", "words"),
    [
        ("wavmix", "passt", "wavmix_probability=1.0"),
        ("device_response", "passt", "read_device_responses"),
        ("band_edges", "atst", "Use the detector with fPaSST"),
        ("mixupp", "passt", "Did you mean 'mixup'"),
    ],
)
def test_what_is_missing_is_named(name, arch, words, batch):
    alone = Batch(**{key: value for key, value in vars(batch).items() if key != "partners"})
    with pytest.raises(SedlabError, match=words):
        demonstrate(name, alone, load_experiment("nano").models[arch])


def test_a_gain_is_as_many_decibels_as_asked_for(batch):
    before, after = demonstrate("gain", batch, PASST, clip=2, strength=-12).sounds
    np.testing.assert_allclose(after, before * 10 ** (-12 / 20), rtol=1e-5)
