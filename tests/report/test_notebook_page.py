"""The page of an executed notebook stands alone: formulas, widgets and pictures are in it, and it loads nothing."""

import re

import nbformat
import numpy as np
from ipywidgets import HTML, Audio, Dropdown, FloatSlider, HBox, Image, VBox
from ipywidgets.embed import dependency_state
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sedlab.pipeline.notebooks import notebooks_folder
from sedlab.report.notebook_page import STATE, VIEW, export_page
from sedlab.views.figures.clips.clip import clip_figure
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.player.sound import wav_bytes

LOADS = re.compile(r"<script|<link[^>]+href=.?http|src=.?http|url\(.?http|@import", re.I)


def page_of(folder, *cells, metadata=None):
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata or {}), folder / "a.ipynb")
    return export_page(folder / "a.ipynb").read_text(encoding="utf-8")


def widget_page(folder, widget):
    view = {VIEW: {"model_id": widget.model_id, "version_major": 2, "version_minor": 0}, "text/plain": "Widget(<&>)"}
    cell = new_code_cell("widget", outputs=[new_output("display_data", data=view)])
    state = {"state": dependency_state([widget]), "version_major": 2, "version_minor": 0}
    return page_of(folder, cell, metadata={"widgets": {STATE: state}})


def test_every_formula_of_the_notebooks_becomes_mathml(tmp_path):
    notebooks = [nbformat.read(path, as_version=4) for path in sorted(notebooks_folder().glob("*.ipynb"))]
    cells = [cell for notebook in notebooks for cell in notebook.cells if cell.cell_type == "markdown"]
    page = page_of(tmp_path, *(new_markdown_cell(cell.source) for cell in cells))
    prose = re.sub(r"`[^`]*`", "", "\n".join(cell.source for cell in cells))
    formulas = re.findall(r"(?<!\\)\$\$?(.+?)(?<!\\)\$\$?", prose, flags=re.S)
    assert page.count("<math") == len(formulas) > 20
    assert not LOADS.search(page)


def test_formulas_of_every_kind_and_one_that_nobody_understands(tmp_path):
    text = r"$$\sum_i x_i^2$$ and $\frac{a}{b}$, \\(c\\) and $\unheardof{<b>}$, in code `$x$`, \$5"
    environment = "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}"
    latex = new_code_cell("x", outputs=[new_output("display_data", data={"text/latex": r"$\displaystyle x^2$"})])
    page = page_of(tmp_path, new_markdown_cell(text), new_markdown_cell(environment), latex)
    assert page.count("<math") == 5
    assert r"<code>\unheardof{&lt;b&gt;}</code>" in page
    assert "<code>$x$</code>" in page


def test_widgets_show_their_picture_their_sound_and_what_they_are_set_to(tmp_path):
    picture = Image(value=figure_to_png(clip_figure(np.zeros(16_000), title="a clip")), format="png")
    sound = Audio(value=wav_bytes(np.zeros(16_000), 16_000), format="wav", autoplay=False)
    controls = HBox([Dropdown(description="Class", options=["Cat", "Dog"], value="Dog"), FloatSlider(0.25, max=1)])
    page = widget_page(tmp_path, VBox([controls, HTML("<b>3</b> events"), picture, sound]))
    assert "data:image/png;base64," in page and "data:audio/wav;base64," in page
    assert "Class: <b>Dog</b>" in page and "0.25" in page and "<b>3</b> events" in page
    assert not LOADS.search(page)


def test_widget_without_anything_to_show_is_named(tmp_path):
    assert "Widget(&lt;&amp;&gt;)" in widget_page(tmp_path, VBox([]))


def test_broken_states_of_widgets_do_not_cost_the_page(tmp_path):
    for state in ({}, {"state": {}}, {"state": {"x": {}}}):
        view = new_output("display_data", data={VIEW: {"model_id": "x"}, "text/plain": "what was there"})
        page = page_of(tmp_path, new_code_cell("1", outputs=[view]), metadata={"widgets": {STATE: state}})
        assert "what was there" in page


def test_links_to_notebooks_that_do_not_lie_beside_the_page_are_text(tmp_path):
    links = "Next: [07 Compare](07_compare.ipynb), [paper](https://arxiv.org/abs/2408.00791)"
    text = page_of(tmp_path, new_markdown_cell(links))
    assert "Next: 07 Compare" in text and 'href="https://arxiv.org/abs/2408.00791"' in text
