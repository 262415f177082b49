"""The folder of weights: a file gets there once, is recorded, and is checked ever after."""

import hashlib
import json
import shlex
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from http_files import serve

import sedlab
from sedlab.download import Patience, download, part_path
from sedlab.errors import SedlabError
from sedlab.weights import find, local_path, require
from sedlab.weights.store import ABSENT, CORRUPT, PARTIAL, PRESENT, fetch, file_state

CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ENTRY = find("atst_stage2")
HASTY = Patience(connect_seconds=60, stall_seconds=60, attempts=2, backoff_seconds=0.01)


@pytest.fixture
def server():
    with serve(CONTENT) as files:
        yield files


def get(server, root, entry=ENTRY):
    return fetch(entry, root, mirror=server.url, patience=HASTY)


def test_file_is_recorded_on_its_first_download(server, tmp_path):
    path = get(server, tmp_path)
    record = json.loads((tmp_path / "atst_stage2.ckpt.json").read_text())
    assert path.read_bytes() == CONTENT
    assert record["sha256"] == SHA256
    assert record["size"] == len(CONTENT)
    assert record["url"] == f"{server.url}/atst_stage2.ckpt"
    assert record["date"].startswith("20")


def test_file_that_is_there_is_checked_and_not_fetched_again(server, tmp_path):
    get(server, tmp_path)
    get(server, tmp_path)
    assert len(server.requests) == 1


def test_states(server, tmp_path):
    assert file_state(ENTRY, tmp_path).state == ABSENT
    part_path(tmp_path / ENTRY.file).write_bytes(b"begin")
    assert file_state(ENTRY, tmp_path).state == PARTIAL
    path = get(server, tmp_path)
    assert file_state(ENTRY, tmp_path, verify=True).state == PRESENT
    path.write_bytes(OTHER)
    assert file_state(ENTRY, tmp_path).state == PRESENT  # of the right size
    assert file_state(ENTRY, tmp_path, verify=True).state == CORRUPT
    path.write_bytes(CONTENT[:-1])
    assert file_state(ENTRY, tmp_path).state == CORRUPT


def test_damaged_file_is_an_error_that_says_what_to_do(server, tmp_path):
    path = get(server, tmp_path)
    path.write_bytes(OTHER)
    with pytest.raises(
        SedlabError, match=f"SHA-256 .* delete it and run sedlab weights download atst_stage2 --root {tmp_path}"
    ):
        get(server, tmp_path)


def test_file_that_changed_upstream_is_not_taken_for_the_recorded_one(server, tmp_path):
    path = get(server, tmp_path)
    path.unlink()
    server.replace(OTHER)
    with pytest.raises(SedlabError, match=r"SHA-256 .* To accept another file .* delete .*atst_stage2.ckpt.json"):
        get(server, tmp_path)
    assert not path.exists()
    (tmp_path / "atst_stage2.ckpt.json").unlink()
    assert get(server, tmp_path).read_bytes() == OTHER


@pytest.mark.parametrize("known", [{"size": 5}, {"sha256": "0123abcd"}])
def test_file_has_to_be_the_registered_one(server, tmp_path, known):
    entry = replace(ENTRY, **known)
    with pytest.raises(SedlabError, match="expected"):
        get(server, tmp_path, entry)
    (tmp_path / entry.file).write_bytes(CONTENT)
    assert file_state(entry, tmp_path, verify=True).state == CORRUPT
    with pytest.raises(SedlabError, match="expected"):
        get(server, tmp_path, entry)


def test_file_put_there_by_hand_is_recorded_when_it_is_checked(server, tmp_path):
    (tmp_path / ENTRY.file).write_bytes(CONTENT)
    assert file_state(ENTRY, tmp_path).detail == "SHA-256 not recorded yet"
    get(server, tmp_path)
    assert json.loads((tmp_path / "atst_stage2.ckpt.json").read_text())["sha256"] == SHA256
    assert server.requests == []


def test_file_whose_record_was_lost_to_a_kill_is_recorded_next_time(server, tmp_path):
    download(f"{server.url}/atst_stage2.ckpt", tmp_path / ENTRY.file)
    get(server, tmp_path)
    assert file_state(ENTRY, tmp_path).sha256 == SHA256


def test_file_without_address_is_explained(tmp_path):
    entry = find("atst_as2M")
    with pytest.raises(
        SedlabError, match=f"Get it by hand from {entry.source_page} and save it as {tmp_path}/atst_as2M"
    ):
        fetch(entry, tmp_path)


def test_mirror_has_files_without_address_too(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SEDLAB_WEIGHTS_MIRROR", f"{server.url}/mirror/")
    fetch(find("atst_as2M"), tmp_path, patience=HASTY)
    assert server.requests[0]["path"] == "/mirror/atst_as2M.ckpt"


def test_require_gives_the_path_or_the_command(server, tmp_path):
    with pytest.raises(SedlabError, match=f"Run: sedlab weights download atst_stage2 --root {tmp_path}"):
        require("atst_stage2", tmp_path)
    path = get(server, tmp_path)
    assert require("atst_stage2", tmp_path) == path == local_path("atst_stage2", tmp_path)
    path.write_bytes(b"")
    with pytest.raises(SedlabError, match=r"size is 0 bytes, expected 300000. Delete it"):
        require("atst_stage2.ckpt", tmp_path)
    with pytest.raises(SedlabError, match=r"Run: sedlab weights download beats_as$"):
        require("beats_as")


@pytest.mark.parametrize(
    "record",
    [
        *("[]", "{", '"x"', "\xff", '{"size": -1}', '{"size": ' + "9" * 5000 + "}", '{"size": "many"}'),
        *('{"sha256": "xyz"}', '{"sha256": 5}', '{"date": 3}', "[" * 10_000),
    ],
    ids=range(11),
)
def test_an_odd_record_is_one_line_and_its_remedy_works(server, tmp_path, record):
    path = get(server, tmp_path)
    place = tmp_path / "atst_stage2.ckpt.json"
    place.write_text(record, encoding="latin-1")
    for ask in (require, lambda name, root: fetch(find(name), root)):
        with pytest.raises(SedlabError, match=r"ckpt\.json: .*not a record of sedlab: delete it") as caught:
            ask("atst_stage2", tmp_path)
        assert "\n" not in str(caught.value)
    place.unlink()
    assert require("atst_stage2", tmp_path) == path == get(server, tmp_path)


def test_an_empty_file_is_damaged_and_the_remedy_works(server, tmp_path):
    path = tmp_path / "with a blank" / ENTRY.file
    path.parent.mkdir()
    path.touch()
    with pytest.raises(SedlabError, match=r"is empty. Delete it, then run: sedlab weights download atst_stage2"):
        require("atst_stage2", path.parent)
    with pytest.raises(SedlabError, match=r"is empty.* delete it and run sedlab weights download") as caught:
        get(server, path.parent)
    path.unlink()
    command = str(caught.value)[str(caught.value).index("sedlab weights download") :]
    program = [sys.executable, "-m", "sedlab.cli", *shlex.split(command)[1:], "--mirror", server.url]
    subprocess.run(program, check=True, capture_output=True)
    assert path.read_bytes() == CONTENT


def test_room_is_reached_from_the_package():
    assert sedlab.weights.find("beats_as").file == "beats_as.pt"
