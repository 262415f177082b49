"""Read a preset and overrides as a validated experiment, and write configurations as YAML for the run folder."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sedlab.config.base import Config, explain
from sedlab.config.experiment import STAGES, Experiment, merge
from sedlab.errors import SedlabError, nearest


def preset_names() -> list[str]:
    """Return the names of the presets that come with sedlab."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _presets().iterdir() if entry.name.endswith(".yaml"))


def load_experiment(preset: str | Path, overrides: Iterable[str] = ()) -> Experiment:
    """Read a preset by name, or a YAML file by path, apply ``key=value`` overrides, and validate every node.

    An override's key is a path into the preset (``data.mini.seed=3``). One that starts with a stage's name
    (``stage1.epochs=5``) changes that stage in every iteration and for every transformer, whatever the rules say.

    Raises
    ------
    SedlabError
        For an unknown preset or key (with the nearest name), or a value out of range.
    """
    text, where = _read(preset)
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SedlabError(f"{where}: not valid YAML ({str(error).splitlines()[0]}).") from error
    if not isinstance(tree, dict):
        raise SedlabError(f"{where}: expected a mapping of options.")
    for override in overrides:
        tree = _apply(tree, override)
    return experiment_from_tree(tree, where)


def experiment_from_tree(tree: dict[str, Any], where: str) -> Experiment:
    """Validate a preset tree and each node it resolves to; ``where`` names it in errors."""
    try:
        experiment = Experiment.model_validate(tree)
    except ValidationError as error:
        raise SedlabError(f"{where}: {explain(error)}") from error
    experiment.nodes()
    return experiment


def to_yaml(config: Config) -> str:
    """Return a configuration as YAML text that reads back to an equal one."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def _presets() -> Any:
    return files("sedlab") / "presets"


def _read(preset: str | Path) -> tuple[str, str]:
    path = Path(preset)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise SedlabError(f"{path}: no such file.")
        return path.read_text(encoding="utf-8"), str(path)
    if str(preset) not in preset_names():
        known = ", ".join(preset_names())
        raise SedlabError(f"unknown preset {str(preset)!r} (known: {known}).{nearest(str(preset), preset_names())}")
    return (_presets() / f"{preset}.yaml").read_text(encoding="utf-8"), f"preset {preset}"


def _apply(tree: dict[str, Any], override: str) -> dict[str, Any]:
    key, separator, text = override.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(parts):
        raise SedlabError(f"--set {override}: expected key=value.")
    change: Any = yaml.safe_load(text)
    if parts[0] in STAGES[1:] and len(parts) > 1:
        rule = {"when": {"stage": parts[0]}, "set": _nest(parts[1:], change)}
        return tree | {"rules": [*tree.get("rules", []), rule]}
    return merge(tree, _nest(parts, change))


def _nest(parts: list[str], value: Any) -> Any:
    for part in reversed(parts):
        value = {part: value}
    return value
