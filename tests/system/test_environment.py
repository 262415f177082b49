"""What the environment sets, and what children import from the working folder: nothing."""

from __future__ import annotations

import os

import pytest
from shell import python

from sedlab.errors import SedlabError
from sedlab.system.environment import importing_safely, number_from_environment, safe_imports

#: A person's script, which starts processes as generating a corpus and training on several devices do.
SCRIPT = """
import multiprocessing, sys
from sedlab.system.environment import importing_safely
if __name__ == "__main__":
    with importing_safely():
        process = multiprocessing.get_context("spawn").Process(target=print, args=("child",))
        process.start()
    process.join()
    sys.exit(process.exitcode)
"""


def test_children_import_nothing_from_the_working_folder(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    folder = tmp_path / "work"
    (folder / "sedlab").mkdir(parents=True)
    for name in ("random", "queue", "types", "pathlib", "tempfile", "selectors", "inspect", "socket"):
        (folder / f"{name}.py").write_text("raise SystemExit('a module of the working folder')")
    assert python(tmp_path / "script.py", cwd=folder) == "child\n"


def test_the_environment_is_as_before_afterwards(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}/mine{os.pathsep}")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    before = dict(os.environ)
    with importing_safely():
        assert {**before, **safe_imports()} == dict(os.environ)
        assert os.environ["PYTHONPATH"] == "/mine"
    assert dict(os.environ) == before


@pytest.mark.parametrize(("text", "number"), [(None, 7), ("", 7), (" ", 7), ("0", 0), (" 12 ", 12)])
def test_numbers_of_the_environment(monkeypatch, text, number):
    monkeypatch.delenv("SEDLAB_TRIED", raising=False)
    if text is not None:
        monkeypatch.setenv("SEDLAB_TRIED", text)
    assert number_from_environment("SEDLAB_TRIED", 7) == number


@pytest.mark.parametrize("text", ["-1", "1.5", "all", "9" * 5000, "²", "1_000"])
def test_what_is_no_number_is_one_line(monkeypatch, text):
    monkeypatch.setenv("SEDLAB_TRIED", text)
    with pytest.raises(SedlabError, match=r"^SEDLAB_TRIED=.{1,40}: expected a whole number\. Set it"):
        number_from_environment("SEDLAB_TRIED", 7)
