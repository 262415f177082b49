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
    # yt-dlp has to follow YouTube: a version that is pinned would be of no use in a few weeks.
    pinned = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name != "youtube"}
    extra = [line for lines in pinned.values() for line in lines]
    requirements = [Requirement(line) for line in PROJECT["dependencies"] + extra]
    # One extra names others by the package itself.
    return [requirement for requirement in requirements if requirement.name != PROJECT["name"]]


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


def test_what_developers_install_has_every_extra_that_is_tested():
    (own,) = [Requirement(line) for line in PROJECT["optional-dependencies"]["dev"] if line.startswith("sedlab[")]
    assert own.extras == set(PROJECT["optional-dependencies"]) - {"dev", "youtube"}


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


def test_the_version_is_that_of_the_tag():
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    assert Version(metadata.version("sedlab")) >= Version("0.1.dev0")


def test_citation_and_changes_name_the_same_release():
    """None of them before the first: docs/organisation.md says how a release is made."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [re.fullmatch(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)", heading) for heading in headings[1:]]
    assert headings[0] == "Unreleased" and all(released)
    latest = released[0].groups() if released else (None, None)
    assert (citation.get("version"), citation.get("date-released") and str(citation["date-released"])) == latest


def test_the_commit_of_a_release_is_published_by_its_tag():
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    # YAML 1.1 takes a bare `on` for a truth value.
    assert steps[True] == {"push": {"tags": ["v*"]}}
    assert steps["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert steps["jobs"]["publish"]["needs"] == "build"
