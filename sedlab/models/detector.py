"""The detector: a transformer and a CRNN look at the same clip, and a recurrent layer listens to both.

Shape letters: B clips, N samples, F mel bins, T output frames (64 ms), L tokens, D width, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from sedlab.audio.frontends import CrnnMel, build_frontend
from sedlab.config.model import DetectorConfig
from sedlab.labels import CLASSES
from sedlab.models.build import build_transformer
from sedlab.models.crnn import GatedCnn
from sedlab.models.head import AttentionHead, Scores
from sedlab.models.layers import BiGru, dropout
from sedlab.models.pooling import TimeConvolution, pool_time

#: The published wrapper brings every input, long or short, to this number of tokens.
WRAPPER_TOKENS = 250


class Features(NamedTuple):
    """Inputs of the two branches."""

    mel: Tensor
    """Linear mel magnitudes for the CRNN (B, 1, F, frames of 16 ms)."""
    transformer: Tensor
    """Features of the transformer (B, 1, F', frames of 10 ms)."""


class Detector(nn.Module):
    """Sound event detector: probabilities of the events in every frame of 64 ms, and in the whole clip.

    Shape
        waveform (B, N) at 16 kHz -> ``features`` -> ``forward`` -> strong (B, C, T), weak (B, C); T = 156 for 10 s
    Reference
        Schmid et al., arXiv 2408.00791.

    The linear layer between transformer and merge ("wrapper") is never trained: in the published system it is detached
    when the model is built, and its checkpoints rely on that.
    """

    def __init__(self, config: DetectorConfig, classes: Sequence[str] = CLASSES):
        super().__init__()
        self.config = config
        self.classes = tuple(classes)
        self.frame_samples = config.crnn.frame_samples
        crnn = config.crnn
        self.crnn_frontend = CrnnMel(crnn)
        self.transformer_frontend = build_frontend(config.transformer)
        self.transformer = build_transformer(config.transformer)
        self.wrapper: nn.Linear | None = None
        embedding_dim = self.transformer.dim
        if config.wrapper_dim is not None:
            self.wrapper = nn.Linear(embedding_dim, config.wrapper_dim).requires_grad_(False)
            embedding_dim = config.wrapper_dim
        self.embed_pool = TimeConvolution(embedding_dim) if config.embed_pool == "conv" else None
        self.cnn = GatedCnn(crnn)
        self.merge = nn.Linear(crnn.channels[-1] + embedding_dim, crnn.merge_dim)
        self.rnn = BiGru(crnn.merge_dim, crnn.rnn_dim, num_layers=crnn.rnn_layers)
        self.head = AttentionHead(2 * crnn.rnn_dim, config.num_classes)
        self._transformer_frozen = False

    @torch.no_grad()
    def features(self, waveform: Tensor, generator: Generator | None = None) -> Features:
        """Return the inputs of both branches for ``waveform`` (B, N); ``generator`` draws band edges in training."""
        return Features(self.crnn_frontend(waveform), self.transformer_frontend(waveform, generator))

    def embed(self, transformer_features: Tensor) -> Tensor:
        """Return embeddings (B, L, D) for features of the transformer (B, 1, F', frames)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._transformer_frozen):
            return self.wrap(self.transformer(transformer_features))

    def wrap(self, embedding: Tensor) -> Tensor:
        """Return ``embedding`` (B, L, D) of the transformer through the wrapper (B, 250, D'), if there is one."""
        if self.wrapper is None:
            return embedding
        embedding = pool_time(embedding, WRAPPER_TOKENS, "aap")
        return F.linear(embedding, self.wrapper.weight.detach(), self.wrapper.bias.detach())

    def forward(
        self, mel: Tensor, embedding: Tensor, *, masks: tuple[Tensor | None, ...] = (None,), batches: int = 1
    ) -> tuple[Scores, ...]:
        """Return one `Scores` for each class mask; everything below the head is evaluated once.

        Parameters
        ----------
        mel : (B, 1, F, frames) Tensor
            Linear mel magnitudes.
        embedding : (B, L, D) Tensor
            Result of `embed`; networks with the same frozen transformer can share it.
        masks : tuple of (B, C) bool Tensor or None
            Valid classes of each clip; None: all.
        batches : int
            Batches of one size that the clips belong to: batch norm sees each by itself.
        """
        return self.head(self.trunk(mel, embedding, batches=batches), masks)

    def window_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, T, C) of clips ``waveform`` (B, N), N at most 10 s, without class mask."""
        return self.frame_probabilities(self.features(waveform))

    def frame_probabilities(self, features: Features) -> Tensor:
        """Return probabilities (B, T, C) of every frame for `features`, without class mask."""
        return self._scores(features).strong.transpose(1, 2)

    def clip_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, C) of whole clips ``waveform`` (B, N), N at most 10 s, without class mask."""
        return self._scores(self.features(waveform)).weak

    def _scores(self, features: Features) -> Scores:
        (scores,) = self(features.mel, self.embed(features.transformer))
        return scores

    def num_frames(self, num_samples: int) -> int:
        """Return the CNN's number of frames for ``num_samples`` samples; at least one."""
        hop = self.config.crnn.hop
        return max(1, (1 + num_samples // hop) // (self.frame_samples // hop))

    def trunk(self, mel: Tensor, embedding: Tensor, *, batches: int = 1) -> Tensor:
        """Return frame features (B, T, 2 · rnn_dim) from magnitudes and embeddings (B, L, D)."""
        probability = self.config.crnn.dropout
        frames = self.cnn(mel) if batches == 1 else torch.cat([self.cnn(part) for part in mel.chunk(batches)])
        pool = self.embed_pool or partial(pool_time, mode=self.config.embed_pool)
        embedding = pool(embedding, frames.shape[1])
        merged = torch.cat([frames, embedding.to(frames.dtype)], dim=-1)
        merged = self.merge(dropout(merged, probability, self.training))
        return dropout(self.rnn(merged), probability, self.training)

    def freeze_transformer(self) -> Detector:
        """Stop training of the transformer and keep it and its front-end in evaluation mode; return self."""
        self._transformer_frozen = True
        self.transformer.requires_grad_(False)
        return self.train(self.training)

    def train(self, mode: bool = True) -> Detector:
        """Set training mode; a frozen transformer and its front-end stay in evaluation mode."""
        super().train(mode)
        if self._transformer_frozen:
            self.transformer.eval()
            self.transformer_frontend.eval()
        return self
