"""The wheel, built from the source archive of the tracked files and installed where no checkout is.

Its environment sees the packages of this one, but not its editable sedlab.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from finished_nano import PRESET, copy_of, finished_nano
from shell import PATIENCE_SECONDS

from sedlab.runs.versions import read_versions
from sedlab.shipped.parts import shipped_files

ROOT = Path(__file__).parents[2]
VERSION = "1.2.3"

__all__ = ["finished_nano"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files that a commit of this checkout would have."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so nobody knows which files are its own")
    return sorted(name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file())


@pytest.fixture(scope="module")
def tree(tracked, tmp_path_factory) -> Path:
    """The archive of a tag as a forge unpacks it: without git, and with what lies about in a folder of work."""
    folder = tmp_path_factory.mktemp("archive") / f"sedlab-{VERSION}"
    for name in tracked:
        if not name.startswith("tests/golden/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    for stray in ("runs/mini/config.yaml", "data/mini/a.wav", "notebooks/.ipynb_checkpoints/00_tour.ipynb"):
        (folder / stray).parent.mkdir(parents=True, exist_ok=True)
        (folder / stray).write_text("stray")
    return folder


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory) -> Path:
    """Built from the source archive of the tree."""
    out = tmp_path_factory.mktemp("built")
    with tarfile.open(build(tree, "sdist", out)) as archive:
        archive.extractall(out, filter="data")
    return build(out / f"sedlab-{VERSION}", "wheel", out)


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """The interpreter of an environment with the wheel and the packages of this one."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    program = folder / "bin" / "python"
    site = subprocess.run(
        [program, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    ).stdout.strip()
    # Path files of a folder that is itself added by one are not read, so that the editable sedlab stays out.
    Path(site, "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", program, "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, wheel], check=True)
    return program


def beside_another(folder: Path, files: bool) -> None:
    """Put a folder called `sedlab` into this one."""
    (folder / "sedlab").mkdir()
    if files:
        (folder / "sedlab" / "cli.py").write_text("raise ImportError('the wrong one')")
        (folder / "sedlab" / "pyproject.toml").touch()
        (folder / "sedlab" / "notebooks").mkdir()


def build(tree: Path, kind: str, out: Path) -> Path:
    """Build an sdist or a wheel of ``tree`` as build front-ends do, in this environment; return it."""
    code = f"import sys; from setuptools import build_meta; print(build_meta.build_{kind}(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, out], cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return out / done.stdout.split()[-1]


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def do(program: Path, *words: object, cwd: Path) -> str:
    """Run `sedlab` of the environment to its end, which must be a good one without a warning; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Templates and the like, which Jupyter looks for in its own environment.
    environment["JUPYTER_PATH"] = str(Path(sysconfig.get_path("data"), "share", "jupyter"))
    command = [program.with_name("sedlab"), *map(str, words)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_what_is_shipped_and_nothing_else(wheel, tracked):
    shipped = re.compile(r"notebooks/[^/]+\.ipynb|docs/(tutorials/)?[^/]+\.(md|png)|data/README\.md")
    parts = {name for name in tracked if shipped.fullmatch(name)}
    wanted = {name for name in tracked if name.startswith("sedlab/")} | {f"sedlab/shipped/{name}" for name in parts}
    files = contents(wheel)
    assert wheel.name == f"sedlab-{VERSION}-py3-none-any.whl"
    assert {name for name in files if not name.startswith(f"sedlab-{VERSION}.dist-info/")} == wanted
    for name in parts:
        assert files[f"sedlab/shipped/{name}"] == (ROOT / name).read_bytes()


def test_the_page_of_an_index_has_no_links_into_the_repository(wheel):
    metadata = message_from_bytes(contents(wheel)[f"sedlab-{VERSION}.dist-info/METADATA"])
    text = metadata.get_payload(decode=True).decode()
    assert metadata["Description-Content-Type"] == "text/markdown" and text.startswith("# Install sedlab\n")
    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https://")] == []
    assert metadata["License-Expression"] == "MIT" and metadata["License-File"] == "LICENSE"
    assert all("https://arxiv.org/" in url for url in metadata.get_all("Project-URL"))


@pytest.mark.parametrize("files", [False, True], ids=["empty", "with files"])
def test_a_folder_of_the_same_name_is_not_in_the_way(python, tmp_path, files):
    beside_another(tmp_path, files)
    told = do(python, "--version", cwd=tmp_path)
    assert re.fullmatch(rf"sedlab {re.escape(VERSION)} \({python.parents[1]}/.*/sedlab\)\n", told)


def test_from_a_copy_of_the_notebooks_to_events_without_a_checkout(python, finished_nano, tmp_path):
    """A run of the checkout is as finished for the wheel, whose version is another; then one of its notebooks again."""
    project = copy_of(finished_nano, tmp_path / "project")
    beside_another(project, files=True)
    assert "files copied" in do(python, "lab", "--copy", ".", cwd=project)
    assert shipped_files(project) == shipped_files(ROOT)

    (project / "runs/nano/compare/manifest.json").unlink()
    printed = do(python, "run", PRESET, "--until", "compare", cwd=project)
    assert printed.startswith("1 job to run\n[1/1] compare ")
    assert read_versions(project / "runs/nano").packages["sedlab"] == VERSION

    sound = next((project / "data/nano/audio/validation").rglob("*.wav"))
    checkpoint = "../runs/nano/iteration2/stage2/atst/best.pt"
    assert "onset\toffset" in do(python, "detect", sound, "--checkpoint", checkpoint, cwd=project / "notebooks")
