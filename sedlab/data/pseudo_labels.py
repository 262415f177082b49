"""Pseudo-labels for training: probabilities by clip, read from a score file in the published HDF5 layout.

``filenames`` (clips,) names without extension, ``strong_logits`` (clips, frames, classes) before the logistic function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sedlab.errors import SedlabError
from sedlab.labels import CLASSES


def read_pseudo_labels(path: str | Path) -> PseudoLabels:
    """Return the pseudo-labels in a score file; logits are read clip by clip when asked for.

    Raises
    ------
    SedlabError
        For a file that is missing, no score file, or names a clip twice.
    """
    import h5py

    path = Path(path)
    if not path.is_file():
        raise SedlabError(f"{path}: no such pseudo-label file. Make it with the ensemble of an earlier iteration.")
    try:
        with h5py.File(path, "r") as file:
            missing = [name for name in ("filenames", "strong_logits") if name not in file]
            if missing:
                raise SedlabError(f"{path}: no dataset {missing[0]!r}; a score file has filenames and strong_logits.")
            clip_ids = [name.decode() if isinstance(name, bytes) else str(name) for name in file["filenames"][:]]
            logits = file["strong_logits"]
            shape, dtype, offset = logits.shape, logits.dtype, logits.id.get_offset()
            classes = _class_names(file.attrs.get("classes"))
    except OSError as error:
        raise SedlabError(f"{path}: not a readable HDF5 file ({error}). Copy or make it again.") from None
    if len(shape) != 3 or shape[0] != len(clip_ids) or (classes is not None and len(classes) != shape[2]):
        raise SedlabError(
            f"{path}: strong_logits has shape {shape}; expected ({len(clip_ids)} clips, frames, "
            f"{len(classes or CLASSES)} classes)."
        )
    if len(set(clip_ids)) != len(clip_ids):
        raise SedlabError(f"{path}: names a clip twice; {len(clip_ids)} rows for {len(set(clip_ids))} clips.")
    return PseudoLabels(path, clip_ids, shape, dtype=dtype, offset=offset, classes=classes or CLASSES)


class PseudoLabels(Mapping[str, np.ndarray]):
    """Mapping of clip id to probabilities (classes, frames) float32.

    Logits stay on disk and are mapped into memory in each process that reads them (a compressed file is read whole), so
    an instance may be sent to ``DataLoader`` workers.
    """

    def __init__(
        self,
        path: Path,
        clip_ids: list[str],
        shape: tuple[int, int, int],
        *,
        dtype: np.dtype,
        offset: int | None,
        classes: tuple[str, ...],
    ) -> None:
        self.path = path
        self.classes = classes
        self.num_frames = shape[1]
        self._rows = {clip_id: row for row, clip_id in enumerate(clip_ids)}
        self._shape, self._dtype, self._offset = shape, dtype, offset
        self._logits: np.ndarray | None = None

    def __getitem__(self, clip_id: str) -> np.ndarray:
        logits_TC = self._open()[self._rows[clip_id]].astype(np.float32)
        if not np.isfinite(logits_TC).all():
            raise SedlabError(f"{self.path}: logits of {clip_id!r} are not finite. Make the pseudo-labels again.")
        # exp overflows to inf for logits below -88, which is the right limit: probability 0.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray((1.0 / (1.0 + np.exp(-logits_TC))).T)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _open(self) -> np.ndarray:
        if self._logits is None:
            self._logits = self._mapped() if self._offset is not None else self._read_whole()
        return self._logits

    def _mapped(self) -> np.ndarray:
        return np.memmap(self.path, dtype=self._dtype, mode="r", offset=self._offset, shape=self._shape)

    def _read_whole(self) -> np.ndarray:
        import h5py

        with h5py.File(self.path, "r") as file:
            return file["strong_logits"][:]

    def __getstate__(self) -> dict[str, Any]:
        # A memory map would be pickled as the hundreds of megabytes it shows.
        return self.__dict__ | {"_logits": None}


def _class_names(attribute: Any) -> tuple[str, ...] | None:
    """Return the class names in a file's attribute; published files have none."""
    if attribute is None:
        return None
    return tuple(name.decode() if isinstance(name, bytes) else str(name) for name in attribute)
