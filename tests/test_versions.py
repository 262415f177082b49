"""pyproject.toml says what is allowed, constraints.txt what is tested, environment.yml the conda way: they agree."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# A CUDA build of torch brings libraries of its own, in versions that it pins itself.
BROUGHT_BY_TORCH = re.compile(r"nvidia-|cuda-|triton")


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def declared() -> list[Requirement]:
    extra = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in PROJECT["dependencies"] + extra]


@pytest.mark.parametrize("requirement", declared(), ids=lambda requirement: requirement.name)
def test_each_dependency_is_pinned_within_its_range(requirement):
    pinned = pins()[canonicalize_name(requirement.name)]
    assert pinned in requirement.specifier


def test_constraints_are_exact_public_versions():
    assert all(version.local is None for version in pins().values())
    assert "://" not in (ROOT / "constraints.txt").read_text()


def test_constraints_pin_whatever_the_dependencies_bring():
    missing, seen, queue = set(), set(), declared()
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if (name, *extras) in seen or BROUGHT_BY_TORCH.match(name):
            continue
        seen.add((name, *extras))
        if name not in pins():
            missing.add(name)
        for line in metadata.distribution(name).requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                queue.append(needed)
    assert missing == set()


def test_conda_environment_installs_the_project_with_the_constraints():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-c constraints.txt", "-e .[dev]"]


def test_python_versions_agree():
    allowed = SpecifierSet(PROJECT["requires-python"])
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (conda,) = [entry.split("=")[1] for entry in environment["dependencies"] if str(entry).startswith("python=")]
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    oldest = tools["ruff"]["target-version"].removeprefix("py3")
    setup = (ROOT / "setup.sh").read_text()
    (low, high) = re.search(r"\((3, \d+)\) <= sys.version_info\[:2\] <= \((3, \d+)\)", setup).groups()

    ci = re.search(r"for minor in ([\d ]+); do", (ROOT / ".ci" / "run").read_text())[1].split()

    assert conda in allowed
    assert [f"3.{minor}" for minor in ci] == [
        f"3.{minor}" for minor in range(20, int(oldest), -1) if f"3.{minor}" in allowed
    ]
    for minor in range(8, 20):
        in_setup = int(low[3:]) <= minor <= int(high[3:])
        assert (f"3.{minor}" in allowed) == in_setup
    assert f"3.{oldest}" in allowed and f"3.{int(oldest) - 1}" not in allowed


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == PROJECT["version"] == metadata.version("sedlab")
