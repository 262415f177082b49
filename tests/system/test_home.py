"""Homes that cannot be written to: another folder stands in, for what cannot be written alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from shell import python

from sedlab.system.home import can_write

TRY = """
import json, os, sys
from sedlab.system.home import warn_of_home, writable_home
if len(sys.argv) > 1:
    os.setgid(int(sys.argv[1])), os.setuid(int(sys.argv[1]))
folder = writable_home()
warn_of_home(), warn_of_home()
import getpass
from pathlib import Path
print(json.dumps([folder and str(folder), str(Path.home()), getpass.getuser(), dict(os.environ)]))
"""
VARIABLES = ("XDG_CACHE_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR")
UNSET = dict.fromkeys((*VARIABLES, "JUPYTER_RUNTIME_DIR"), "")


def look(tmp_path, *arguments, **variables):
    environment = {"TMPDIR": str(tmp_path), **UNSET, **variables}
    return json.loads(python("-c", TRY, *arguments, env=environment))


@pytest.mark.parametrize("home", ["/dev/null/nobody", "/proc", "/proc/nobody", "/sys/nobody"])
def test_a_home_that_cannot_be_written_to_is_stood_in_for(tmp_path, home):
    folder, _, _, environment = look(tmp_path, HOME=home)
    assert folder.startswith(str(tmp_path))
    assert Path(folder).stat().st_mode & 0o077 == 0
    assert all(environment[name].startswith(folder) for name in VARIABLES)
    assert look(tmp_path, HOME=home)[0] == folder


def test_a_home_that_can_be_written_to_is_left_alone(tmp_path):
    folder, home, _, environment = look(tmp_path, HOME=str(tmp_path))
    assert (folder, home) == (None, str(tmp_path))
    assert not any(environment.get(name) for name in VARIABLES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", VARIABLES)
def test_only_what_cannot_be_written_to_is_moved(tmp_path, variable):
    folder, home, _, environment = look(tmp_path, HOME=str(tmp_path), **{variable: "/dev/null/there"})
    assert home == str(tmp_path)
    assert [name for name in VARIABLES if environment.get(name)] == [variable]
    assert environment[variable].startswith(folder)


def test_a_folder_of_somebody_else_is_not_taken(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"sedlab-home-{os.getuid()}").symlink_to(tmp_path / "theirs")
    folder = look(tmp_path, HOME="/dev/null/nobody")[0]
    assert folder not in (str(tmp_path / "theirs"), str(tmp_path / f"sedlab-home-{os.getuid()}"))
    assert list((tmp_path / "theirs").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_who_is_only_a_number_gets_a_home_and_a_name(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o777)
    stands_in, _, name, _ = look(folder, "54321", HOME="/dev/null/nobody", LOGNAME="", USER="", LNAME="", USERNAME="")
    assert stands_in.endswith("sedlab-home-54321")
    assert name == "user54321"


def test_writing_is_tried_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("")
    tried = {"": True, "new/and/newer": True, "file": False, "file/below": False}
    assert {name: can_write(tmp_path / name) for name in tried} == tried
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
