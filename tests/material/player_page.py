"""A page of chromium with the modules of the player as they are, and a model that answers as ClipPlayer does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jupyter_lab import TIMEOUT_MS, browser

from sedlab import views
from sedlab.views import ClipPlayer, Scene

FOLDER = Path(views.__file__).parent / "player"
_ORIGIN = "http://player.test/"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_PAGE = """<!doctype html><html lang="en"><title>Player</title><link rel="stylesheet" href="player.css">
<body data-jp-theme-light="LIGHT"><main><h1>Player</h1><div id="place"></div></main></body></html>"""
# What anywidget gives a widget: values with listeners, and messages.
_MODEL = """
window.makeModel = (values, answer) => {
  const listeners = {};
  const tell = (name, ...rest) => (listeners[name] ?? []).slice().forEach((one) => one(...rest));
  const model = {
    values, saved: [],
    get: (name) => values[name],
    set(name, value) { if (values[name] === value) return; values[name] = value; tell(`change:${name}`); },
    save_changes() { model.saved.push(structuredClone(values)); model.set("heard", values.said); },
    on(names, one) { names.split(" ").forEach((name) => (listeners[name] ??= []).push(one)); },
    off(name, one) { listeners[name] = (listeners[name] ?? []).filter((other) => other !== one); },
    async send(message) {
      const bytes = (text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
      for (const [content, buffers] of await answer(message)) tell("msg:custom", content, buffers.map(bytes));
    },
  };
  return model;
};
"""


@contextmanager
def player_page(
    load: Callable[[str], Scene],
    queue: Sequence[str],
    *,
    dark: bool = False,
    prepare: Callable[[ClipPlayer], None] = lambda player: None,
    **size: int,
) -> Iterator:
    """Give a page on which `window.model` and the player of ``queue`` are; `window.part(name)` imports a module.

    ``prepare`` takes the player of Python before the page sees it.
    """
    player = ClipPlayer(load, queue=queue)
    prepare(player)
    values = {name: player.trait_values()[name] for name in player.traits(sync=True) if not name.startswith("_")}
    values = {
        name: value for name, value in values.items() if isinstance(value, str | int | float | list | dict | None)
    }

    def answer(message: dict) -> list:
        sent: list = []
        player.send = lambda content, buffers=(): sent.append(
            (content, [base64.b64encode(one).decode("ascii") for one in buffers or ()])
        )
        player._receive(None, message, [])
        return sent

    def serve(route) -> None:
        name = route.request.url.removeprefix(_ORIGIN)
        if not name:
            route.fulfill(content_type="text/html", body=_PAGE.replace("LIGHT", str(not dark).lower()))
        elif (FOLDER / name).is_file():
            route.fulfill(content_type=_TYPES[Path(name).suffix], body=(FOLDER / name).read_text(encoding="utf-8"))
        else:
            route.fulfill(status=404)

    with browser() as opened:
        page = opened.new_page(viewport={"width": 1000, "height": 900} | size)
        page.set_default_timeout(TIMEOUT_MS)
        page.route(f"{_ORIGIN}**", serve)
        page.expose_function("answer", answer)
        page.goto(_ORIGIN)
        page.evaluate(_MODEL)
        page.evaluate(
            """async (values) => {
              window.part = (name) => import(`/${name}`);
              window.model = makeModel(values, window.answer);
              const { default: player } = await part("player.js");
              window.end = player.render({ model, el: document.getElementById("place") });
            }""",
            values,
        )
        yield page
