"""Write the tables of values in docs/recipe.md from the preset `paper`: `python docs/recipe_tables.py`.

A test compares; after a change of `sedlab/presets/paper.yaml` run this once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from sedlab.config.loading import load_experiment

PAGE = Path(__file__).with_name("recipe.md")
_MARKED = re.compile(r"(<!-- table: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
_NAMES = {"passt": "fPaSST", "beats": "BEATs", "atst": "ATST"}

#: Settings that commands of the public README name; all others are defaults of its code.
_README = {
    "stage1": {
        *("epochs", "loss.maestro", "loss.strong", "loss.synth", "loss.weak", "loss.self_supervised", "loss.pseudo"),
        *("loss.ssl_no_class_mask", "loss.exclude_maestro_weak_ssl", "augment.mixstyle.p", "augment.filter.p"),
        *("optim.lr_cnn", "optim.lr_rnn"),
    },
    "stage2": {
        *("accumulation", "loss.maestro", "loss.strong", "loss.synth", "loss.weak", "loss.self_supervised"),
        *("loss.pseudo", "loss.exclude_maestro_weak_ssl", "augment.warp.p", "augment.warp.include_maestro"),
        *("optim.optimizer", "optim.lr_cnn", "optim.lr_rnn", "optim.layer_decay", "optim.weight_decay"),
    },
}
#: And those that they name for BEATs alone.
_README_BEATS = {
    "stage1": ("accumulation", "batch."),
    "stage2": ("batch.",),
}
#: What says nothing about the published system: how sedlab runs it, and ways that it does not go.
_OURS = (
    "use_pretrained",
    "initial_probability",
    "trainer.",
    "loss.include_maestro_ssl",
    "augment.device_response.folder",
)

#: What the page says of pre-training in words, and what is of other stages.
_ELSEWHERE = ("archs", "weights.", "models.", "distillation.", "optim.lr_cnn", "optim.ema_decay")


def with_tables(page: str) -> str:
    """Return the page with each marked table made anew."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{_table(found[2])}\n\n{found[3]}", page)


def _table(stage: str) -> str:
    experiment = load_experiment("paper")
    if stage == "pretrain":
        values = _leaves(experiment.pretrain.model_dump(mode="json"))
        told = [key for key in values if _is_told(key, [values]) and not key.startswith(_ELSEWHERE)]
        rows = [[f"`{key}`", _value(values[key])] for key in told]
        return "\n".join(map(_row, [["setting", "value"], ["---"] * 2, *rows]))
    nodes = {
        (iteration, arch): _leaves(experiment.node(stage, arch, iteration).training.model_dump(mode="json"))
        for iteration in (1, 2)
        for arch in experiment.archs
    }
    rows = []
    for key in nodes[1, "passt"]:
        columns = [{arch: nodes[iteration, arch][key] for arch in experiment.archs} for iteration in (1, 2)]
        if not _is_told(key, [nodes[place] for place in nodes]):
            continue
        first, second = map(_told, columns)
        rows.append([f"`{key}`", first, "the same" if first == second else second, _source(stage, key)])
    return "\n".join(map(_row, [["setting", "iteration 1", "iteration 2", "source"], ["---"] * 4, *rows]))


def _leaves(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = _leaves(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
        found |= inner
    return found


def _is_told(key: str, nodes: list[dict[str, Any]]) -> bool:
    """Whether a setting is of the recipe, and not one of something that is never used."""
    if key.startswith(_OURS):
        return False
    room, _, name = key.rpartition(".")
    if name == "layer_decay":
        return any(node["optim.lr_transformer"] for node in nodes)
    if key == "loss.ict_divisor":
        return any(node["loss.ict"] for node in nodes)
    if room.startswith("augment.") and name not in ("p", "max_db"):
        return any(node.get(f"{room}.p") for node in nodes)
    return True


def _source(stage: str, key: str) -> str:
    if key in _README[stage]:
        return "C; iteration 2 R"
    return "C; BEATs R" if key.startswith(_README_BEATS[stage]) else "C"


def _told(values: dict[str, Any]) -> str:
    """Say the values of the architectures: one, if they are the same."""
    told = [(_value(value), _NAMES[arch]) for arch, value in values.items()]
    if len({value for value, _ in told}) == 1:
        return told[0][0]
    ordered = sorted(told, key=lambda pair: [value for value, _ in told].index(pair[0]))
    groups = groupby(ordered, key=lambda pair: pair[0])
    return "; ".join(f"{', '.join(name for _, name in group)} {value}" for value, group in groups)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
