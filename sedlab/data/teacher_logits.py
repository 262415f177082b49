"""Logits that an ensemble of teachers gave to the clips of AudioSet strong: targets for distillation.

The published file is HDF5 with ``filenames`` (clips,) and ``strong_logits`` (clips, classes, 250 frames) float16,
before the logistic function: class before time, unlike the pseudo-labels of the task. Classes are the attribute
``classes`` (AudioSet ids) or, in a file without it, those of the published networks with that many.

Source: PretrainedSED, arXiv 2409.09546; https://zenodo.org/records/14626113.
Shape letters: N clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sedlab.data.corpora.audioset import audio_spellings
from sedlab.data.corpora.audioset_classes import LABEL_SPACES, label_space
from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.grid import AUDIOSET_NUM_FRAMES


class TeacherLogits(Mapping[str, np.ndarray]):
    """Mapping of clip id to probabilities (C, T) float32 of ``classes``, read clip by clip when asked for.

    May be sent to ``DataLoader`` workers: each opens the file itself.
    """

    def __init__(self, path: Path, rows: dict[str, int], columns: np.ndarray, classes: tuple[str, ...]) -> None:
        self.path, self.classes, self.num_frames = path, classes, AUDIOSET_NUM_FRAMES
        self._rows, self._columns = rows, columns
        self._file: Any = None

    def __getitem__(self, clip_id: str) -> np.ndarray:
        import h5py

        if self._file is None:
            self._file = h5py.File(self.path, "r")
        logits_CT = self._file["strong_logits"][self._rows[clip_id]].astype(np.float32)[self._columns]
        if not np.isfinite(logits_CT).all():
            raise SedlabError(f"{self.path}: logits of {clip_id!r} are not finite. Copy or make the file again.")
        # exp overflows to inf for logits below -88, which is the right limit: probability 0.
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(-logits_CT))

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None}


def read_teacher_logits(path: str | Path, clip_ids: Sequence[str], classes: Sequence[str]) -> TeacherLogits:
    """Return the teachers' probabilities for ``clip_ids``, in the order of ``classes`` (AudioSet ids).

    A clip ``<id>_<start ms>`` may be listed under that name or as ``<id>``, with or without a leading Y, with or
    without ``.mp3`` or ``.wav``.

    Raises
    ------
    SedlabError
        When the file is missing, not such a file, or lacks one of the clips or classes.
    """
    import h5py

    path = Path(path)
    if not path.is_file():
        raise SedlabError(
            f"{path}: no such file of teacher logits. Correct distillation.logits, or set its weight to 0."
        )
    try:
        with h5py.File(path, "r") as file:
            for name in ("filenames", "strong_logits"):
                if name not in file:
                    raise SedlabError(f"{path}: no dataset {name!r}; teacher logits have filenames and strong_logits.")
            names, shape = _decoded(file["filenames"][:]), file["strong_logits"].shape
            stored = _decoded(file.attrs.get("classes", ()))
    except OSError as error:
        raise SedlabError(f"{path}: not a readable HDF5 file ({error}). Copy or make it again.") from None
    stored = _stored_classes(path, stored, shape, num_clips=len(names))
    missing = [mid for mid in classes if mid not in stored]
    if missing:
        raise SedlabError(
            f"{path}: the teachers know {len(stored)} classes, not {len(missing)} of the {len(classes)} to learn "
            f"(first: {missing[0]}). Choose pretrain.label_space train447, or other teachers."
        )
    position = {mid: index for index, mid in enumerate(stored)}
    columns = np.array([position[mid] for mid in classes])
    return TeacherLogits(path, _rows(path, names, clip_ids), columns, tuple(classes))


def write_teacher_logits(
    path: str | Path, clip_ids: Sequence[str], logits_NCT: np.ndarray, classes: Sequence[str]
) -> None:
    """Write logits (N, C, 250) of ``classes`` (AudioSet ids) in the published layout, with the classes' ids."""
    import h5py

    expected = (len(clip_ids), len(classes), AUDIOSET_NUM_FRAMES)
    if logits_NCT.shape != expected:
        raise SedlabError(f"{path}: logits have shape {logits_NCT.shape}, expected {expected}: clips, classes, frames.")
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file["filenames"] = list(clip_ids)
        file["strong_logits"] = logits_NCT.astype(np.float16)
        file.attrs["classes"] = list(classes)


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


def _rows(path: Path, names: tuple[str, ...], clip_ids: Sequence[str]) -> dict[str, int]:
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


def _decoded(values: Any) -> tuple[str, ...]:
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values)
