"""Logits that an ensemble of published teachers gave to the clips of AudioSet strong: targets for distillation.

The published ``strong_logits`` are (clips, classes, 250 frames) float16: class before time, unlike the pseudo-labels of
the task; see `stored_logits` for the layout. Classes are the attribute ``classes`` (AudioSet ids) or, in a file without
it, those of the published networks with that many.

Source: PretrainedSED, arXiv 2409.09546; https://zenodo.org/records/14626113.
Shape letters: N clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sedlab.data.corpora.audioset import audio_spellings
from sedlab.data.corpora.audioset_classes import LABEL_SPACES, label_space
from sedlab.data.stored_logits import StoredProbabilities, open_logits, write_logits
from sedlab.errors import SedlabError
from sedlab.grid import AUDIOSET_NUM_FRAMES


def read_teacher_logits(path: str | Path, clip_ids: Sequence[str], classes: Sequence[str]) -> StoredProbabilities:
    """Return the published teachers' probabilities for ``clip_ids``, in the order of ``classes`` (AudioSet ids).

    A clip ``<id>_<start ms>`` may be listed under that name or as ``<id>``, with or without a leading Y, with or
    without ``.mp3`` or ``.wav``.

    Raises
    ------
    SedlabError
        When the file is missing, not such a file, or lacks one of the clips or classes.
    """
    path = Path(path)
    absent = "Correct distillation.logits, or set its weight to 0."
    with open_logits(path, "file of teacher logits", absent=absent) as file:
        names, shape, stored = file.clip_ids, file.logits.shape, file.classes
    stored = _stored_classes(path, stored, shape, num_clips=len(names))
    missing = [mid for mid in classes if mid not in stored]
    if missing:
        raise SedlabError(
            f"{path}: the teachers know {len(stored)} classes, not {len(missing)} of the {len(classes)} to learn "
            f"(first: {missing[0]}). Choose pretrain.label_space train447, or other teachers."
        )
    position = {mid: index for index, mid in enumerate(stored)}
    columns = np.array([position[mid] for mid in classes])
    rows = _rows(path, names, clip_ids)
    return StoredProbabilities(
        file, rows, tuple(classes), num_frames=AUDIOSET_NUM_FRAMES, class_axis=1, columns=columns
    )


def write_teacher_logits(
    path: str | Path, clip_ids: Sequence[str], logits_NCT: np.ndarray, classes: Sequence[str]
) -> None:
    """Write logits (N, C, 250) of ``classes`` (AudioSet ids) in the published layout, with the classes' ids."""
    expected = (len(clip_ids), len(classes), AUDIOSET_NUM_FRAMES)
    if logits_NCT.shape != expected:
        raise SedlabError(f"{path}: logits have shape {logits_NCT.shape}, expected {expected}: clips, classes, frames.")
    write_logits(path, clip_ids, logits_NCT.astype(np.float16), {"classes": list(classes)})


def _stored_classes(path: Path, stored: tuple[str, ...], shape: tuple[int, ...], *, num_clips: int) -> tuple[str, ...]:
    published = {len(space): space for space in map(label_space, LABEL_SPACES)}
    if not stored and len(shape) == 3:
        stored = published.get(shape[1], ())
    if not stored or shape != (num_clips, len(stored), AUDIOSET_NUM_FRAMES):
        known = len(stored) or " or ".join(map(str, published))
        raise SedlabError(
            f"{path}: strong_logits has shape {shape}; expected ({num_clips} clips, {known} classes, "
            f"{AUDIOSET_NUM_FRAMES} frames). Classes come before frames in these files."
        )
    return stored


def _rows(path: Path, names: Sequence[str], clip_ids: Sequence[str]) -> dict[str, int]:
    listed = {name.removesuffix(".mp3").removesuffix(".wav"): row for row, name in enumerate(names)}
    rows = {}
    for clip_id in clip_ids:
        found = next((listed[name] for name in audio_spellings(clip_id) if name in listed), None)
        if found is not None:
            rows[clip_id] = found
    missing = [clip_id for clip_id in clip_ids if clip_id not in rows]
    if missing:
        raise SedlabError(
            f"{path}: no teacher logits for {len(missing)} of {len(clip_ids)} clips (first: {missing[0]}). Use the "
            "file that belongs to these clips, leave the clips out, or set distillation.weight to 0."
        )
    return rows
