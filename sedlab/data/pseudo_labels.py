"""Pseudo-labels for training: probabilities by clip, read from a score file; whether they suffice for one.

Its ``strong_logits`` are (clips, frames, classes); see `stored_logits` for the layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def require_pseudo_labels(
    pseudo_labels: Mapping[str, StoredProbabilities],
    keys: Iterable[tuple[str, str]],
    subsets: Iterable[str],
    *,
    classes: tuple[str, ...],
    num_frames: int,
) -> None:
    """Refuse pseudo-labels that do not cover ``subsets`` and the clips ``keys`` (subset, clip) as a training needs.

    Raises
    ------
    SedlabError
        When a subset or clip has none, or they are of other classes or frames.
    """
    clips: dict[str, list[str]] = {}
    for subset, clip_id in keys:
        clips.setdefault(subset, []).append(clip_id)
    for subset in subsets:
        if subset not in pseudo_labels:
            raise SedlabError(f"pseudo-labels: none given for {subset}. Make them for every training subset.")
        labels, wanted = pseudo_labels[subset], clips.get(subset, [])
        if labels.classes != classes or labels.num_frames != num_frames:
            raise SedlabError(
                f"{labels.path}: {len(labels.classes)} classes on {labels.num_frames} frames; training needs the "
                f"{len(classes)} {'task classes' if classes == CLASSES else 'classes of the corpus'} on {num_frames} "
                "frames. Make the pseudo-labels again."
            )
        missing = [clip_id for clip_id in wanted if clip_id not in labels]
        if missing:
            raise SedlabError(
                f"{labels.path}: no pseudo-labels for {len(missing)} of {len(wanted)} clips of {subset} "
                f"(first: {missing[0]}). Make the pseudo-labels again, or leave these clips out."
            )
