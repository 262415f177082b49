"""What a checkpoint holds: the frame's values by type, sizes, names, tensors."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from fuzzing.case import Ideas
from fuzzing.trees import ODD_VALUES, add_key, change_value, drop_value, odd_json

CONTENT = Ideas()
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
