"""Logits of clips in one HDF5 file, the layout of the published pseudo-labels and teachers: what its readers share.

``filenames`` (clips,) are names without extension, ``strong_logits`` (clips, ...) values before the logistic function;
the attribute ``classes`` names the classes, but for published files, which have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sedlab.errors import SedlabError

if TYPE_CHECKING:
    import h5py

# A compressed file up to this size is read whole: a row may lie in many chunks.
_WHOLE_BYTES = 4 << 30


@contextmanager
def open_logits(
    path: Path, what: str, *, absent: str, form: str = "HDF5 file", damaged: str = "Copy or make it again."
) -> Iterator[h5py.File]:
    """Open ``what`` to read from; raise SedlabError when it is missing, damaged (also in the block), or something else.

    ``absent`` and ``damaged`` say what to do in the first two cases.
    """
    import h5py

    if not path.is_file():
        raise SedlabError(f"{path}: no such {what}. {absent}")
    try:
        with h5py.File(path, "r") as file:
            for name in ("filenames", "strong_logits"):
                if name not in file:
                    found = ", ".join(file) or "nothing"
                    raise SedlabError(f"{path}: no dataset {name!r} (found: {found}). This is not a {what}.")
            yield file
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise SedlabError(f"{path}: not a readable {form} ({line}). {damaged}") from error


def clip_names(file: h5py.File) -> list[str]:
    """Return the names of the clips, in the order of their logits."""
    return [str(name) for name in file["filenames"].asstr("utf-8")[()]]


def class_names(file: h5py.File) -> tuple[str, ...]:
    """Return the names of the classes; none for a file that does not say."""
    names = file.attrs.get("classes", ())
    return tuple(name.decode() if isinstance(name, bytes) else str(name) for name in names)


class StoredProbabilities(Mapping[str, np.ndarray]):
    """Mapping of clip id to probabilities (classes, frames) float32, read when asked for.

    Logits stay on disk and are mapped into memory in each process that reads them (of a compressed file, see
    `_WHOLE_BYTES`), so an instance may be sent to ``DataLoader`` workers.

    Parameters
    ----------
    rows : mapping of clip id to row
    classes : tuple of str
        Their names; ``columns`` says where each stands in the file (None: all of them, in this order).
    class_axis : int
        1 where a row is (classes, frames), 2 where it is (frames, classes).
    """

    def __init__(
        self,
        path: Path,
        rows: Mapping[str, int],
        classes: tuple[str, ...],
        *,
        num_frames: int,
        class_axis: int,
        columns: np.ndarray | None = None,
    ) -> None:
        self.path, self.classes, self.num_frames = path, classes, num_frames
        self._rows, self._class_axis, self._columns = rows, class_axis, columns
        self._logits: Any = None

    def __getitem__(self, clip_id: str) -> np.ndarray:
        row = self._rows[clip_id]
        if self._logits is None:
            self._logits = self._open()
        logits_CT = np.moveaxis(self._logits[row].astype(np.float32), self._class_axis - 1, 0)
        if self._columns is not None:
            logits_CT = logits_CT[self._columns]
        if not np.isfinite(logits_CT).all():
            raise SedlabError(f"{self.path}: logits of {clip_id!r} are not finite. Copy or make the file again.")
        # exp overflows to inf for logits below -88, which is the right limit: probability 0.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(1.0 / (1.0 + np.exp(-logits_CT)))

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _open(self) -> Any:
        import h5py

        logits = h5py.File(self.path, "r")["strong_logits"]
        offset = logits.id.get_offset()
        if offset is not None:
            return np.memmap(self.path, dtype=logits.dtype, mode="r", offset=offset, shape=logits.shape)
        return logits[:] if logits.nbytes <= _WHOLE_BYTES else logits

    def __getstate__(self) -> dict[str, Any]:
        # An open file cannot be pickled, and a memory map would be as the hundreds of megabytes it shows.
        return self.__dict__ | {"_logits": None}
