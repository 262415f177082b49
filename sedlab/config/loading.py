"""Read a preset and overrides as a validated experiment, and write configurations as YAML for the run folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sedlab.config.base import Config, explain
from sedlab.config.experiment import STAGES, Experiment, merge
from sedlab.config.model import ARCHS
from sedlab.errors import SedlabError, nearest, os_problem, short

# Far more than any experiment says; text of a few lines can unfold to more than memory holds.
_MAX_VALUES = 20_000
_MAX_DEPTH = 20
#: A comma that a key follows; those inside a value, as of a list, are followed by none.
_NEXT_SETTING = re.compile(r",(?=\s*(?:[A-Za-z_]\w*(?:\.\w+)*\s*=|$))")
_TOO_DEEP = "sections in sections without end"


def preset_names() -> list[str]:
    """Return the names of the presets that come with sedlab."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _presets().iterdir() if entry.name.endswith(".yaml"))


def load_experiment(preset: str | Path, overrides: Iterable[str] = ()) -> Experiment:
    """Read a preset by name, or a YAML file by path, apply ``key=value`` overrides, and validate every node.

    An override's key is a path into the preset (``data.mini.seed=3``). One that starts with a stage's name
    (``stage1.epochs=5``) changes that stage in every iteration, whatever the rules say; for every transformer, or for
    the one that is named behind it (``stage1.atst.epochs=5``).

    Raises
    ------
    SedlabError
        For an unknown preset or key (with the nearest name), or a value out of range.
    """
    text, where = _read(preset)
    return _with_settings(parse_yaml(text, where), overrides, where, "--set")


def with_settings(experiment: Experiment, settings: Iterable[str], where: str) -> Experiment:
    """Return an experiment with ``key=value`` settings applied as `load_experiment` applies overrides.

    ``where`` names the experiment in errors. Raises SedlabError as `load_experiment`.
    """
    return _with_settings(experiment.model_dump(mode="json"), settings, where, "setting")


def split_settings(settings: str | Iterable[str]) -> tuple[str, ...]:
    """Return ``"a.b=1, c=[2, 3]"`` or a list of such texts as single settings: ``("a.b=1", "c=[2, 3]")``.

    Raises
    ------
    SedlabError
        When a part of it is no ``key=value``.
    """
    texts = [settings] if isinstance(settings, str) else list(settings)
    found = [part.strip() for text in texts for part in _NEXT_SETTING.split(str(text)) if part.strip()]
    for part in found:
        if "=" not in part:
            raise SedlabError(f"settings: {short(part)} is no key=value, such as stage1.epochs=5. Correct it.")
    return tuple("=".join(half.strip() for half in part.split("=", 1)) for part in found)


def experiment_from_tree(tree: dict[str, Any], where: str) -> Experiment:
    """Validate a preset tree and each node it resolves to; ``where`` names it in errors."""
    try:
        experiment = Experiment.model_validate(tree)
    except ValidationError as error:
        raise SedlabError(f"{where}: {explain(error)}") from error
    try:
        experiment.nodes()
    except SedlabError as error:
        raise SedlabError(f"{where}, {error}") from error
    return experiment


def parse_yaml(text: str | bytes, where: str) -> dict[str, Any]:
    """Return YAML text as a mapping of plain values; ``where`` names it in errors.

    Raises
    ------
    SedlabError
        When it is not YAML or no mapping, or holds what no option is: dates, numbers without end, text that cannot be
        a name, sections in sections without end.
    """
    tree = _plain_values(text, where)
    if not isinstance(tree, dict):
        raise SedlabError(f"{where}: expected a mapping of options (key: value), found {short(tree)}.")
    return tree


def to_yaml(config: Config) -> str:
    """Return a configuration as YAML text that reads back to an equal one."""
    tree = config.model_dump(mode="json")
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


#: The one in C where PyYAML has it, four times as fast; every job writes all nodes.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _presets() -> Any:
    return files("sedlab") / "presets"


