"""From a checkpoint file to a predictor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sedlab.checkpoints.loading import load_network
from sedlab.config.model import PoolMode
from sedlab.inference.predictor import Predictor


def load_detector(
    path: str | Path,
    *,
    network: str = "student",
    embed_pool: PoolMode | None = None,
    fmax_range: int | None = None,
    heads: int | None = None,
    classes: Sequence[str] | None = None,
    clip_head: Literal["linear", "attention"] | None = None,
    ignore: Sequence[str] = (),
) -> Predictor:
    """Return a predictor with the network in ``path``, on the CPU.

    The format is recognised by the content: our own, the detectors of CP-JKU's DCASE 2024 system (stage 1 and 2), the
    networks of PretrainedSED with a strong head, and AudioSet wrappers with both heads, written by `torch.save` or
    safetensors. Loading is strict.

    Parameters
    ----------
    network : str
        "student" or "teacher": the mean teacher, running mean of the student.
    embed_pool : str, optional
        How a detector pools embeddings. Published files do not say; the default is that of the published recipes:
        nearest-exact for PaSST and BEATs, adaptive averages (aap) for ATST.
    fmax_range : int, optional
        PaSST: the mel bands end at 8000 Hz - fmax_range // 2. Published files do not say; default 2000 (recipes).
    heads : int, optional
        Attention heads of a published PaSST or ATST, when they are not one for each 64 dimensions.
    classes : sequence of str, optional
        Class names, for files that have an unknown number of them.
    clip_head : "linear" or "attention", optional
        What the weak head of a PretrainedSED file is; the released ones are linear (default).
    ignore : sequence of str
        Patterns (``head.*``) of tensors to leave out, in files that hold more than the format allows.

    Returns
    -------
    Predictor
        Its ``network`` is a torch module in evaluation mode. Its ``classes`` are names: AudioSet ids ("MIDs") are
        replaced by AudioSet's English names.

    Raises
    ------
    SedlabError
        When the file is missing, damaged or of unknown format, holds no such ``network`` or no event head, or its
        tensors are not exactly those of the network.

    Examples
    --------
    >>> detector = sedlab.load_detector("atst_stage2.ckpt")
    >>> detector.predict(torch.zeros(160000)).probabilities.shape
    (1, 156, 27)
    """
    settings = {"embed_pool": embed_pool, "fmax_range": fmax_range, "clip_head": clip_head}
    return Predictor(load_network(path, network=network, heads=heads, classes=classes, ignore=ignore, **settings))
