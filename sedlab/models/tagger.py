"""A transformer with a frame-level head, for pre-training on strongly labelled AudioSet clips.

Reference
    Schmid et al., arXiv 2409.09546 (PretrainedSED).

Shape letters: B clips, N samples, F mel bins, T feature frames, L tokens, C classes, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from sedlab.audio.frontends import build_frontend
from sedlab.config.model import TaggerConfig
from sedlab.errors import SedlabError
from sedlab.grid import AUDIOSET_FRAME_SAMPLES, AUDIOSET_NUM_FRAMES
from sedlab.models.build import build_transformer
from sedlab.models.head import pool_scores
from sedlab.models.layers import BiGru
from sedlab.models.pooling import pool_time
from sedlab.models.transformer import init_linear


class FrameTagger(nn.Module):
    """Event logits for each 40 ms, without CRNN: transformer, optional bidirectional GRU, linear head.

    ``classes`` are the names of its strong classes in the order of the logits, for predictions.
    """

    def __init__(self, config: TaggerConfig, classes: Sequence[str] = ()):
        super().__init__()
        self.config = config
        self.classes = tuple(classes)
        self.frame_samples = AUDIOSET_FRAME_SAMPLES
        self.transformer_frontend = build_frontend(config.transformer)
        self.transformer = build_transformer(config.transformer)
        self.rnn: BiGru | None = None
        head_dim = self.transformer.dim
        if config.rnn_dim is not None:
            self.rnn = BiGru(head_dim, config.rnn_dim, num_layers=config.rnn_layers)
            head_dim = 2 * config.rnn_dim
        self.head = nn.Linear(head_dim, config.num_classes)
        init_linear(self.head)
        self.clip_head: nn.Linear | None = None
        if config.clip_head is not None:
            self.clip_head = nn.Linear(head_dim, config.num_clip_classes or config.num_classes)
            init_linear(self.clip_head)

    @torch.no_grad()
    def features(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return the transformer's features (B, 1, F, T) of ``waveform`` (B, N)."""
        return self.transformer_frontend(waveform, generator)

    def window_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, 250, C) of clips ``waveform`` (B, N), N at most 10 s."""
        return self.frame_probabilities(self.features(waveform))

    def frame_probabilities(self, features: Tensor) -> Tensor:
        """Return probabilities (B, 250, C) of every frame for `features`."""
        return self(features).sigmoid().transpose(1, 2)

    def clip_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, C') of whole clips ``waveform`` (B, N), N at most 10 s; see `classify_clips`."""
        return self.classify_clips(self.transformer(self.features(waveform)))

    def num_frames(self, num_samples: int) -> int:
        """Return how many frames of 40 ms ``num_samples`` samples have; at least one."""
        return max(1, num_samples // self.frame_samples)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, C, 250) for ``features`` (B, 1, F, T)."""
        return self.classify(self.transformer(features))

    def classify(self, embedding: Tensor) -> Tensor:
        """Return logits (B, C, 250) for embeddings (B, L, D), averaged or interpolated to 250 frames."""
        return _linear(self.head, self._frames(embedding)).transpose(1, 2)

    def classify_clips(self, embedding: Tensor) -> Tensor:
        """Return probabilities (B, C') of whole clips for embeddings (B, L, D).

        A linear clip head sees the mean over time. An attention head weighs the probabilities of the frames, as in the
        detector: its softmax runs over the classes.

        Raises
        ------
        SedlabError
            When the network has no clip head.
        """
        if self.clip_head is None:
            raise SedlabError("this network has no head for whole clips. Use predict: the probabilities of its frames.")
        frames = self._frames(embedding)
        if self.config.clip_head == "linear":
            return _linear(self.clip_head, frames.mean(dim=1)).sigmoid()
        logits, attention = _linear(self.head, frames), _linear(self.clip_head, frames)
        return pool_scores(logits, logits.sigmoid(), attention, None).weak

    def _frames(self, embedding: Tensor) -> Tensor:
        averaged = embedding.shape[1] > AUDIOSET_NUM_FRAMES or self.config.short_clips == "average"
        frames = pool_time(embedding, AUDIOSET_NUM_FRAMES, "aap" if averaged else "linear")
        return frames if self.rnn is None else self.rnn(frames)


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply ``layer`` in float32, also under autocast."""
    with torch.autocast(device_type=x.device.type, enabled=False):
        return F.linear(x.float(), layer.weight, layer.bias)
