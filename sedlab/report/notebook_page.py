"""The page of an executed notebook: one file that loads nothing, so that it can be read anywhere, also in ten years.

What nbconvert leaves to scripts from other servers is done here: formulas become MathML, which browsers draw, and
widgets become what they show, a picture and its sound, beside what their controls are set to.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from jinja2 import DictLoader, pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode, read

from sedlab.files import write_text

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
_TEMPLATE = """{% extends "lab/index.html.j2" %}
{% block html_head_js %}<link rel="icon" href="data:,">{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
#: What people write, and how docutils wants it.
_SPELLINGS = (
    (r"\\([tdc]?frac)\s*(\w)\s*(\w)", r"\\\1{\2}{\3}"),
    (r"\\([Bb]igg?)(?![a-zA-Z])", r"\\\1l"),
    (r"\\dots(?![a-zA-Z])", r"\\ldots"),
    (r"\\(begin|end)\{(?:align|gather|equation|multline|eqnarray)\*?\}", r"\\\1{aligned}"),
)


def export_page(notebook: Path) -> Path:
    """Write an HTML page of an executed notebook beside it and return its path."""
    node = read(str(notebook), as_version=4)
    node.metadata.setdefault("title", notebook.stem)
    replace_live_outputs(node)
    page, _ = _Exporter().from_notebook_node(node)
    path = notebook.with_suffix(".html")
    write_text(path, page)
    return path


class _Exporter(HTMLExporter):
    """JupyterLab's page without its scripts."""

    def __init__(self) -> None:
        super().__init__(extra_loaders=[DictLoader({"page.html.j2": _TEMPLATE})], template_file="page.html.j2")

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = _Renderer(escape=False, attachments=attachments, anchor_link_text=self.anchor_link_text)
        return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML, without links to notebooks, which do not lie beside the page."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return text if url.endswith(".ipynb") else super().link(text, url, title)

    def block_math(self, body: str) -> str:
        return mathml(body, as_block=True)

    def inline_math(self, body: str) -> str:
        return mathml(body, as_block=False)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", as_block=True)


def mathml(formula: str, *, as_block: bool) -> str:
    """Return a formula in LaTeX as MathML; as code, as it was written, where it is not understood."""
    spelt = formula
    for pattern, replacement in _SPELLINGS:
        spelt = re.sub(pattern, replacement, spelt)
    try:
        return tex2mathml(spelt, as_block=as_block)
    except (MathError, LookupError, AttributeError, TypeError, ValueError):
        return f"<code>{html.escape(formula)}</code>"  # better as it was written than not at all


def replace_live_outputs(node: NotebookNode) -> None:
    """Put what they show into the outputs of a notebook that need a kernel or a script: widgets and formulas."""
    models = node.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    for cell in node.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/latex" in data and "text/html" not in data:
                data["text/html"] = mathml(data["text/latex"].strip("$ \n"), as_block=True)
            view = data.pop(VIEW, None)
            if view is not None:
                shown = _shown(models, view.get("model_id", ""))
                data["text/html"] = shown or f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def _shown(models: Mapping[str, Any], name: str) -> str:
    """Return what a widget and those in it show, as HTML; empty for one that shows nothing by itself."""
    model = models.get(name.removeprefix("IPY_MODEL_"), {})
    state, kind = model.get("state", {}), model.get("model_name", "")
    binary = {buffer["path"][0]: buffer["data"] for buffer in model.get("buffers", ()) if buffer.get("path")}
    if children := state.get("children"):
        shown = [part for part in (_shown(models, child) for child in children) if part]
        return " &nbsp; ".join(shown) if kind == "HBoxModel" else "".join(f"<div>{part}</div>" for part in shown)
    if kind == "HTMLModel":
        return str(state.get("value", ""))
    described = html.escape(str(state.get("description", "")))
    if kind == "ImageModel" and binary.get("value"):
        source = f"data:image/png;base64,{binary['value']}"
        return f'<img alt="{described}" src="{source}" style="max-width: 100%">'
    if kind == "AudioModel" and binary.get("value"):
        return f'<audio controls src="data:audio/wav;base64,{binary["value"]}"></audio>'
    setting = _setting(state)
    return f"{described}: <b>{html.escape(setting)}</b>" if described and setting else html.escape(setting)


def _setting(state: Mapping[str, Any]) -> str:
    """Return what a control is set to, as a person reads it."""
    labels, index = state.get("_options_labels"), state.get("index")
    if labels and isinstance(index, int):
        return str(labels[index])
    value = state.get("value")
    return "" if value is None or isinstance(value, dict) else str(value)
