"""Changes to data in JSON and YAML: a value of another type, a key more or less, nesting without end."""

from __future__ import annotations

from random import Random
from typing import Any

#: Values of every type, with the extremes of each.
ODD_VALUES: tuple[Any, ...] = (None, True, False, 0, -1, 1, 10**9, 10**30, -(10**18), 0.5, -0.0, 1e308,
    float("nan"), float("inf"), "", " ",
              "0", "x", "é", "x" * 5000, "\u0000", "\ud800", [], [None], [[]], {}, {"x": 1}, {"": {}}, "2026-01-01",
              ["x"] * 100)  # fmt: skip


def paths(tree: Any, path: tuple = ()) -> list[tuple]:
    """Return the way to each value below ``tree``."""
    found = [path] if path else []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        found += paths(value, (*path, key))
    return found


def parent(tree: Any, path: tuple) -> Any:
    """Return what holds the value at ``path``."""
    for key in path[:-1]:
        tree = tree[key]
    return tree


def change_value(random: Random, tree: Any) -> str:
    """Put another value at a random place; say where."""
    path = random.choice(paths(tree))
    parent(tree, path)[path[-1]] = random.choice(ODD_VALUES)
    return _name(path)


def drop_value(random: Random, tree: Any) -> str:
    """Remove a value; say which."""
    path = random.choice(paths(tree))
    del parent(tree, path)[path[-1]]
    return _name(path)


def add_key(random: Random, tree: Any) -> str:
    """Add a key to a mapping; say where."""
    path = random.choice([path for path in paths(tree) if isinstance(parent(tree, path), dict)])
    key = random.choice(["x", "", "\u202e", "__class__", "k" * 300, "epoch"])
    parent(tree, path)[key] = random.choice(ODD_VALUES)
    return _name((*path[:-1], key))


def _name(path: tuple) -> str:
    return ".".join(str(key)[:20] for key in path)


def odd_json(random: Random, text: str) -> bytes:
    """Return what is no JSON of any use, or a good text damaged."""
    return random.choice(
        [
            b"",
            b" ",
            b"\x00",
            b"null",
            b"[]",
            b"{}",
            b"3",
            b'"x"',
            b"NaN",
            b"[" * 100_000,
            b'{"a":' * 5000,
            b"9" * 5000,
            b'{"a": ' + b"9" * 5000 + b"}",
            b'{"format": 1e999}',
            b"\xff\xfe{}",
            text.encode("utf-16"),
            text.encode()[:-3],
            text.encode() * 2,
            text.replace(":", "=").encode(),
            text.replace('"', "'").encode(),
            b"<html></html>",
            text.encode().replace(b"0", b"\xff", 1),
            b'{"format": "\\ud800"}',
            random.randbytes(200),
            b"PK\x03\x04",
        ]
    )
