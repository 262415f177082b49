"""The page of an executed notebook in a browser without a network: it asks for nothing and shows everything."""

from __future__ import annotations

import os
import shutil

import nbformat
import numpy as np
import pytest
from ipywidgets import HTML, Audio, Image, VBox
from ipywidgets.embed import dependency_state
from jupyter_lab import TIMEOUT_MS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sedlab.report.notebook_page import STATE, VIEW, export_page
from sedlab.views.figures.clips.clip import clip_figure
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.player.sound import wav_bytes

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None and os.environ.get("SEDLAB_REQUIRE_ALL") != "1", reason="no chromium found")
def test_page_stands_alone(tmp_path):
    from playwright.sync_api import sync_playwright

    picture = Image(value=figure_to_png(clip_figure(np.zeros(16_000), title="a clip")), format="png")
    sound = Audio(value=wav_bytes(np.zeros(16_000), 16_000), format="wav", autoplay=False)
    widget = VBox([HTML("<b>3</b> events"), picture, sound])
    view = new_output("display_data", data={VIEW: {"model_id": widget.model_id}, "text/plain": "VBox()"})
    cells = [new_markdown_cell(r"$$\frac{1}{C\,T}\sum_{c,t} y_{ct}$$"), new_code_cell("widget", outputs=[view])]
    widgets = {STATE: {"state": dependency_state([widget])}}
    nbformat.write(new_notebook(cells=cells, metadata={"widgets": widgets}), tmp_path / "a.ipynb")
    file = export_page(tmp_path / "a.ipynb")

    requests, complaints = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(offline=True).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_function("document.querySelector('audio').readyState >= 1")
        assert page.evaluate("document.querySelector('math').getBoundingClientRect().height") > 20
        page.wait_for_function("document.images[0].naturalWidth > 200")
        assert page.evaluate("document.querySelector('audio').duration") == 1
        assert "3 events" in page.inner_text("body")
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    assert complaints == []
