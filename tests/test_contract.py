"""Rooms import one way: sedlab.cli may use everything, sedlab.labels nothing."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_import_contract_is_kept():
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_contract_names_every_room():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " ".join(line for contract in settings["contracts"] for line in contract.get("layers", []))
    rooms = {path.parent.name for path in (ROOT / "sedlab").glob("*/__init__.py")}
    assert {room for room in rooms if f"sedlab.{room}" not in layers.replace("|", " ").split()} == set()
