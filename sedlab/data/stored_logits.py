"""Logits of clips in one HDF5 file, the layout of the published pseudo-labels and teachers: what readers share.

``filenames`` (clips,) are names without extension, ``strong_logits`` (clips, ...) values before the logistic function;
the attribute ``classes`` names the classes, but for published files, which have none. Files written here also carry
checksums: ``row_checksums``, the CRC-32 of each clip's logits, and the attribute ``checksum``, that of all the rest, of
the attributes those that ``checked`` names.
HDF5 itself guards the places of the data in such files, and names are of fixed length, so no damage leads elsewhere.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sedlab.errors import SedlabError, os_problem, short
from sedlab.files import atomic_path
from sedlab.hdf5 import VERSION, open_hdf5, own_dataset, plain, put

if TYPE_CHECKING:
    import h5py

# A compressed file up to this size is read whole: a row may lie in many chunks.
_WHOLE_BYTES = 4 << 30
# Threads that ask at the same time would else each read such a file.
_OPENING = threading.Lock()


@dataclass(frozen=True, eq=False)
class LogitsFile:
    """An open file whose names and attributes are read and checked; the logits are not."""

    path: Path
    clip_ids: list[str]
    """In the order of their logits."""
    logits: h5py.Dataset
    """(clips, ...) float."""
    classes: tuple[str, ...]
    """None for a file that does not say."""
    attrs: dict[str, Any]
    """The other attributes: text, numbers, arrays."""
    checksums: np.ndarray | None
    """(clips,) of the rows; None for a file without, such as published ones."""

    def read(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """Return the logits of some clips (default: of all) if they are what was written; SedlabError otherwise."""
        found = self.logits[()] if rows is None else np.stack([self.logits[row] for row in rows])
        if self.checksums is not None:
            for row, values in zip(range(len(found)) if rows is None else rows, found, strict=True):
                check_row(self.path, self.clip_ids[row], values, self.checksums[row])
        return found


@contextmanager
def open_logits(
    path: Path, what: str, *, absent: str, form: str = "HDF5 file", damaged: str = "Copy or make it again."
) -> Iterator[LogitsFile]:
    """Open ``what`` to read from; raise SedlabError when it is missing, damaged (also in the block), or something else.

    Data that lie in other files, or nowhere, are refused: a score file never needs them. ``absent`` and ``damaged`` say
    what to do in the first two cases.
    """
    try:
        if not path.exists():
            raise SedlabError(f"{path}: no such {what}. {absent}")
        if not path.is_file():
            raise SedlabError(f"{path}: is no file. Name the {what} itself.")
    except (OSError, ValueError) as error:
        raise SedlabError(os_problem(error, path)) from None
    try:
        with open_hdf5(path) as file:
            # The list of names, as looking for one would follow a link.
            found = list(file)
            for name in ("filenames", "strong_logits"):
                if name not in found:
                    shown = ", ".join(found) or "nothing"
                    raise SedlabError(f"{path}: no dataset {name!r} (found: {shown[:200]}). This is not a {what}.")
            yield _read_frame(path, file)
    except SedlabError:
        raise
    except BlockingIOError:
        raise SedlabError(
            f"{path}: another program has it open for writing. Close it there (a notebook: restart its kernel), then "
            "run this again."
        ) from None
    except PermissionError as error:
        raise SedlabError(f"{path}: may not be read. Change its permissions.") from error
    except Exception as error:
        # Damaged, a file may make the library raise anything.
        line = " ".join(str(error).split()) or type(error).__name__
        raise SedlabError(f"{path}: not a readable {form} ({line[:300]}). {damaged}") from error


def write_logits(path: str | Path, clip_ids: Sequence[str], logits: np.ndarray, attrs: Mapping[str, Any]) -> None:
    """Write logits (clips, ...) with their checksums, whole or not at all; sequences of text in ``attrs`` as arrays."""
    import h5py

    # Nobody else knows the temporary file, so it needs no lock.
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver=VERSION, locking=False) as file:
        put(file.create_dataset, "filenames", list(clip_ids))
        file.create_dataset("strong_logits", data=logits)
        rows = np.array([_checksum(row) for row in logits], dtype=np.uint32)
        file.create_dataset("row_checksums", data=rows)
        for name, value in attrs.items():
            put(file.attrs.create, name, value)
        put(file.attrs.create, "checked", list(attrs))
        file.attrs["checksum"] = _frame_checksum(file, list(clip_ids), rows)


def check_row(path: Path, clip_id: str, values: np.ndarray, checksum: int) -> None:
    """Raise SedlabError unless the logits of a clip have this checksum."""
    if _checksum(values) != checksum:
        raise SedlabError(
            f"{path}: damaged, the logits of {clip_id!r} are not those that were written. Delete the file and make or "
            "copy it again."
        )


def _read_frame(path: Path, file: h5py.File) -> LogitsFile:
    """Return everything but the logits; SedlabError where it is not what such a file holds, ValueError for damage."""
    import h5py

    names, logits = (own_dataset(path, file, name) for name in ("filenames", "strong_logits"))
    if h5py.check_string_dtype(names.dtype) is None or names.ndim != 1:
        raise SedlabError(
            f"{path}: 'filenames' is not a list of text but {names.dtype} {names.shape}. Write a name a clip, (clips,)."
        )
    if logits.dtype.kind != "f":
        raise SedlabError(
            f"{path}: 'strong_logits' does not hold real numbers but {logits.dtype}. Write logits as float32."
        )
    clip_ids = [str(name) for name in names.asstr("utf-8", errors="surrogateescape")[()]]
    attrs = {name: plain(value) for name, value in file.attrs.items()}
    checksum, checksums = attrs.pop("checksum", None), None
    if checksum is not None or "row_checksums" in list(file):
        if "row_checksums" not in list(file):
            raise ValueError("damaged: its checksums are gone")
        checksums = np.atleast_1d(own_dataset(path, file, "row_checksums")[()])
        if checksum != _frame_checksum(file, clip_ids, checksums) or checksums.shape != logits.shape[:1]:
            raise ValueError("damaged: its names or attributes are not those that were written")
    attrs.pop("checked", None)
    classes = attrs.pop("classes", [])
    # Names that differ by blanks alone are one name to whoever reads them.
    names = {str(name).strip() for name in classes} if isinstance(classes, list) else set()
    if not isinstance(classes, list) or len(names) != len(classes) or "" in names:
        raise SedlabError(f"{path}: 'classes' are not different names but {short(classes)}. Write a name a class.")
    return LogitsFile(path, clip_ids, logits, tuple(classes), attrs, checksums)


def _frame_checksum(file: h5py.File, clip_ids: list[str], rows: np.ndarray) -> int:
    """Return the CRC-32 of all that was written but the logits, which have their own in ``rows``."""
    # Others may add notes of their own later.
    checked = plain(file.attrs["checked"])
    attrs = [(name, plain(file.attrs[name])) for name in checked]
    logits = file["strong_logits"]
    frame = [clip_ids, logits.shape, logits.dtype.str, rows.tolist(), attrs]
    return zlib.crc32(json.dumps(frame, default=np.ndarray.tolist).encode())


def _checksum(values: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(values))


class StoredProbabilities(Mapping[str, np.ndarray]):
    """Mapping of clip id to probabilities (classes, frames) float32, read when asked for.

    Logits stay on disk and are mapped into memory in each process that reads them (of a compressed file, see
    `_WHOLE_BYTES`), so an instance may be sent to ``DataLoader`` workers.

    Parameters
    ----------
    file : LogitsFile
        Open or closed: it says where the logits are, and their checksums.
    rows : mapping of clip id to row
    classes : tuple of str
        Their names; ``columns`` says where each stands in the file (None: all of them, in this order).
    class_axis : int
        1 where a row is (classes, frames), 2 where it is (frames, classes).
    """

    def __init__(
        self,
        file: LogitsFile,
        rows: Mapping[str, int],
        classes: tuple[str, ...],
        *,
        num_frames: int,
        class_axis: int,
        columns: np.ndarray | None = None,
    ) -> None:
        self.path, self.classes, self.num_frames = file.path, classes, num_frames
        self._checksums = file.checksums
        self._rows, self._class_axis, self._columns = rows, class_axis, columns
        self._logits: Any = None

    def __getitem__(self, clip_id: str) -> np.ndarray:
        return self.stacked([clip_id])[0]

    def stacked(self, clip_ids: Sequence[str]) -> np.ndarray:
        """Return the probabilities (clips, classes, frames) of several clips.

        Raises
        ------
        SedlabError
            Where the logits of a clip are damaged or not finite.
        """
        rows = [self._rows[clip_id] for clip_id in clip_ids]
        with _OPENING:
            if self._logits is None:
                self._logits = self._open()
        if isinstance(self._logits, np.ndarray):
            stored = self._logits[rows]
        else:  # HDF5 wants rows in order, and each once
            stored = np.stack([self._logits[row] for row in rows])
        if self._checksums is not None:
            for clip_id, values, row in zip(clip_ids, stored, rows, strict=True):
                check_row(self.path, clip_id, values, self._checksums[row])
        logits = np.moveaxis(stored.astype(np.float32), self._class_axis, 1)
        if self._columns is not None:
            logits = logits[:, self._columns]
        if not np.isfinite(logits).all():
            clip_id = clip_ids[np.flatnonzero(~np.isfinite(logits).all(axis=(1, 2)))[0]]
            raise SedlabError(f"{self.path}: logits of {clip_id!r} are not finite. Copy or make the file again.")
        # exp overflows to inf for logits below -88, which is the right limit: probability 0.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(1.0 / (1.0 + np.exp(-logits)))

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _open(self) -> Any:
        logits = open_hdf5(self.path)["strong_logits"]
        offset = logits.id.get_offset()
        if offset is not None:
            mapped = np.memmap(self.path, dtype=logits.dtype, mode="r", offset=offset, shape=logits.shape)
            return mapped.view(np.ndarray)  # parts of which are made in a tenth of the time
        return logits[:] if logits.nbytes <= _WHOLE_BYTES else logits

    def __getstate__(self) -> dict[str, Any]:
        # An open file cannot be pickled, and a memory map would be as the hundreds of megabytes it shows.
        return self.__dict__ | {"_logits": None}
