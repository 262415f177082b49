"""JupyterLab and a browser to look at it with, for the tests that act as a person."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from ports import free_ports

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: A bound for what hangs on a busy machine, not a measure of speed.
TIMEOUT_MS = 120_000
_TOKEN = "test"
# Without the grammar of web addresses that jsonschema would build when it is imported: two seconds of every start.
_LAB = "import sys; sys.modules['rfc3987_syntax'] = None; from jupyterlab.labapp import main; main()"
_REMEDY = "apt-get install -y chromium, or the browser's package of your system"
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

_RUN = """async (code) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const future = kernel.requestExecute({ code, store_history: false, stop_on_error: false });
  let said = "";
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === "stream") said += content.text;
    if (header.msg_type === "error") said += `${content.ename}: ${content.evalue}`;
  };
  await future.done;
  return said.trim();
}"""


def need_chromium() -> str:
    """Return the browser; without one the test is skipped, or fails where everything must run."""
    if CHROMIUM is None:
        message = f"browser test not run: no chromium found. Install it: {_REMEDY}."
        if os.environ.get("SEDLAB_REQUIRE_ALL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return CHROMIUM


def write_cells(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    code = [nbformat.v4.new_code_cell(source.strip()) for source in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), path)


@contextmanager
def browser() -> Iterator:
    """Give a browser of playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=need_chromium(), args=list(_ARGUMENTS), timeout=TIMEOUT_MS)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def looked_at(width: int, height: int) -> Iterator:
    """Give a page of a browser; at its end nothing had failed on it, and nothing was asked of another machine."""
    from playwright.sync_api import expect

    with browser() as opened:
        page = opened.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        problems: list[str] = []
        elsewhere: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: note_foreign(request.url, elsewhere))
        yield page
        assert problems == []
        assert elsewhere == []


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[str]:
    """Start JupyterLab on a folder; give the address of a notebook in it, with the place of its name in braces."""
    environment = dict(os.environ, IPYTHONDIR=str(folder / "ipython"))
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{kind}_DIR"] = str(folder / kind.lower())
    # Without this a "news" notice lies over the notebook.
    settings = folder / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))

    (port,) = free_ports(1)
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={_TOKEN}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen([sys.executable, "-c", _LAB, *options], env=environment, stdout=output, stderr=output)
        try:
            _wait_for_server(f"http://127.0.0.1:{port}/api/status?token={_TOKEN}", server, log)
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={_TOKEN}"
        finally:
            # SIGTERM lets the server end its kernels.
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for_kernel(page) -> None:
    """Wait until the notebook in view has a kernel: a cell that is run before opens a dialog, and waits for ever."""
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    page.wait_for_function("window.jupyterapp.shell.currentWidget?.sessionContext")
    page.evaluate(
        "async () => { const c = window.jupyterapp.shell.currentWidget.sessionContext;"
        " await c.ready; await c.session.kernel.info; }"
    )


def run_all_cells(page) -> None:
    """Run every cell of the notebook in view, without waiting for them."""
    wait_for_kernel(page)
    page.evaluate("void (window.allCellsRan = window.jupyterapp.commands.execute('notebook:run-all-cells'))")


def wait_until_all_ran(page, last_words: str = "ALL DONE") -> None:
    """Wait until the last cell has printed this and JupyterLab, which then takes the focus, has done so."""
    page.locator(".jp-OutputArea-output").filter(has_text=last_words).wait_for()
    wait_for_focus(page)


def run_code(page, code: str) -> str:
    """Run Python in the kernel of the notebook in view, beside its cells, which leaves the focus where it is.

    Returns what was printed; of an error its line.
    """
    return page.evaluate(_RUN, code)


def wait_for_python(page, code: str, wanted: Callable[[str], bool]) -> str:
    """Run code until what it prints is ``wanted``, and return that: Python hears of the browser a moment later."""
    end, said = time.monotonic() + TIMEOUT_MS / 1000, ""
    while time.monotonic() < end:
        said = run_code(page, code)
        if wanted(said):
            return said
        page.wait_for_timeout(100)
    pytest.fail(f"Python still says {said!r}")


def wait_for_frames(page) -> None:
    """Wait until the browser has drawn what was changed before."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def wait_for_focus(page) -> None:
    """Wait until the cells that run have ended and JupyterLab has taken the focus, which keys would lose otherwise."""
    page.evaluate("async () => { await window.allCellsRan; }")
    wait_for_frames(page)


def note_foreign(url: str, elsewhere: list[str]) -> None:
    """Add an address that is not on this machine to ``elsewhere``."""
    if not url.startswith(("http://127.0.0.1", "blob:", "data:", "ws://127.0.0.1")):
        elsewhere.append(url)


def _wait_for_server(url: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + TIMEOUT_MS / 1000
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
