"""Pictures that explain: why mel, what is behind a soft label, when an event is found, which cells teach."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedlab.config.loading import load_experiment
from sedlab.config.training import LossConfig
from sedlab.data.batch import Batch, Rows, Targets
from sedlab.data.mini.annotators import Opinions, draw_opinions
from sedlab.labels import CLASSES, valid_classes
from sedlab.models.head import Scores
from sedlab.training.losses import mean_teacher, pseudo_label_loss, supervised_losses
from sedlab.views import batch_figure, mel_figure, opinions_figure, overlap_figure, teaching_cells_figure
from sedlab.views.figures.lessons.mel import filter_widths
from sedlab.views.figures.lessons.overlap import overlap
from sedlab.views.figures.lessons.teaching import Told, cells_that_teach

GROUPS = {"maestro": 2, "strong": 1, "synth": 1, "weak": 2, "unlabeled": 1}


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Seven clips of short waveforms, one active class each where there are labels."""
    strong = torch.zeros(7, 27, 4)
    for clip, label in enumerate((15, 8, 4, 2)):
        strong[clip, label, 1:3] = 0.4 if clip < 2 else 1.0
    weak = (strong > 0).any(-1).float()
    weak[4, 0] = weak[5, 9] = 1.0
    mask = [valid_classes("maestro" if clip < 2 else "desed", training=True) for clip in range(7)]
    targets = Targets(strong, weak, torch.from_numpy(np.stack(mask)))
    names = [f"clip{place}" for place in range(7)]
    return Batch(torch.zeros(7, 400), targets, Rows.of(GROUPS), ["x"] * 7, names)


def gradients(batch: Batch, config: LossConfig) -> dict[str, np.ndarray]:
    """Return, by term, where (B, C) the losses of training pull at a student's scores."""
    generator = torch.Generator().manual_seed(0)
    raw = [torch.rand(shape, generator=generator) * 0.8 + 0.1 for shape in ((7, 27, 4), (7, 27))]
    other = [torch.rand(shape, generator=generator) * 0.8 + 0.1 for shape in ((7, 27, 4), (7, 27))]
    targets, mask, rows = batch.targets.masked(), batch.targets.mask, batch.rows
    strong, weak = (scores.requires_grad_() for scores in raw)

    def scores(frames, clips, masked):
        return Scores(frames * mask[..., None], clips * mask) if masked else Scores(frames, clips)

    student, teacher = (scores(*pair, not config.ssl_no_class_mask) for pair in ((strong, weak), other))
    terms = supervised_losses(scores(strong, weak, True), targets, rows, config)
    terms["consistency_strong"], terms["consistency_weak"] = mean_teacher(student, teacher, rows, config)
    pseudo = other[0] if config.pseudo_no_class_mask else other[0] * mask[..., None]
    terms["pseudo"] = pseudo_label_loss(scores(strong, weak, not config.pseudo_no_class_mask), pseudo, rows, config)
    found = {}
    for name in ("maestro", "strong", "synth", "weak", "consistency_strong", "consistency_weak", "pseudo"):
        frames, clips = torch.autograd.grad(terms[name], (strong, weak), retain_graph=True, materialize_grads=True)
        found[name] = ((frames != 0).any(-1) | (clips != 0)).numpy()
    return found


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ssl_no_class_mask": True},
        {"exclude_maestro_weak_ssl": True},
        {"include_maestro_ssl": False, "pseudo_no_class_mask": True},
    ],
    ids=str,
)
def test_the_cells_shown_to_teach_are_those_that_the_losses_pull_at(options, batch):
    config = LossConfig(pseudo=1.5, self_supervised=1.0, **options)
    shown = cells_that_teach(batch, config)
    pulled = gradients(batch, config)
    assert shown.keys() == pulled.keys()
    for name, told in shown.items():
        np.testing.assert_array_equal(told >= Told.ABSENT, pulled[name], err_msg=name)


def test_cells_say_what_they_are_told(batch):
    shown = cells_that_teach(batch, load_experiment("mini").node("stage1", "atst", 1).training.loss)
    assert "pseudo" not in shown
    assert shown["maestro"][0, 15] == Told.ACTIVE and shown["maestro"][0, 16] == Told.ABSENT
    assert shown["maestro"][0, CLASSES.index("Dog")] == Told.MASKED
    assert (shown["weak"][4, 0], shown["weak"][4, 9], shown["weak"][4, 20]) == (Told.ACTIVE, Told.ABSENT, Told.MASKED)
    assert set(np.unique(shown["consistency_strong"])) == {Told.MASKED, Told.NETWORK}
    assert (shown["synth"][:3] == Told.NOT_READ).all()


