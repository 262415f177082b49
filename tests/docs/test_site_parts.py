"""What the documentation site makes of documents and notebooks, and what its check finds."""

from __future__ import annotations

import sys

import nbformat
import pytest
from documents import CHECKOUT
from nbformat.v4 import new_output

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch):
    """Let the site's modules be imported, and forgotten: their names are short."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(CHECKOUT / "docs" / "site")
    yield
    for name in set(sys.modules) - before:
        if str(CHECKOUT / "docs" / "site") in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def test_every_document_is_in_the_navigation():
    nav = (CHECKOUT / "docs" / "site" / "mkdocs.yml").read_text(encoding="utf-8").partition("validation:")[0]
    pages = [path.relative_to(CHECKOUT / "docs").as_posix() for path in (CHECKOUT / "docs").rglob("*.md")]
    missing = [page for page in pages if f"{page}\n" not in nav]
    assert missing == [], "pages that `nav` in docs/site/mkdocs.yml does not have"


def test_names_in_running_text_lead_to_their_description():
    from named import with_links

    text = "## `sedlab run`\n`sedlab run mini`, `sedlab.open_run`, `runs.Run`, `03_stage1`, `sedlab data`, [`a`](b.md)"
    assert with_links(text, "tutorials/detect.md").splitlines() == [
        "## `sedlab run`",
        "[`sedlab run mini`](../reference/cli.md#sedlab-run), [`sedlab.open_run`][sedlab.runs.run.open_run], "
        "[`runs.Run`][sedlab.runs.run.Run], [`03_stage1`](../notebooks/03_stage1.md), "
        "[`sedlab data`](../reference/cli.md#sedlab-data), [`a`](b.md)",
    ]
    unknown = "`sedlab`, `sedlab nothing`, `views.nothing`"
    assert with_links(unknown, "glossary.md") == unknown


def test_links_out_of_docs_become_links_to_pages_or_names():
    from links import for_the_site

    text = "[a](../notebooks/03_stage1.ipynb) [b](../data/README.md#check) [c](results.md) `[d](../data/README.md)`"
    assert for_the_site(text, "recipe.md", None) == (
        "[a](notebooks/03_stage1.md) [b](data.md#check) [c](results.md) `[d](../data/README.md)`"
    )
    assert for_the_site("[a](../../data/README.md)", "tutorials/detect.md", None) == "[a](../data.md)"
    assert for_the_site("[a](../docs/glossary.md)", "notebooks/03_stage1.md", None) == "[a](../glossary.md)"
    code = "[the loss](../sedlab/training/losses.py)"
    assert for_the_site(code, "recipe.md", None) == "the loss (`sedlab/training/losses.py`)"
    there = for_the_site(code, "recipe.md", "https://forge.example/sedlab/")
    assert there == "[the loss](https://forge.example/sedlab/blob/main/sedlab/training/losses.py)"
    block = f"```md\n{code}\n```"
    assert for_the_site(block, "recipe.md", None) == block
    nowhere = "[a](../nowhere.py)"  # left to MkDocs, which refuses it
    assert for_the_site(nowhere, "recipe.md", None) == nowhere


def test_an_executed_notebook_shows_its_outputs_while_its_code_is_the_same(tmp_path, monkeypatch):
    import notebook_pages

    monkeypatch.setenv(notebook_pages.EXECUTED, str(tmp_path))
    node = nbformat.read(CHECKOUT / "notebooks" / "04a_scores.ipynb", as_version=4)
    first = next(cell for cell in node.cells if cell.cell_type == "code")
    first.outputs = [
        new_output("display_data", {"image/png": PIXEL}),
        new_output("stream", name="stdout", text="a <b>\n"),
        new_output("display_data", {"text/html": "<table>\n\n<tr></table>", "text/plain": "table"}),
    ]
    node.cells[0].source += " edited since"
    nbformat.write(node, tmp_path / "04a_scores.ipynb")
    uri = "notebooks/04a_scores.md"
    made = notebook_pages.page("notebooks/04a_scores.ipynb", uri)
    (picture,) = set(made) - {uri}
    assert made[picture].startswith(b"\x89PNG")
    assert f"]({picture.removeprefix('notebooks/')})" in made[uri]
    places = "".join(line for line in made[uri].splitlines() if "data-notebook-output" in line)
    shown = notebook_pages.finished(places, uri)
    assert "<pre>a &lt;b&gt;</pre>" in shown
    assert "edited since" not in made[uri]
    assert "<table>\n\n<tr></table>" in shown

    first.source += "  # changed since"
    nbformat.write(node, tmp_path / "04a_scores.ipynb")
    made = notebook_pages.page("notebooks/04a_scores.ipynb", uri)
    assert set(made) == {uri}
    assert "as it is committed" in made[uri]


def test_formulas_become_mathml():
    from notebook_pages import finished

    html = r'<span class="arithmatex">\(\lambda &lt; 1\)</span> <div class="arithmatex">\[\frac{a}{b}\]</div>'
    shown = finished(html, "recipe.md")
    assert shown.count("<math") == 2
    assert "<mfrac>" in shown
    assert "arithmatex" not in shown


def test_the_check_of_a_built_site_names_each_fault(tmp_path):
    from built_pages import problems

    (tmp_path / "deep").mkdir()
    (tmp_path / "a.css").write_text("@import url(https://fonts.example/f.css); b { background: url(x.png) }")
    (tmp_path / "b.html").write_text('<h1 id="top-of-b">b</h1><a href="deep/c.html">c</a>')
    (tmp_path / "deep" / "c.html").write_text('<a href="../b.html#top-of-b">b</a><a href="https://a.example">a</a>')
    assert problems(tmp_path) == ["a.css: style from https://fonts.example/f.css"]
    (tmp_path / "d.html").write_text(
        '<a href="e.html">e</a><a href="b.html#gone">b</a><img src="gone.png">'
        '<script src="//cdn.example/x.js"></script>'
        "<style>p { background: url('http://p.example/p.png') }</style>"
    )
    found = [line.removeprefix("d.html: ") for line in problems(tmp_path) if line.startswith("d.html")]
    assert found == [
        "a picture without a text for those who do not see it",
        "gone.png leads nowhere",
        "fetches //cdn.example/x.js from another machine",
        "e.html leads nowhere",
        "b.html#gone: no such place on that page",
        "style from http://p.example/p.png",
    ]


def test_without_a_finished_run_one_line_says_how_to_make_one():
    from make_site import _finished

    from sedlab.errors import SedlabError

    with pytest.raises(SedlabError, match=r"runs/nowhere: no run .* `make demo` makes runs/mini; RUN=none builds"):
        _finished("runs/nowhere")
