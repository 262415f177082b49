"""Checkpoints: the frame's values by type, sizes, names, tensors, damage of the archive, other formats."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.case import Case, Ideas
from fuzzing.commands import reading_checkpoint
from fuzzing.material import Material
from fuzzing.trees import ODD_VALUES, add_key, change_value, drop_value, odd_json

#: Ideas that change the content, (random, content) -> content, and those that change the file, (random, path).
CONTENT, FILE = Ideas(), Ideas()
State = dict[str, Any]


def _student(content: State) -> State:
    return content["networks"]["student"]


def _some(random: Random, content: State, *, floating: bool = True) -> str:
    return random.choice([k for k, value in _student(content).items() if value.is_floating_point() or not floating])


@CONTENT.bad
def an_entry_less(random: Random, content: State) -> Any:
    del content[random.choice(["classes", "model", "networks"])]
    return content


@CONTENT.bad
def an_entry_of_another_type(random: Random, content: State) -> Any:
    import torch

    name = random.choice(["classes", "model", "networks"])
    odd = [*ODD_VALUES, torch.zeros(3), 1j, b"x", (1, 2), {1: 2}, [1.5], torch.zeros(3).to_sparse(),
        {"student": None}, {"student": {1: 2}},
           {"student": {"x": 3}}, {"student": [torch.zeros(2)]}, {3: {}}, [["a"]], {"student": {}}]  # fmt: skip
    content[name] = random.choice(odd)
    return content


@CONTENT.either
def a_note_of_another_type(random: Random, content: State) -> Any:
    content[random.choice(["sedlab", "torch", "frontends", "node"])] = random.choice(ODD_VALUES)
    return content


@CONTENT.bad
def another_format(random: Random, content: State) -> Any:
    content["format"] = random.choice(
        ["", "sedlab-detector-9", "sedlab-tagger-1", "x" * 5000, "\u202e", None, 3, ["a"], "a\nb"]
    )
    return content


@CONTENT.bad
def other_classes(random: Random, content: State) -> Any:
    classes = content["classes"]
    content["classes"] = random.choice(
        [
            classes[:-1],
            [*classes, "x"],
            [classes[0], *classes[:-1]],
            list(range(len(classes))),
            [],
            [[c] for c in classes],
            ["", *classes[1:]],
            "".join("x" for _ in classes),
            [None] * len(classes),
            dict.fromkeys(classes[:-1], 1),
            [1.5] * len(classes),
            ["x" * 100_000, *classes[2:]],
            [classes[0] + " ", *classes[:-1]],
        ]
    )
    return content


@CONTENT.bad
def other_sizes(random: Random, content: State) -> Any:
    model = json.loads(content["model"])
    values = [0, -1, 1, 7, 10**6, 10**9, 10**30, 1.5, "x", None, [], True]
    part = random.choice([model["transformer"], model["crnn"], model])
    name = random.choice([k for k, v in part.items() if isinstance(v, int) and not isinstance(v, bool)])
    part[name] = random.choice([value for value in values if value != part[name]])
    if name in ("fmin_range", "fmax_range", "fmin", "fmax", "max_tokens") and isinstance(part[name], int):
        part[name] = -1
    content["model"] = json.dumps(model)
    return content


@CONTENT.either
def another_configuration(random: Random, content: State) -> Any:
    model = json.loads(content["model"])
    random.choice([change_value, change_value, drop_value])(random, model)
    content["model"] = json.dumps(model)
    return content


@CONTENT.bad
def a_configuration_with_more(random: Random, content: State) -> Any:
    model = json.loads(content["model"])
    add_key(random, model)
    content["model"] = json.dumps(model)
    return content


@CONTENT.bad
def a_configuration_that_is_no_json(random: Random, content: State) -> Any:
    content["model"] = odd_json(random, content["model"]).decode("utf-8", "replace")
    return content


@CONTENT.bad
def tensors_less(random: Random, content: State) -> Any:
    for _ in range(random.choice([1, 3])):
        del _student(content)[_some(random, content)]
    return content


@CONTENT.bad
def tensors_more(random: Random, content: State) -> Any:
    import torch

    _student(content)[random.choice(["x", "", "head.x", "a" * 5000, "\u202e", "transformer"])] = torch.zeros(2)
    return content


@CONTENT.bad
def a_tensor_of_another_shape(random: Random, content: State) -> Any:
    import torch

    name = _some(random, content)
    value = _student(content)[name]
    shapes = [(0,), (), (*value.shape, 1), (7, *value.shape[1:]), value.shape[::-1], (1,)]
    _student(content)[name] = torch.zeros(
        random.choice([shape for shape in shapes if tuple(shape) != tuple(value.shape)])
    )
    return content


@CONTENT.bad
def a_tensor_of_another_kind(random: Random, content: State) -> Any:
    import torch

    name = _some(random, content)
    value = _student(content)[name]
    kinds = [torch.complex64, torch.bool, torch.int8, torch.int64]
    others = [None, 3, "x", [1.0], value.numpy().tolist(), value.to("meta"), value.to_sparse(), b"x"]
    _student(content)[name] = random.choice([*(value.to(kind) for kind in kinds), *others])
    return content


@CONTENT.either
def tensors_of_other_precision(random: Random, content: State) -> Any:
    import torch

    kind = random.choice([torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn])
    for name, value in _student(content).items():
        if value.is_floating_point():
            _student(content)[name] = value.to(kind)
    return content


@CONTENT.bad
def tensors_that_are_not_finite(random: Random, content: State) -> Any:
    name = _some(random, content)
    _student(content)[name] = _student(content)[name] * float(random.choice(["nan", "inf"]))
    return content


@CONTENT.good
def tensors_that_are_no_rows(random: Random, content: State) -> Any:
    for name, value in _student(content).items():
        if value.ndim == 2:
            _student(content)[name] = value.t().contiguous().t()
    return content


@CONTENT.bad
def no_student(random: Random, content: State) -> Any:
    student = content["networks"].pop("student")
    content["networks"] = random.choice([{"pupil": student}, {}, {"": student}, student])
    return content


@CONTENT.bad
def something_else_entirely(random: Random, content: State) -> Any:
    import torch

    return random.choice(
        [
            {},
            [],
            None,
            3,
            "x",
            torch.zeros(3),
            {"state_dict": {}},
            {"state_dict": 3},
            {"model": {}},
            {"student": {}},
            {"cfg": 3, "model": {}},
            {"x": torch.zeros(2)},
            {1: 2},
            [content],
            {"state_dict": [1, 2]},
            {"cfg": {}, "model": {"x": torch.zeros(2)}},
            {"state_dict": {1: 2}},
            {"state_dict": {"": torch.zeros(2)}},
            {"student": {"x": 1}},
            {"model": [torch.zeros(2)]},
        ]
    )


@CONTENT.either
def deep(random: Random, content: State) -> Any:
    value: Any = 1
    for _ in range(random.choice([50, 150])):
        value = [value]
    content[random.choice(["note", "classes", "node"])] = value
    return content


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
