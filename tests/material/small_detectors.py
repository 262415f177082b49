"""Small detectors of each architecture, as fixtures."""

from __future__ import annotations

import pytest
import torch

from sedlab.config.model import AtstConfig, BeatsConfig, CrnnConfig, DetectorConfig, PasstConfig
from sedlab.models.detector import Detector, Features
from sedlab.models.head import Scores

_SIZES = {"dim": 32, "depth": 2, "heads": 2, "mlp_dim": 64, "num_mels": 64}
_TRANSFORMERS = {
    "passt": PasstConfig(**_SIZES, stem_channels=(4, 8, 16)),
    "beats": BeatsConfig(**_SIZES, patch_dim=16, position_kernel=16, position_groups=4),
    "atst": AtstConfig(**_SIZES),
}
_CRNN = CrnnConfig(
    num_mels=64,
    n_fft=1024,
    channels=(4, 8, 8, 8, 8, 16),
    pools=((2, 2), (2, 2), (1, 2), (1, 2), (1, 2), (1, 2)),
    merge_dim=16,
    rnn_dim=16,
    rnn_layers=1,
)


def scored(detector: Detector, features: Features, *, masks=(None,)) -> tuple[Scores, ...]:
    """Return what ``detector`` says about clips with these features, once for each mask."""
    return detector(features.mel, detector.embed(features.transformer), masks=masks)


def small_config(arch: str) -> DetectorConfig:
    """Return the small configuration of an architecture."""
    return DetectorConfig(
        transformer=_TRANSFORMERS[arch], crnn=_CRNN, wrapper_dim=None if arch == "beats" else 24, embed_pool="aap"
    )


def small_detector(arch: str) -> Detector:
    """Return the small detector of an architecture with fixed random weights."""
    torch.manual_seed(0)
    detector = Detector(small_config(arch)).eval()
    # Published batch norm statistics are those of the last batch; give the untrained network plausible ones.
    for module in detector.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
    return detector


@pytest.fixture
def tiny():
    """Return a function that gives the small configuration of an architecture."""
    return small_config


@pytest.fixture
def make_detector():
    """Return a function that builds the small detector of an architecture with fixed random weights."""
    return small_detector


@pytest.fixture
def noise():
    """Return a function that gives noise of some loudness as waveforms (clips, samples)."""

    def waveform(clips: int, seconds: float) -> torch.Tensor:
        level = torch.linspace(0.02, 0.2, clips)[:, None]
        generator = torch.Generator().manual_seed(1)
        return level * torch.randn(clips, round(16000 * seconds), generator=generator)

    return waveform
