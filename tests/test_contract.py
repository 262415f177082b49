"""Rooms import one way: sedlab.cli may use everything, sedlab.labels nothing."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = [path.parent for path in (ROOT / "sedlab").rglob("__init__.py")]


def test_import_contract_is_kept():
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_contract_names_every_room():
    """A room by its own name; a sub-room by its name or by those of its modules."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    lines = [line for contract in settings["contracts"] for line in contract.get("layers", [])]
    named = {name for line in lines for name in line.replace("|", " ").split()}
    named |= {name.rpartition(".")[0] for name in named if name.count(".") > 2}
    assert {".".join(folder.relative_to(ROOT).parts) for folder in FOLDERS} - {"sedlab"} - named == set()


def test_no_room_is_a_hall():
    modules = {folder: [path for path in folder.glob("*.py") if path.name != "__init__.py"] for folder in FOLDERS}
    assert {folder.relative_to(ROOT).as_posix() for folder, inside in modules.items() if len(inside) > 16} == set()


def test_every_file_of_tests_has_a_name_of_its_own():
    """Pytest imports them by their name alone; two of one name only clash when both are collected."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert {name for name in names if names.count(name) > 1} == set()


def test_every_public_class_has_a_name_of_its_own():
    """One word for one thing: a reader who met a name elsewhere knows what it is here."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "sedlab").rglob("*.py")]
    names = [node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    assert {name for name in names if names.count(name) > 1 and not name.startswith("_")} == set()
