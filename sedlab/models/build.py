"""Which class belongs to which transformer configuration."""

from __future__ import annotations

from sedlab.config.model import TransformerConfig
from sedlab.models.atst import AtstTransformer
from sedlab.models.beats import BeatsTransformer
from sedlab.models.passt import PasstTransformer
from sedlab.models.transformer import AudioTransformer


def build_transformer(config: TransformerConfig) -> AudioTransformer:
    """Return a newly initialised transformer of the architecture and sizes in ``config``."""
    return {"passt": PasstTransformer, "beats": BeatsTransformer, "atst": AtstTransformer}[config.arch](config)
