"""Buttons that save what a panel shows as files of the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import anywidget
import traitlets

from sedlab.errors import SedlabError
from sedlab.views.kept import KeptWidget
from sedlab.views.modules import joined

#: What to do about something that is not right is the user's; anything else is said with its kind.
File = tuple[str, bytes]


class SaveButtons(KeptWidget, anywidget.AnyWidget):
    """A button for each kind of file; the browser saves what its function gives.

    Parameters
    ----------
    files : {kind: function}
        What a button is called, such as "TSV", and a function that returns the name of the file and its contents.
    what : str
        What is saved, as in "Save the table as TSV".
    """

    _esm = joined(Path(__file__).parent, "saving.js")

    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    what = traitlets.Unicode("").tag(sync=True)

    def __init__(self, files: Mapping[str, Callable[[], File]], *, what: str) -> None:
        super().__init__(kinds=list(files), what=what)
        self._files = dict(files)
        self.on_msg(self._receive)

    def file(self, kind: str) -> File:
        """Return name and contents of the file that a button saves."""
        return self._files[kind]()

    def still(self) -> Iterator[str]:
        """Give nothing: without a kernel there is nothing to save."""
        return iter(())

    def _receive(self, _widget: object, content: dict, _buffers: object) -> None:
        if content.get("type") != "save":
            return
        try:
            name, contents = self.file(content["kind"])
        except Exception as error:  # it is the reader's, and must reach them
            told = str(error) if isinstance(error, SedlabError) else f"{type(error).__name__}: {error}"
            self.send({"type": "failed", "message": told})
        else:
            self.send({"type": "file", "name": name}, [contents])
