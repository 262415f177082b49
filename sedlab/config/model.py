"""Sizes and constants of the networks. The defaults are the published (base) sizes.

Source: models of the CP-JKU DCASE 2024 Task 4 system, arXiv 2408.00791 and its public code.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sedlab.config.base import Config
from sedlab.grid import FRAME_SAMPLES
from sedlab.labels import CLASSES

Arch = Literal["passt", "beats", "atst"]
ARCHS: tuple[Arch, ...] = ("passt", "beats", "atst")
PoolMode = Literal["aap", "nearest", "nearest-exact", "linear", "conv"]
#: Sizes come from files too: what is far beyond any network is refused before anything of that size is built.
Size = Annotated[int, Field(gt=0, le=65_536)]
Layers = Annotated[int, Field(gt=0, le=256)]
Hertz = Annotated[float, Field(ge=0, le=8000)]
HertzRange = Annotated[int, Field(gt=0, le=8000)]


class SizesOfTransformer(Config):
    """What all transformers have: ``depth`` blocks of width ``dim`` with ``heads`` of attention."""

    arch: Arch
    dim: Size = 768
    depth: Layers = 12
    heads: Size = 12
    mlp_dim: Size = 3072
    num_mels: Size = 128

    @model_validator(mode="after")
    def _check_heads(self) -> SizesOfTransformer:
        if self.dim % self.heads:
            raise ValueError(f"dim ({self.dim}) must be a multiple of heads ({self.heads})")
        return self


class PasstConfig(SizesOfTransformer):
    """Frame-level PaSST: convolutional stem, patches that span all frequencies, pre-norm blocks."""

    arch: Literal["passt"] = "passt"
    num_mels: Size = 128
    """Must be a multiple of 4: the stem halves the mel axis twice and folds channels back into it."""
    stem_channels: tuple[Size, Size, Size] = (16, 32, 64)
    """Channels of the three stem convolutions; the last must be a multiple of 4."""
    max_tokens: Size = 250
    fmin: Hertz = 0.0
    fmin_range: HertzRange = 1
    fmax: Hertz | None = None
    """Upper band edge in Hz in evaluation; None: 8000 - fmax_range // 2."""
    fmax_range: HertzRange = 2000
    """Width in Hz of the random band edge in training mode."""

    @model_validator(mode="after")
    def _check(self) -> PasstConfig:
        if self.num_mels % 4 or self.stem_channels[-1] % 4:
            raise ValueError("num_mels and the last of stem_channels must be multiples of 4")
        highest = 8000 - self.fmax_range // 2 if self.fmax is None else self.fmax
        if self.fmin >= highest:
            raise ValueError(f"fmin ({self.fmin:g}) must be below the upper band edge ({highest:g})")
        return self


class BeatsConfig(SizesOfTransformer):
    """BEATs: square patches, post-norm blocks with deep-norm scaling and gated relative position bias."""

    arch: Literal["beats"] = "beats"
    num_mels: Size = 128
    """Must be a multiple of patch_size."""
    patch_size: Size = 16
    patch_dim: Size = 512
    position_kernel: Size = 128
    position_groups: Size = 16
    num_buckets: Size = 320
    max_distance: Size = 800
    dropout: float = Field(default=0.0, ge=0, lt=1)
    attention_dropout: float = Field(default=0.0, ge=0, lt=1)
    layer_drop: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> BeatsConfig:
        if self.num_mels % self.patch_size:
            raise ValueError("num_mels must be a multiple of patch_size")
        if self.dim % self.position_groups:
            raise ValueError("dim must be a multiple of position_groups")
        return self


class AtstConfig(SizesOfTransformer):
    """ATST-Frame: one token for each 4 frames over all mel bands, pre-norm blocks."""

    arch: Literal["atst"] = "atst"
    num_mels: Size = 64
    patch_frames: Size = 4
    max_tokens: Size = 250
    dropout: float = Field(default=0.0, ge=0, lt=1)
    top_db_scope: Literal["batch", "clip"] = "batch"
    """What the dynamic range of 80 dB refers to in training: the loudest cell of the batch (published), or of the clip.
    Scores always refer to the clip."""


TransformerConfig = Annotated[PasstConfig | BeatsConfig | AtstConfig, Field(discriminator="arch")]


class CrnnConfig(Config):
    """The convolutional branch, the merge with the transformer's embeddings, the recurrent layers."""

    num_mels: Size = 128
    n_fft: Size = 2048
    hop: Size = 256
    channels: tuple[Size, ...] = Field(default=(16, 32, 64, 128, 128, 128, 128), min_length=1, max_length=16)
    pools: tuple[tuple[Size, Size], ...] = ((2, 2), (2, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2))
    """Average pooling after each convolution as (time, frequency)."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    batchnorm_momentum: float = Field(default=0.99, gt=0, le=1)
    """Weight of the newest batch in the running statistics (published: almost only the last batch)."""
    merge_dim: Size = 256
    rnn_dim: Size = 256
    rnn_layers: Layers = 2

    @model_validator(mode="after")
    def _check(self) -> CrnnConfig:
        if len(self.channels) != len(self.pools):
            raise ValueError("channels and pools must have the same length")
        mels = self.num_mels
        for _, pool_mel in self.pools:
            mels //= pool_mel
        if mels != 1:
            raise ValueError(f"pools must reduce num_mels to 1, not {mels}")
        if self.n_fft < self.hop:
            raise ValueError("n_fft must not be smaller than hop")
        if self.frame_samples != FRAME_SAMPLES:
            raise ValueError("hop times the pooling in time must be 1024 samples: one output frame is 64 ms")
        return self

    @property
    def frame_samples(self) -> int:
        """Samples of 16 kHz in one output frame."""
        return self.hop * prod(time for time, _ in self.pools)


class DetectorConfig(Config):
    """A complete detector: transformer and CRNN, fused at the CRNN's frame rate."""

    transformer: TransformerConfig
    crnn: CrnnConfig = CrnnConfig()
    wrapper_dim: Size | None = 527
    """Width of the frozen linear layer between transformer and merge (PaSST, ATST); None: there is none."""
    embed_pool: PoolMode = "nearest-exact"
    """How embeddings are brought to the CRNN's frame rate: adaptive average, interpolation, or a learnt convolution."""
    num_classes: Size = len(CLASSES)
    """Outputs. A network that is trained has as many as its corpus has classes, whatever stands here."""


class TaggerConfig(Config):
    """A transformer with frame-level and clip-level heads and no CRNN: the networks trained on AudioSet."""

    transformer: TransformerConfig
    num_classes: Size
    """Classes of the frame-level head; 447 in the published PretrainedSED networks."""
    rnn_dim: Size | None = None
    """Width of a bidirectional GRU between transformer and heads; None: the heads are on the transformer."""
    rnn_layers: Layers = 2
    clip_head: Literal["linear", "attention"] | None = None
    """linear: on the mean over time. attention: weights for the frames' probabilities. None: there is none."""
    num_clip_classes: Size | None = None
    """Classes of a linear clip head; attention has those of the frames."""
    short_clips: Literal["interpolate", "average"] = "interpolate"
    """How fewer than 250 tokens are brought to 250: linear interpolation, or adaptive averages (repetition)."""

    @model_validator(mode="after")
    def _check(self) -> TaggerConfig:
        if (self.num_clip_classes is not None) != (self.clip_head == "linear"):
            raise ValueError("num_clip_classes belongs to clip_head linear")
        return self
