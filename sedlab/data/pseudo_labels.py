"""Pseudo-labels for training: probabilities by clip, read from a score file.

Its ``strong_logits`` are (clips, frames, classes); see `stored_logits` for the layout.
"""

from __future__ import annotations

from pathlib import Path

from sedlab.data.stored_logits import StoredProbabilities, open_logits
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES


def read_pseudo_labels(path: str | Path) -> StoredProbabilities:
    """Return the pseudo-labels in a score file; logits are read clip by clip when asked for.

    Raises
    ------
    SedlabError
        For a file that is missing, no score file, or names a clip twice.
    """
    path = Path(path)
    with open_logits(path, "pseudo-label file", absent="Make it with the ensemble of an earlier iteration.") as file:
        clip_ids, shape, classes = file.clip_ids, file.logits.shape, file.classes
    if len(shape) != 3 or shape[0] != len(clip_ids) or (classes and len(classes) != shape[2]):
        raise SedlabError(
            f"{path}: strong_logits has shape {shape}; expected ({len(clip_ids)} clips, frames, "
            f"{len(classes or CLASSES)} classes)."
        )
    rows = {clip_id: row for row, clip_id in enumerate(clip_ids)}
    if len(rows) != len(clip_ids):
        raise SedlabError(f"{path}: names a clip twice; {len(clip_ids)} rows for {len(rows)} clips.")
    return StoredProbabilities(file, rows, classes or CLASSES, num_frames=shape[1], class_axis=2)
