"""Clips of a run as its models hear them."""

import numpy as np
import pytest
from small_run import complete_run

from sedlab.labels import CLASSES
from sedlab.views.figures.lessons.hearing.ears import Ears, as_clip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("project"))


def test_the_clips_of_a_set_go_through_the_run_s_front_ends_with_their_labels(run):
    viewer = run.spectrograms("devtest", key="devtest_2")
    assert viewer.message.value == "" and len(viewer.view.queue) == 4 and viewer.view.key == "devtest/devtest_2"
    ears = Ears(run.experiment.models)
    expected = ears.heard(ears.raw(as_clip(run.cache().read("devtest", "devtest_2"))))
    assert {name: one.values.shape for name, one in viewer.before.items()} == {
        name: one.values.shape for name, one in expected.items()
    }
    assert all(np.array_equal(viewer.before[name].values, one.values) for name, one in expected.items())
    labels = viewer.clip(viewer.view.key).labels
    events = run.corpus().subset("devtest").events.query("clip_id == 'devtest_2'")
    assert {CLASSES[row] for row in np.flatnonzero(labels.any(axis=1))} == set(events["label"])
    assert "spectrograms('devtest', key='devtest/devtest_2')" in viewer.copying.call


def test_a_clip_that_is_not_there_is_said(run):
    assert "devtest/other: no such sound" in run.spectrograms("devtest", key="other").message.value
