"""What kind of file a path leads to, by its first bytes: one with weights, or something else, and what helps then."""

from __future__ import annotations

import shlex
import struct
import zipfile
from pathlib import Path
from typing import Literal

from sedlab.errors import SedlabError, os_problem
from sedlab.files import is_file

Kind = Literal["zip", "old", "safetensors"]
"""An archive of `torch.save`, the format that it had before 1.6, or a file of the library of this name."""

#: With this the older format of `torch.save` begins, after the version of pickle.
_OLD_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_BEGIN_BYTES = 512
#: What to do about a damaged checkpoint, of others or our own.
AGAIN = "Copy or download it again, or delete it and run again"
_UNPACK = "Unpack it, then give the file that was in it."
_SOUND = ("a sound file", "Give the checkpoint of a network with --checkpoint, and sounds as files to detect in.")
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs",
        "the pointer of Git LFS to one",
        "Run `git lfs pull` in its repository, or download the file itself.",
    ),
    (b"\x1f\x8b", "a file that gzip compressed", _UNPACK),
    (b"BZh", "a file that bzip2 compressed", _UNPACK),
    (b"\xfd7zXZ\0", "a file that xz compressed", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a file that zstd compressed", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "an archive of 7-Zip", _UNPACK),
    (b"Rar!", "an archive of RAR", _UNPACK),
    (b"\x89HDF", "an HDF5 file, such as one of scores", "Give the .pt or .ckpt file of the network."),
    (b"\x93NUMPY", "an array of numpy", "Give the .pt or .ckpt file of the network."),
    *((begin, *_SOUND) for begin in (b"RIFF", b"fLaC", b"OggS", b"ID3", b"FORM")),
)
_SAVE_PICKLE = "import pickle, torch; torch.save(pickle.load(open({path!r}, 'rb')), 'weights.ckpt')"
_STORE = "import torch; torch.save(torch.load({path!r}, map_location='cpu'), 'weights.ckpt')"
_SAVE_SCRIPT = "import torch; torch.save(torch.jit.load({path!r}, map_location='cpu').state_dict(), 'weights.ckpt')"


def kind_of(path: Path) -> Kind:
    """Return the kind of the checkpoint ``path``.

    Raises
    ------
    SedlabError
        When it is none: each kind of file that is taken for one has its own sentence.
    """
    if not is_file(path) and path.is_dir():
        raise SedlabError(f"{path}: is a folder. Give the .pt, .ckpt or .safetensors file in it.")
    if not is_file(path):
        raise SedlabError(
            f"{path}: no such checkpoint. Give the path of a .pt or .ckpt file; `sedlab run` makes some (best.pt)."
        )
    try:
        with path.open("rb") as file:
            begin, size = file.read(_BEGIN_BYTES), file.seek(0, 2)
    except OSError as error:
        raise SedlabError(os_problem(error, path)) from error
    if not size:
        raise SedlabError(f"{path}: not a readable checkpoint, or cut short (it is empty). {AGAIN}.")
    if begin.startswith(b"PK"):
        return _archive(path)
    if _OLD_MAGIC in begin[:32]:
        return "old"
    if begin[8:10] == b'{"' and (_header_bytes(begin) <= size - 8 or path.suffix == ".safetensors"):
        return "safetensors"
    what, remedy = _described(path, begin)
    raise SedlabError(f"{path}: not a readable checkpoint but {what}. {remedy}")


def program(code: str, path: Path) -> str:
    """Return the command that runs a line of Python on ``path``, for a shell."""
    return f"python -c {shlex.quote(code.format(path=str(path)))}"


def _archive(path: Path) -> Kind:
    """Return "zip" for what `torch.save` wrote, as far as the names of its members tell."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            packed = any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist())
    except Exception as error:  # no end, or a damaged one: zipfile has no one error for that
        raise SedlabError(
            f"{path}: not a readable checkpoint, or cut short (an archive without its end). {AGAIN}."
        ) from error
    if any("/code/" in name for name in names):
        raise SedlabError(
            f"{path}: not a readable checkpoint but a program of TorchScript. If you trust its source, keep the "
            f"weights alone: {program(_SAVE_SCRIPT, path)}"
        )
    if not any(name.endswith("data.pkl") for name in names):
        inside = [name for name in names if name.endswith((".pt", ".pth", ".ckpt", ".safetensors"))]
        remedy = f"Unpack it and give {inside[0]!r}" if inside else "Give the .pt or .ckpt file of the network"
        raise SedlabError(f"{path}: not a readable checkpoint but another zip archive. {remedy}.")
    # Mapped into memory, what is packed would be taken for the values.
    if packed:
        raise SedlabError(
            f"{path}: not a readable checkpoint but one that was compressed. Write it anew: {program(_STORE, path)}"
        )
    return "zip"


def _header_bytes(begin: bytes) -> int:
    """Return how long the JSON object is that a file of safetensors begins with."""
    return struct.unpack("<Q", begin[:8])[0]


def _described(path: Path, begin: bytes) -> tuple[str, str]:
    for other, what, remedy in _OTHERS:
        if begin.startswith(other):
            return what, remedy
    if begin[257:262] == b"ustar":
        return "an archive of tar", _UNPACK
    if begin.startswith(b"\x80"):
        return (
            "a pickle that torch did not write, and reading it could run code",
            f"If you trust its source, write it anew: {program(_SAVE_PICKLE, path)}",
        )
    text = begin.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="ignore").strip()
    if text.startswith("<"):
        return (
            "a web page, perhaps a login or an error",
            "Open its address in a browser and save the file itself.",
        )
    if (
        text
        and len(text.encode()) >= 0.9 * len(begin.strip())
        and text.replace("\n", " ").replace("\t", " ").isprintable()
    ):
        return f"a text ({text.splitlines()[0][:60]!r})", "Download the file itself, or give another one."
    return (
        f"a file of another kind (it begins with {begin[:8]!r})",
        f"Give one of torch.save or safetensors; if it was one: {AGAIN[0].lower()}{AGAIN[1:]}.",
    )
