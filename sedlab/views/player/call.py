"""Lines of Python that show a view again, written so that they can be executed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def python_call(function: str, *arguments: object, **options: object) -> str:
    """Return the line of Python that calls ``function``; options that are None are left out.

    Arguments are None, numbers (also NumPy's), texts, and lists, tuples and dicts of them. Example:
    ``python_call("opened.explore", subset="devtest", panel=None)`` is ``opened.explore(subset='devtest')``.
    """
    told = [repr(_plain(argument)) for argument in arguments]
    told += [f"{name}={_plain(value)!r}" for name, value in options.items() if value is not None]
    return f"{function}({', '.join(told)})"


def _plain(value: object) -> object:
    """Return ``value`` as what Python's own notation can write: NumPy's numbers would be written as calls."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return str(value) if isinstance(value, str) else value
