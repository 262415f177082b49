"""The tagger: its frames, its gradients, its modes."""

from __future__ import annotations

import pytest
import torch

from sedlab.config.model import ARCHS, TaggerConfig
from sedlab.models.tagger import FrameTagger


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("rnn_dim", [None, 8])
def test_logits_are_for_250_frames_whatever_the_length(tiny, noise, arch, rnn_dim):
    tagger = FrameTagger(TaggerConfig(transformer=tiny(arch).transformer, num_classes=7, rnn_dim=rnn_dim)).eval()
    for seconds in (10, 3):
        assert tagger(tagger.features(noise(2, seconds))).shape == (2, 7, 250)


@pytest.mark.parametrize("arch", ARCHS)
def test_a_few_steps_learn_two_clips(tiny, noise, arch):
    torch.manual_seed(0)
    tagger = FrameTagger(TaggerConfig(transformer=tiny(arch).transformer, num_classes=2)).train()
    features = tagger.features(noise(2, 10))
    targets = torch.eye(2)[:, :, None].expand(2, 2, 250)
    optimizer = torch.optim.Adam(tagger.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(tagger(features), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
