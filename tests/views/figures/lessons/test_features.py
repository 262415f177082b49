"""Pictures of front-end features."""

import numpy as np
import pytest
import torch

from sedlab.audio.frontends import CrnnMel, build_frontend
from sedlab.config.loading import load_experiment
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


@pytest.mark.parametrize("name", ["passt", "beats", "atst", "crnn"])
@pytest.mark.parametrize("hertz", [500, 1000, 4000])
def test_a_tone_lies_where_the_axis_of_its_front_end_says(name, hertz):
    models = load_experiment("nano").models
    frontend = CrnnMel(models["atst"].crnn) if name == "crnn" else build_frontend(models[name].transformer).eval()
    tone = torch.sin(2 * torch.pi * hertz * torch.arange(16_000) / 16_000)[None]
    features = frontend(tone)[0, 0].numpy()
    (ax,) = features_figure({name: features}, band_edges={name: frontend.band_edges}).axes
    places = dict(zip([tick.get_text() for tick in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    # Wide windows and narrow low bands: half a band and half a bin of the spectrum.
    assert abs(features[:, 20:60].mean(axis=1).argmax() + 0.5 - places[f"{hertz / 1000:g}"]) <= 1.5
    low, high = frontend.constants["fmin"], frontend.constants["fmax"]
    assert ax.get_title(loc="left") == f"{name}: {low:.0f} to {high:.0f} Hz"
    assert ax.get_ylabel() == "Frequency (kHz)"
