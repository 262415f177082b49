"""Checkpoint files: damage of the archive, other archives, other formats; and the commands that read them."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from random import Random

from fuzzing.case import Case, Ideas
from fuzzing.checkpoint_contents import CONTENT
from fuzzing.commands import reading_checkpoint
from fuzzing.material import Material

FILE = Ideas()


@FILE.good
def of_the_older_format(random: Random, path: Path) -> None:
    import torch

    torch.save(torch.load(path, weights_only=True), path, _use_new_zipfile_serialization=False)


@FILE.either
def tensors_under_a_common_prefix(random: Random, path: Path) -> None:
    import torch

    content = torch.load(path, weights_only=True)
    prefix = random.choice(["_orig_mod.", "module.", "model.", "module._orig_mod."])
    networks = content["networks"]
    content["networks"] = {k: {prefix + name: value for name, value in state.items()} for k, state in networks.items()}
    torch.save(content, path)


@FILE.bad
def code(random: Random, path: Path) -> None:
    import torch

    class Code:
        def __reduce__(self):
            return (print, ("pwned",))

    if random.random() < 0.5:
        torch.save({"format": "sedlab-detector-1", "x": Code()}, path)
    else:
        path.write_bytes(pickle.dumps(Code()))


@FILE.bad
def cut_off(random: Random, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(
        content[: random.choice([0, 1, 4, 100, len(content) // 2, len(content) - 1, random.randrange(len(content))])]
    )


@FILE.bad
def one_bit(random: Random, path: Path) -> None:
    """Flip a bit of a tensor: what torch does not check itself."""
    with zipfile.ZipFile(path) as archive:
        chosen = random.choice([info for info in archive.infolist() if "/data/" in info.filename and info.file_size])
        with archive.open(chosen):
            begin = archive.fp.tell() if archive.fp else 0
    content = bytearray(path.read_bytes())
    place = content.find(zipfile.ZipFile(path).read(chosen), max(begin - chosen.file_size - 400, 0))
    content[place + random.randrange(chosen.file_size)] ^= 1 << random.randrange(8)
    path.write_bytes(content)


@FILE.either
def changed_bytes(random: Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(random.choice([1, 5, 50])):
        content[random.choice([random.randrange(len(content)), random.randrange(600), -random.randrange(1, 3000)])] = (
            random.randrange(256)
        )
    path.write_bytes(content)


@FILE.bad
def another_archive(random: Random, path: Path) -> None:
    how = random.randrange(4)
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            name = info.filename
            if how == 0 and name.endswith("data.pkl"):
                continue
            data = old.read(info)
            if how == 1 and name.endswith("data.pkl"):
                data = random.choice([b"", b"\x80\x02.", data[:-10], b"x" * 50])
            if how == 2 and "/data/" in name:
                data = data[: len(data) // 2]
            new.writestr(name if how != 3 else name.replace("data", "dada"), data)
    path.write_bytes(buffer.getvalue())


@FILE.bad
def another_file(random: Random, path: Path) -> None:
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros(3))
    path.write_bytes(
        random.choice(
            [
                b"",
                b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n",
                b"<!DOCTYPE html><html>x</html>",
                b"PK\x05\x06" + bytes(18),
                b"PK\x03\x04",
                random.randbytes(500),
                pickle.dumps({"a": 1}),
                buffer.getvalue(),
                b"\x89HDF\r\n\x1a\n",
                b"\x80\x02}q\x00.",
                b"(dp0\n.",
                b"RIFF\x24\0\0\0WAVE",
                b"\x80\x05\x95",
                json.dumps({"state_dict": {}}).encode(),
            ]
        )
    )


@FILE.bad
def no_file(random: Random, path: Path) -> None:
    path.unlink()
    what = random.randrange(3)
    if what == 0:
        path.mkdir()
    elif what == 1:
        path.symlink_to(random.choice(["nothing", path.name, "/dev/null", "/dev/zero"]))


@FILE.bad
def safetensors_of_nothing_known(random: Random, path: Path) -> None:
    head = random.choice(
        [
            b"{}",
            b'{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
            b'{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}',
            b'{"x":{"dtype":"Q9","shape":[2],"data_offsets":[8,0]}}',
            b"[" * 1000,
            b'{"__metadata__":3}',
        ]
    )
    size = random.choice([len(head), len(head), 2**60, 0])
    path.write_bytes(size.to_bytes(8, "little") + head + bytes(8))


def checkpoint_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Change a checkpoint that a command, or a user's script, reads."""
    import torch

    material.take(folder, "atst.pt", "sound.wav")
    path = folder / "atst.pt"
    chosen = (CONTENT.all + FILE.all)[index % len(CONTENT.all + FILE.all)]
    if chosen in FILE.all:
        chosen.change(random, path)
    else:
        torch.save(chosen.change(random, torch.load(path, weights_only=True)), path)
    arguments, outputs = reading_checkpoint(random, path.name)
    return Case(arguments, chosen.name, _bad_for(arguments, chosen.name, chosen.bad), outputs)


def _bad_for(arguments: tuple[str, ...], idea: str, bad: bool | None) -> bool | None:
    """Return whether a command must refuse: `weights inspect` may describe what cannot be loaded."""
    return None if bad and arguments[:2] == ("weights", "inspect") and "less" not in idea else bad