class _Loader(yaml.SafeLoader):
    """Refuses a key that occurs twice, of which YAML would forget the first, and sections in sections without end."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > _MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, _TOO_DEEP, self.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        names: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                raise yaml.composer.ComposerError(None, None, f"key {short(key.value)} occurs twice", key.start_mark)
            names |= {key.value} if isinstance(key, yaml.ScalarNode) else set()
        return node


def _plain_values(text: str | bytes, where: str) -> Any:
    try:
        # Not safe_load; the loader is a safe one.
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise SedlabError(f"{where}: not valid YAML ({place}{problem}). Correct it, or put text in quotes.") from None
    except (ValueError, OverflowError) as error:
        # Dates that are none, numbers of thousands of digits.
        raise SedlabError(f"{where}: not a value ({error}). Correct it, or put text in quotes.") from None
    _check_values(value, where)
    return value


def _check_values(value: Any, where: str) -> None:
    """Raise SedlabError for values that no option has; of text that unfolds without end it looks at the beginning."""
    waiting = [(value, 0)]
    for _ in range(_MAX_VALUES):
        if not waiting:
            return
        value, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise SedlabError(f"{where}: {_TOO_DEEP}. Remove them.")
        if isinstance(value, dict):
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]
        elif isinstance(value, int | float) and not abs(value) < 2**63:
            raise SedlabError(f"{where}: {short(value)} is larger than any option. Correct it.")
        elif isinstance(value, str) and ("\0" in value or (not value.isascii() and _has_surrogates(value))):
            raise SedlabError(f"{where}: {short(value)} holds characters that no name has. Remove them.")
        elif not isinstance(value, str | int | float | None):
            raise SedlabError(f"{where}: {short(str(value))} is a {type(value).__name__}. Put text in quotes.")
    raise SedlabError(f"{where}: more than {_MAX_VALUES} values. Remove what is no option.")


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _read(preset: str | Path) -> tuple[bytes, str]:
    path = Path(preset)
    if path.suffix in (".yaml", ".yml"):
        try:
            if path.exists() and not (path.is_file() or path.is_dir()):
                raise SedlabError(f"{path}: is no file but a pipe or device. Name a YAML file.")
            return path.read_bytes(), str(path)
        except FileNotFoundError:
            known = ", ".join(preset_names())
            raise SedlabError(f"{path}: no such file. Correct the path, or name a preset: {known}.") from None
        except (OSError, ValueError) as error:
            raise SedlabError(os_problem(error, path)) from None
    if str(preset) not in preset_names():
        known = ", ".join(preset_names())
        hint = nearest(str(preset), preset_names()) or " Name one of these, or a YAML file."
        raise SedlabError(f"unknown preset {short(str(preset))} (known: {known}).{hint}")
    return (_presets() / f"{preset}.yaml").read_bytes(), f"preset {preset}"


def _with_settings(tree: dict[str, Any], settings: Iterable[str], where: str, word: str) -> Experiment:
    for setting in settings:
        named = f"{word} {_shortened(setting)}"
        tree, where = _apply(tree, setting, named), f"{where}, {named}"
    return experiment_from_tree(tree, where)


def _apply(tree: dict[str, Any], override: str, where: str) -> dict[str, Any]:
    key, separator, text = override.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(parts) or len(parts) > _MAX_DEPTH:
        raise SedlabError(f"{where}: expected key=value.")
    change = _plain_values(text, where)
    if parts[0] in STAGES[1:] and not set(parts[1:]) - set(ARCHS) and not isinstance(change, dict):
        raise SedlabError(f"{where}: {key.strip()} is a section. Give one of its options, {key.strip()}.KEY=VALUE.")
    if parts[0] in STAGES[1:]:
        when, section = {"stage": parts[0]}, parts[1:]
        if section and section[0] in ARCHS:
            when, section = when | {"arch": section[0]}, section[1:]
        rule = {"when": when, "set": _nest(section, change)}
        rules = tree.get("rules") or []
        # Rules that are no list are refused when the experiment is validated.
        return tree | {"rules": [*rules, rule]} if isinstance(rules, list) else tree
    return merge(tree, _nest(parts, change))


def _shortened(override: str) -> str:
    return override if len(override) <= 80 else f"{override[:80]}..."


def _nest(parts: list[str], value: Any) -> Any:
    for part in reversed(parts):
        value = {part: value}
    return value
