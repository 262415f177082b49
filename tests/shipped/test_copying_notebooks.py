"""A copy of the notebooks in a person's folder: what comes, what stays, and that one works in it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.commands.lab import _notebooks
from sedlab.errors import SedlabError
from sedlab.runs.variants import new_run, project_folder
from sedlab.shipped import copying, places
from sedlab.shipped.copying import copy_notebooks, newer_notebooks
from sedlab.shipped.parts import shipped_files

FIRST = "notebooks/00_tour.ipynb"


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    """What is shipped, as in an installed wheel: a few of the checkout's files, and no checkout."""
    folder = tmp_path / "site-packages" / "sedlab" / "shipped"
    for name in (FIRST, "notebooks/01_data.ipynb", "docs/glossary.md", "data/README.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(places.shipped_root() / name, folder / name)
    monkeypatch.setattr(places, "checkout_root", lambda: None)
    monkeypatch.setattr(copying, "checkout_root", lambda: None)
    monkeypatch.setattr(copying, "shipped_root", lambda: folder)
    return folder


def test_links_of_copied_notebooks_lead_somewhere(tmp_path):
    copy_notebooks(tmp_path)
    notebooks = sorted((tmp_path / "notebooks").glob("*.ipynb"))
    assert len(notebooks) == len(list(places.notebooks_folder().glob("*.ipynb"))) > 0
    for notebook in notebooks:
        cells = json.loads(notebook.read_text())["cells"]
        prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        links = [link for text in prose for link in re.findall(r"\]\(([^)\s#]+)", text) if "://" not in link]
        assert [link for link in links if not (notebook.parent / link).exists()] == [], notebook.name


def test_a_second_copy_brings_what_is_new_and_keeps_what_was_changed(source, tmp_path):
    top = tmp_path / "mine"
    assert set(copy_notebooks(top).new) == set(shipped_files(source))
    (top / FIRST).write_text("saved with outputs")
    (source / FIRST).write_text("newer")
    (source / "docs/glossary.md").write_text("newer")
    (top / "data/README.md").unlink()
    assert newer_notebooks(top) == [FIRST]
    done = copy_notebooks(top)
    assert (done.new, done.updated, done.kept) == (("data/README.md",), ("docs/glossary.md",), (FIRST,))
    assert (top / FIRST).read_text() == "saved with outputs"
    assert (top / "docs/glossary.md").read_text() == "newer"
    assert newer_notebooks(top) == []  # nobody wants to be told each time
    # What was kept stays a changed file, whatever sedlab brings later.
    (source / FIRST).write_text("newest")
    assert newer_notebooks(top) == [FIRST]
    assert copy_notebooks(top).kept == (FIRST,)


def test_files_of_others_are_not_written_over(source, tmp_path):
    theirs = tmp_path / "docs/glossary.md"
    theirs.parent.mkdir()
    theirs.write_text("mine")
    done = CliRunner().invoke(app, ["lab", "--copy", str(tmp_path)])
    assert done.exit_code == 0 and theirs.read_text() == "mine"
    assert f"{theirs}: changed there, and kept" in done.stderr
    assert copy_notebooks(tmp_path).kept == ("docs/glossary.md",)


def test_a_copy_that_was_killed_goes_on(source, tmp_path, monkeypatch):
    top = tmp_path / "mine"
    with monkeypatch.context() as patch:
        patch.setattr(copying, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            copy_notebooks(top)
    assert copy_notebooks(top).kept == ()
    (source / FIRST).write_text("newer")
    assert copy_notebooks(top).updated == (FIRST,)


@pytest.mark.parametrize("place", [".", "notebooks", "notebooks/mine"])
def test_runs_are_made_beside_the_copied_notebooks(source, tmp_path, monkeypatch, place):
    top = tmp_path / "mine"
    copy_notebooks(top)
    here = top / place
    here.mkdir(exist_ok=True)
    monkeypatch.chdir(here)
    assert project_folder() == top
    assert new_run("nano").path == top / "runs/nano"
    assert _notebooks(here) == top / "notebooks"


def test_the_nearer_of_copy_and_checkout_is_where_one_works(tmp_path, monkeypatch):
    outer, checkout = tmp_path / "outer", tmp_path / "outer" / "sedlab"
    copy_notebooks(outer)
    copy_notebooks(checkout / "mine")
    monkeypatch.setattr(places, "checkout_root", lambda: checkout)
    for here, root in ((outer, outer), (checkout / "docs", checkout), (checkout / "mine" / "docs", checkout / "mine")):
        assert places.working_root(here) == root


def test_lab_makes_a_copy_where_nothing_is_in_the_way(source, tmp_path, monkeypatch, capsys):
    here = tmp_path / "empty"
    here.mkdir()
    monkeypatch.chdir(here)
    assert _notebooks(here) == here / "notebooks"
    assert (here / FIRST).is_file()
    (source / FIRST).write_text("newer")
    assert _notebooks(here) == here / "notebooks"
    assert "sedlab lab --copy" in capsys.readouterr().err
    other = tmp_path / "theirs"
    (other / "notebooks").mkdir(parents=True)
    with pytest.raises(SedlabError, match=r"notebooks: is there, and not from sedlab\. .*--copy DIR"):
        _notebooks(other)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SedlabError, match="your home"):
        _notebooks(tmp_path)


def test_lab_in_a_checkout_opens_its_notebooks_whether_it_has_runs_or_not(tmp_path, monkeypatch):
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    monkeypatch.setattr(places, "checkout_root", lambda: tmp_path)
    assert _notebooks(tmp_path) == notebooks
    (tmp_path / "runs/mini").mkdir(parents=True)
    assert _notebooks(tmp_path) == _notebooks(tmp_path / "runs") == notebooks


def test_lab_of_a_checkout_makes_a_copy_beside_runs_that_are_elsewhere(tmp_path):
    assert _notebooks(tmp_path) == places.checkout_root() / "notebooks"
    (tmp_path / "runs/mini").mkdir(parents=True)
    assert _notebooks(tmp_path) == tmp_path / "notebooks"
    assert (tmp_path / FIRST).is_file()


def test_the_checkout_is_no_place_for_a_copy(tmp_path):
    with pytest.raises(SedlabError, match="is where the notebooks come from"):
        copy_notebooks(places.checkout_root())
    (tmp_path / "file").touch()
    with pytest.raises(SedlabError, match=r"is a file\. Name a folder"):
        copy_notebooks(tmp_path / "file")
