"""Pictures of front-end features."""

import numpy as np

from sedlab.views.figures.lessons.features import features_figure


def test_every_feature_has_a_named_panel_over_the_clip_s_time():
    figure = features_figure(
        {"a": np.zeros((4, 10)), "b": np.ones((8, 20)), "c": np.ones((2, 5)), "d": np.ones((2, 5))}
    )
    drawn = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title(loc="left") for ax in drawn] == ["a", "b", "c", "d"]
    assert [ax.images[0].get_extent() for ax in drawn[:2]] == [[0, 10.0, 0, 4], [0, 10.0, 0, 8]]


def test_a_common_scale_keeps_a_quieter_version_darker():
    loud = np.linspace(0, 1, 40).reshape(4, 10)
    own = features_figure({"loud": loud, "quiet": loud / 10})
    common = features_figure({"loud": loud, "quiet": loud / 10}, same_scale=True)
    assert own.axes[1].images[0].get_clim() == (0, 0.1)
    assert common.axes[1].images[0].get_clim() == common.axes[0].images[0].get_clim() == (0, 1)


def test_no_features_say_so():
    (ax,) = features_figure({}).axes
    assert "no features" in ax.texts[0].get_text()
