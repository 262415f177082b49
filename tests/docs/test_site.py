"""The documentation site, built as `make docs` does from a finished run: what it holds, and that it needs nobody else.

Without the notebooks that are no jobs, which it would execute; tests/notebooks does.
"""

from __future__ import annotations

import functools
import http.server
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import typer
from documents import CHECKOUT, DOCUMENTS
from finished_nano import finished_nano  # noqa: F401  (a fixture)
from jupyter_lab import TIMEOUT_MS

from sedlab.cli import app

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def site(finished_nano, tmp_path_factory) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "SEDLAB_DOCS_NOTEBOOKS": str(folder / "notebooks")}
    run = ["--run", str(finished_nano / "runs" / "nano"), "--no-execute", "--out", str(folder / "site")]
    command = [sys.executable, str(CHECKOUT / "docs" / "site" / "make_site.py"), *run]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    # Strict: a warning is an error; links, anchors and pictures have been checked.
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def address(site) -> str:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_document_is_a_page(site):
    elsewhere = {"README.md": None, "data/README.md": "data.html", "benchmarks/README.md": "benchmarks.html"}
    for document in DOCUMENTS:
        path = document.relative_to(CHECKOUT).as_posix()
        page = elsewhere.get(path, path.removeprefix("docs/").replace(".md", ".html"))
        assert page is None or (site / page).is_file(), path


def test_notebooks_of_jobs_show_what_the_run_drew(site):
    for name in ("02_pretrain", "03_stage1", "04_stage2", "05_pseudo_labels", "06_evaluate", "07_compare", "08_errors"):
        pictures = list((site / "notebooks" / name).glob("*.png"))
        text = (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        assert pictures, name
        assert all(f'src="{name}/{picture.name}"' in text for picture in pictures), name
        assert "as it is committed" not in text
    committed = (site / "notebooks" / "01_data.html").read_text(encoding="utf-8")
    assert "as it is committed, without what its cells print" in committed


def test_every_command_has_its_section_with_its_options(site):
    text = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    sections = dict(zip(*[iter(re.split(r'<h2 id="([^"]*)"', text)[1:])] * 2, strict=True))
    found = set()

    def walk(name: str, group) -> None:
        for word, command in group.commands.items():
            section = sections[f"{name}-{word}"]
            found.add(f"{name}-{word}")
            for option in (option for part in command.params for option in part.opts if option.startswith("--")):
                assert option == "--help" or option in section, f"{name} {word}: {option}"
            if hasattr(command, "commands"):
                walk(f"{name}-{word}", command)

    walk("sedlab", typer.main.get_command(app))
    assert found == set(sections)


def test_every_public_name_has_its_entry(site):
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (site / "reference" / "python").glob("*.html")}
    entries = set(re.findall(r'id="(sedlab\.[\w.]+)"', "".join(pages.values())))
    missing = []
    for room in ("sedlab", "sedlab.runs", "sedlab.views", "sedlab.scoring", "sedlab.data", "sedlab.weights"):
        module = importlib.import_module(room)
        for name in module.__all__:
            value = getattr(module, name)
            home = getattr(value, "__module__", room) if inspect.isclass(value) or inspect.isroutine(value) else room
            if f"{home}.{name}" not in entries or f"{room.rpartition('.')[2]}.{name}" not in pages["index"]:
                missing.append(f"{room}.{name}")
    assert missing == []
    private = [entry for entry in entries if any(part.startswith("_") for part in entry.split("."))]
    assert private == []


@pytest.mark.skipif(CHROMIUM is None and os.environ.get("SEDLAB_REQUIRE_ALL") != "1", reason="no chromium found")
def test_a_browser_finds_mean_teacher_and_asks_no_other_machine(address):
    from playwright.sync_api import sync_playwright

    requests, complaints = [], []
    with sync_playwright() as playwright:
        options = {"args": ["--no-sandbox", "--disable-gpu"], "timeout": TIMEOUT_MS}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, **options)
        for width, scheme in ((1280, "light"), (390, "dark")):
            page = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme).new_page()
            page.set_default_timeout(TIMEOUT_MS)
            page.on("request", lambda request: requests.append(request.url))
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            for path in ("index", "glossary", "reference/cli", "reference/python/runs", "notebooks/06_evaluate"):
                page.goto(f"{address}/{path}.html")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than {width}"
            shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness = sum(map(int, re.findall(r"\d+", shown)[:3])) / 3
            assert (brightness < 80) == (scheme == "dark"), shown
            assert page.evaluate("document.querySelector('.notebook-picture').alt") != ""
        page.keyboard.press("f")
        page.keyboard.type("mean teacher")
        page.wait_for_selector(".md-search-result__item")
        hits = page.locator(".md-search-result__item").all_inner_texts()
        browser.close()
    assert hits[0].startswith("Glossary"), hits
    assert "mean teacher" in hits[0].lower()
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert complaints == []


def test_search_leaves_out_what_notebooks_print(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert any("mean teacher" in entry["text"].lower() for entry in index["docs"])
    assert not any("notebook-output" in entry["text"] or "dataframe" in entry["text"] for entry in index["docs"])
