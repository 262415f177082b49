"""A notebook whose cells a person ran, saved: its inspector as a picture, opened again in every way."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from jupyter_lab import TIMEOUT_MS, browser, jupyter_lab, need_chromium, run_all_cells, wait_until_all_ran, write_cells
from nbconvert import HTMLExporter

CELLS = (
    """
import numpy as np
from sedlab.views import ClipPlayer, ClipView
tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000)
player = ClipPlayer()
player.show_clip(ClipView(tone, title="a"))
player
""",
    "print('ALL', 'DONE')",
)
#: What stands in the first cell's output: the text and the width of each picture that can be seen, and the players.
SEEN = """() => {
  const cell = document.querySelector('.jp-CodeCell');
  const visible = [...cell.querySelectorAll('.jp-OutputArea-child')].filter((node) => node.offsetHeight > 0);
  const all = (selector) => visible.flatMap((node) => [...node.querySelectorAll(selector)]);
  return {
    text: visible.map((node) => node.innerText).join(' '),
    pictures: all('img').filter((image) => image.naturalWidth > 500).length,
    players: all('audio').length,
    live: all('.sedlab-player').length,
  };
}"""


@pytest.mark.slow
def test_a_saved_inspector_shows_its_opening_picture_in_every_way(tmp_path: Path) -> None:
    need_chromium()
    write_cells(tmp_path / "run.ipynb", CELLS)

    with jupyter_lab(tmp_path) as address, browser() as opened:
        page = opened.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(address.format("run.ipynb"))
        run_all_cells(page)
        page.wait_for_selector(".sedlab-player canvas")
        wait_until_all_ran(page)
        page.wait_for_function(f"({SEEN})().live === 1 && ({SEEN})().pictures === 0")
        seen = _seen(page, "live")
        assert "as it opened" not in seen["text"]
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

        # One that somebody else has run is not signed here.
        saved = nbformat.read(tmp_path / "run.ipynb", as_version=4)
        assert "widgets" not in saved.metadata and len(saved.cells[0].outputs) == 3
        saved.cells[1].source = "print('changed')"
        nbformat.write(saved, tmp_path / "theirs.ipynb")
        exported, _ = HTMLExporter().from_filename(str(tmp_path / "run.ipynb"))
        (tmp_path / "run.html").write_text(exported, encoding="utf-8")

        for name in ("run", "theirs"):
            page.goto(address.format(f"{name}.ipynb") + "&reset")  # nothing of before is open
            page.wait_for_selector(".jp-CodeCell img")
            # Until the kernel has started, the widget might still come.
            page.wait_for_function(
                "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status == 'idle'"
            )
            page.wait_for_timeout(500)
            seen = _seen(page, name)
            assert (seen["pictures"], seen["players"], seen["live"]) == (1, 1, 0)
            assert "as it opened" in seen["text"] and "Error" not in seen["text"] and "Loading" not in seen["text"]

        offline = opened.new_context(offline=True).new_page()
        offline.goto((tmp_path / "run.html").as_uri())
        seen = _seen(offline, "exported")
        assert (seen["pictures"], seen["players"]) == (1, 1)
        assert "as it opened" in seen["text"]


def _seen(page, name: str) -> dict:
    if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"kept_{name}.png"))
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    return page.evaluate(SEEN)
