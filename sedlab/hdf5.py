"""HDF5 files: opened with care, as they come from anywhere, and written so that damage shows."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sedlab.errors import SedlabError

if TYPE_CHECKING:
    import h5py

#: From this version on, HDF5 keeps checksums of where things are in a file.
VERSION = "v108"

# Logits are noise to a compressor. What unpacks to more is not logits.
_MAX_UNPACKED = 100
_SMALL_BYTES = 64 << 20
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file to read from, also where there are no locks."""
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        # Some network file systems have no locks.
        if error.errno in _NO_LOCKS:
            return h5py.File(path, "r", locking=False)
        raise


def own_dataset(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """Return a dataset that lies in the file itself; SedlabError for any other, ValueError for a part of one."""
    import h5py

    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise SedlabError(f"{path}: {name!r} is a link to another place. Write the data themselves under this name.")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise SedlabError(f"{path}: {name!r} is no array. Write the data themselves under this name.")
    if dataset.is_virtual or dataset.external:
        raise SedlabError(f"{path}: {name!r} lies in other files. Write its data into this file.")
    size, unpacked = path.stat().st_size, math.prod(dataset.shape) * dataset.dtype.itemsize
    if unpacked > max(_MAX_UNPACKED * size, _SMALL_BYTES):
        raise ValueError(f"{name!r} says it has {unpacked} bytes, the file has {size}")
    if dataset.chunks:
        chunks = math.prod(-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True))
        complete = dataset.id.get_num_chunks() == chunks
    else:
        complete = dataset.id.get_storage_size() >= unpacked
    if not complete:
        raise ValueError(f"{name!r} is not all there")
    _check_lengths(path, dataset, size)
    return dataset


def put(create: Callable[..., Any], name: str, value: Any) -> None:
    """Create a dataset or attribute; text in fixed length, whose place in the file HDF5 guards."""
    import h5py

    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        create(name, data=value)
        return
    content = [text.encode("utf-8", "surrogateescape") for text in texts]
    kind = h5py.string_dtype("utf-8", max(map(len, [*content, b" "])))
    create(name, data=np.array(content if texts is value else content[0], dtype=kind))


def plain(value: Any) -> Any:
    """Return what h5py gives for an attribute as Python has it: lists of text, arrays of numbers."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        return [plain(item) for item in value.ravel().tolist()]
    return value


def _check_lengths(path: Path, dataset: h5py.Dataset, size: int) -> None:
    """Raise ValueError for text longer than the file, for which HDF5 would take memory before it looks."""
    import h5py

    offset, text = dataset.id.get_offset(), h5py.check_string_dtype(dataset.dtype)
    if offset is None or text is None or text.length is not None or not dataset.size:
        return
    places = np.dtype([("length", "<u4"), ("place", "<u8"), ("index", "<u4")])
    lengths = np.memmap(path, places, mode="r", offset=offset, shape=dataset.shape)["length"]
    if lengths.sum(dtype=np.int64) > size:
        raise ValueError(f"{dataset.name!r} says it holds more text than the file")
