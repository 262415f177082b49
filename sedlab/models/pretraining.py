"""A transformer with a frame-level head, for pre-training on strongly labelled AudioSet clips.

Reference
    Schmid et al., arXiv 2409.09546 (PretrainedSED).

Shape letters: B clips, N samples, F mel bins, T feature frames, C classes, D width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from sedlab.audio.frontends import build_frontend
from sedlab.config.model import TransformerConfig
from sedlab.models.build import build_transformer
from sedlab.models.gru import BiGru
from sedlab.models.inference import FramePredictor
from sedlab.models.pooling import pool_time
from sedlab.models.transformer import init_linear

TAGGER_FRAMES = 250  # of 40 ms in 10 s
TAGGER_FRAME_SAMPLES = 640


class FrameTagger(FramePredictor):
    """Event logits for each 40 ms, without CRNN: transformer, optional bidirectional GRU, linear head.

    Parameters
    ----------
    config : TransformerConfig
        Architecture and sizes of the transformer.
    num_classes : int
        Strong classes of AudioSet in use; 447 in the published models.
    rnn_dim : int, optional
        Width of a bidirectional GRU between transformer and head; None: the head is linear.
    rnn_layers : int
        Layers of the GRU.
    """

    def __init__(self, config: TransformerConfig, *, num_classes: int, rnn_dim: int | None = None, rnn_layers: int = 2):
        super().__init__()
        self.config = config
        self.frame_samples = TAGGER_FRAME_SAMPLES
        self.num_classes, self.rnn_dim, self.rnn_layers = num_classes, rnn_dim, rnn_layers
        self.transformer_frontend = build_frontend(config)
        self.transformer = build_transformer(config)
        self.rnn: BiGru | None = None
        head_dim = self.transformer.dim
        if rnn_dim is not None:
            self.rnn = BiGru(head_dim, rnn_dim, num_layers=rnn_layers)
            head_dim = 2 * rnn_dim
        self.head = nn.Linear(head_dim, num_classes)
        init_linear(self.head)

    @torch.no_grad()
    def features(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return the transformer's features (B, 1, F, T) of ``waveform`` (B, N)."""
        return self.transformer_frontend(waveform, generator)

    def window_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, 250, C) of clips ``waveform`` (B, N), N at most 10 s."""
        return self(self.features(waveform)).sigmoid().transpose(1, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, C, 250) for ``features`` (B, 1, F, T)."""
        return self.classify(self.transformer(features))

    def classify(self, embedding: Tensor) -> Tensor:
        """Return logits (B, C, 250) for embeddings (B, L, D), averaged or interpolated to 250 frames."""
        mode = "aap" if embedding.shape[1] > TAGGER_FRAMES else "linear"
        frames = pool_time(embedding, TAGGER_FRAMES, mode)
        if self.rnn is not None:
            frames = self.rnn(frames)
        with torch.autocast(device_type=frames.device.type, enabled=False):
            return F.linear(frames.float(), self.head.weight, self.head.bias).transpose(1, 2)