def test_the_picture_of_teaching_cells_has_a_panel_a_term_and_a_key(batch):
    config = load_experiment("mini").node("stage1", "atst", 2).training.loss
    figure = teaching_cells_figure(batch, config)
    titles = [ax.get_title(loc="left").split(":")[0] for ax in figure.axes]
    assert titles == ["maestro", "strong", "synth", "weak", "consistency strong", "consistency weak", "pseudo"]
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(key) == 5 and "told: absent" in key
    assert "maestro (2)" in [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_the_picture_of_a_batch_has_a_key(batch):
    figure = batch_figure(batch)
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("soft label" in text for text in key) and any("masked" in text for text in key)
    assert "louder" in figure.axes[0].get_title(loc="left")


def test_a_soft_label_is_the_mean_of_who_heard_it_weighted_by_competence():
    heard = np.array([[[True, True]], [[False, True]], [[False, True]]])
    opinions = Opinions(np.array([[0.9], [0.6], [0.3]]), heard)
    np.testing.assert_allclose(opinions.soft, [[0.5, 1.0]])


def test_the_picture_behind_a_soft_label_shows_each_annotator_and_the_mean():
    level = 2 - 2.5 * np.abs(np.arange(12.0) - 5)
    opinions = draw_opinions(np.random.default_rng(0), level[None], ["car"], num_annotators=5)
    above, people, below = opinions_figure(opinions, level).axes
    assert [len(bars.get_paths()) for bars in people.collections] == opinions.heard[:, 0].sum(axis=1).tolist()
    np.testing.assert_allclose([bar.get_height() for bar in below.patches], opinions.soft[0])
    names = [text.get_text() for text in people.get_yticklabels()]
    assert names[0] == f"annotator 1, competence {opinions.competence[0, 0]:.2f}"
    assert "dB" in above.get_ylabel()


def test_mel_bands_get_wider_and_the_filters_are_drawn_over_frequency(waveform):
    assert (np.diff(filter_widths(64)) > 0).all()
    plain, filters, bands = mel_figure(waveform, num_mels=10).axes
    assert len(filters.get_lines()) == 10
    assert plain.get_ylim() == filters.get_ylim() == (0, 8)
    peaks = [line.get_ydata()[np.argmax(line.get_xdata())] for line in filters.get_lines()]
    assert (np.diff(peaks) > 0).all()
    assert "kHz" in plain.get_ylabel() and "kHz" in bands.get_ylabel()
    # A tone of 1 kHz lies an eighth up in plain frequency, and a third up in mel.
    place = [int(ax.images[0].get_array().mean(axis=1).argmax()) for ax in (plain, bands)]
    assert place[0] / 513 == pytest.approx(0.125, abs=0.01) and place[1] / 96 == pytest.approx(0.35, abs=0.03)


def test_overlap_is_the_shared_part_of_each():
    parts = overlap((2.0, 4.0), (3.0, 4.0))
    assert (parts.of_detection, parts.of_event) == (0.5, 1.0)
    assert not parts.found(0.7) and parts.found(0.5)
    assert overlap((0.0, 1.0), (2.0, 3.0)).of_event == 0
    assert overlap((0.3, 1.0), (0.0, 1.0)).found(0.7)


def test_what_does_not_count_as_found_is_hollow_and_says_so():
    (ax,) = overlap_figure((2, 4), {"late": (2.25, 4.25), "too late": (3, 5)}).axes
    _, late, too_late = ax.collections
    assert tuple(too_late.get_facecolor()[0][:3]) == (1, 1, 1) != tuple(late.get_facecolor()[0][:3])
    assert [text.get_text().rpartition(": ")[2] for text in ax.texts] == ["found", "not found"]
    assert "88%" in ax.texts[0].get_text()


@pytest.mark.parametrize(
    "figure",
    [
        mel_figure(np.zeros(10)),
        overlap_figure((0, 1), {}),
        opinions_figure(Opinions(np.empty((0, 1)), np.empty((0, 1, 0), bool)), []),
    ],
    ids=["mel", "overlap", "opinions"],
)
def test_nothing_to_show_says_so(figure):
    assert figure.axes[0].texts[0].get_text()
