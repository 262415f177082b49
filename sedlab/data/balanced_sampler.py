"""Choose the clips of an epoch of pre-training and their order: all alike, or clips of rare classes first.

A few classes (speech, music) are in most clips of AudioSet and others in a few dozen. The weight of a clip is what its
frames are worth, and a frame of a rare class is worth more. Clips are drawn without replacement, so an epoch that is
nearly as large as the set changes little but the order; a short one changes what is heard.

Source: PretrainedSED, arXiv 2409.09546, and its public code.
Shape letters: N clips, C classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sedlab.data.sampler import BatchSampler, group_stream
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.grid import AUDIOSET_FRAME_SECONDS, AUDIOSET_NUM_FRAMES

#: Weight of a frame of class c: FRAME_WORTH / (PRIOR_FRAMES + active frames of c in the whole set).
FRAME_WORTH = 1000.0
PRIOR_FRAMES = 30.0


class ClipBatchSampler(BatchSampler):
    """Batches of AudioSet clips; the last one of an epoch is perhaps smaller.

    Parameters
    ----------
    num_clips : int
    batch_size : int
    samples_per_epoch : int, optional
        Clips drawn for an epoch, without replacement; None, or more than there are: all.
    weights : (N,) array, optional
        A clip is drawn next with a probability proportional to its weight, among those not drawn yet; clips of weight 0
        come last. None: all alike.
    seed : int
        Of the order in which clips are drawn.
    **share : int
        ``rank`` and ``num_ranks``, see `BatchSampler`.

    Raises
    ------
    SedlabError
        When there are no clips.
    """

    def __init__(
        self,
        num_clips: int,
        batch_size: int,
        *,
        seed: int,
        samples_per_epoch: int | None = None,
        weights: np.ndarray | None = None,
        **share: int,
    ) -> None:
        if not num_clips:
            raise SedlabError("there are no clips to draw from. Add data, or set pretrain to null to go without.")
        super().__init__({"audioset": batch_size}, seed=seed, **share)
        self._num_clips, self._batch_size = num_clips, batch_size
        self._num_draws = min(samples_per_epoch or num_clips, num_clips)
        self._weights = None if weights is None else np.asarray(weights, dtype=np.float64)

    def draw(self, epoch: int) -> np.ndarray:
        """Return the indices of the clips of an epoch, in order."""
        random = group_stream(self._seed, epoch, "audioset")
        if self._weights is None:
            return random.permutation(self._num_clips)[: self._num_draws]
        # Successive weighted draws without replacement are the order of exponential waiting times of these rates
        # (Efraimidis & Spirakis 2006): one sort in place of N draws.
        with np.errstate(divide="ignore"):
            waiting = random.exponential(size=self._num_clips) / self._weights
        return np.argsort(waiting, kind="stable")[: self._num_draws]

    def __len__(self) -> int:
        return -(-self._num_draws // self._batch_size)

    def whole_batches(self, epoch: int) -> Iterator[list[int]]:
        """Yield the batches of an epoch."""
        order = self.draw(epoch).tolist()
        for start in range(0, len(order), self._batch_size):
            yield order[start : start + self._batch_size]


def balanced_weights(corpus: Corpus, classes: Sequence[str]) -> np.ndarray:
    """Return the sampling weight (N,) of each clip of a corpus of one subset, in the order of its clip table.

    The sum over classes of (active frames of the class in the clip) * 1000 / (30 + its active frames in all clips).
    """
    clip, label, frames = _active_frames(corpus, classes)
    totals = np.bincount(label, weights=frames, minlength=len(classes))
    worth = frames * FRAME_WORTH / (PRIOR_FRAMES + totals[label])
    return np.bincount(clip, weights=worth, minlength=len(corpus))


def _active_frames(corpus: Corpus, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return clip index, class index and frames of each event; a frame that two events of a class share counts once."""
    import pandas as pd

    keys = ["clip_id", "label"]
    events = corpus.events[corpus.events["label"].isin(list(classes))].sort_values([*keys, "onset"], ignore_index=True)
    frames_per_second = round(1 / AUDIOSET_FRAME_SECONDS)
    first = np.floor((events["onset"] * frames_per_second).clip(0, AUDIOSET_NUM_FRAMES))
    stop = np.ceil((events["offset"] * frames_per_second).clip(0, AUDIOSET_NUM_FRAMES))
    # Events of a class do not overlap, but one may begin in the frame in which the one before it ends.
    same = (events[keys] == events[keys].shift()).all(axis=1)
    first = first.where(~same, np.maximum(first, stop.shift(fill_value=0)))
    clip = pd.Index(corpus.clips["clip_id"]).get_indexer(events["clip_id"])
    label = pd.Index(classes).get_indexer(events["label"])
    return clip, label, (stop - first).to_numpy(float)
