"""What the documents point at is there: links, files of the repository, names of the package."""

from __future__ import annotations

import importlib
import re
import runpy
from pathlib import Path

import pytest
from documents import CHECKOUT, DOCUMENTS, inline_code, links

FOLDERS = ("sedlab/", "docs/", "notebooks/", "tests/", "benchmarks/", ".ci/")


@pytest.fixture(params=DOCUMENTS, ids=lambda document: document.relative_to(CHECKOUT).as_posix())
def document(request) -> Path:
    return request.param


def test_links_lead_somewhere(document):
    relative = [link.partition("#")[0] for link in links(document) if not link.startswith(("http:", "https:"))]
    assert [link for link in relative if not (document.parent / link).exists()] == []


def test_named_files_are_there(document):
    named = [code for code in inline_code(document) if code.startswith(FOLDERS) and " " not in code]
    assert [code for code in named if not (CHECKOUT / code).exists()] == []


def test_named_parts_of_the_package_are_there(document):
    for code in inline_code(document):
        if re.fullmatch(r"sedlab(\.\w+)+", code):
            module, _, name = code.rpartition(".")
            assert hasattr(importlib.import_module(module), name), f"{document.name}: `{code}`"


def test_what_is_said_to_be_in_a_file_is_in_it(document):
    text = " ".join(document.read_text(encoding="utf-8").split())
    for name, path in re.findall(r"`(\w+)` in `(sedlab/[\w/]+)\.py`", text):
        assert hasattr(importlib.import_module(path.replace("/", ".")), name), (
            f"{document.name}: `{name}` in `{path}.py`"
        )


def test_the_map_of_the_code_names_every_room():
    text = (CHECKOUT / "docs" / "organisation.md").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in (CHECKOUT / "sedlab").glob("*/__init__.py")]
    assert [room for room in rooms if f" {room}/ " not in text] == []


def test_every_page_of_docs_is_linked_from_the_readme():
    pages = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "docs").glob("*.md")}
    assert pages <= set(links(CHECKOUT / "README.md"))


def test_benchmarks_are_listed_and_find_what_they_import(monkeypatch):
    scripts = sorted((CHECKOUT / "benchmarks").glob("*.py"))
    assert {script.name for script in scripts} <= set(inline_code(CHECKOUT / "benchmarks" / "README.md"))
    monkeypatch.syspath_prepend(CHECKOUT / "benchmarks")
    for script in scripts:
        runpy.run_path(str(script), run_name="imported")


def test_the_readme_is_one_screen():
    assert len((CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()) <= 95
