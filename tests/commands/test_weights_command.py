"""`sedlab weights`: what a person sees, and the exit status."""

import json

import numpy as np
import pytest
from http_files import serve

from sedlab.commands import doctor
from sedlab.commands.weights import download_weights, inspect_weights, list_weights
from sedlab.errors import SedlabError
from sedlab.weights import entries

CONTENT = np.random.default_rng(0).bytes(200_000)


@pytest.fixture
def server():
    with serve(CONTENT) as files:
        yield files


def listed(capsys, root, **options):
    list_weights(root, as_json=True, **options)
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_list_names_every_file_and_its_state(server, tmp_path, capsys):
    download_weights(["weak_exclude", "atst_stage2"], tmp_path, mirror=server.url)
    capsys.readouterr()
    list_weights(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    for entry in entries():
        (row,) = [line for line in lines if line.startswith(f"│ {entry.name} ")]
        assert (" present " in row) == (entry.name in ("weak_exclude", "atst_stage2")), row
    assert any("200.0 kB" in line or "0.2 MB" in line for line in lines)


def test_list_shows_how_much_of_an_unfinished_file_is_there(tmp_path, capsys):
    (tmp_path / "atst_stage2.ckpt.part").write_bytes(CONTENT)
    list_weights(tmp_path)
    assert " partial (0.2 MB) " in capsys.readouterr().out


def test_list_as_json_holds_everything(server, tmp_path, capsys):
    download_weights(["atst_stage2"], tmp_path, mirror=server.url)
    rows = listed(capsys, tmp_path, verify=True)
    assert rows.keys() == {entry.name for entry in entries()}
    assert rows["atst_stage2"]["local"]["state"] == "present"
    assert rows["atst_stage2"]["local"]["size"] == len(CONTENT)
    assert rows["atst_stage2"]["url"].startswith("https://github.com/CPJKU/")
    assert rows["beats_stage2"]["local"]["state"] == "not downloaded"


def test_list_shows_a_damaged_file_and_fails(server, tmp_path, capsys):
    download_weights(["atst_stage2"], tmp_path, mirror=server.url)
    (tmp_path / "atst_stage2.ckpt").write_bytes(CONTENT[::-1])
    list_weights(tmp_path)
    with pytest.raises(SedlabError, match=r"atst_stage2.ckpt: SHA-256 .* 1 file is damaged"):
        list_weights(tmp_path, verify=True)
    assert "corrupt: SHA-256" in capsys.readouterr().out


def test_one_file_that_cannot_be_had_does_not_stop_the_others(server, tmp_path, capsys):
    server.faults.statuses = [404]
    with pytest.raises(SedlabError, match="1 of 3 files could not be downloaded"):
        download_weights(["weak_exclude", "unlabeled_exclude", "dirs"], tmp_path, mirror=server.url)
    assert {path.name for path in tmp_path.glob("*.tsv")} == {"unlabeled_exclude.tsv"}
    assert f"failed: weak_exclude: {server.url}/weak_exclude.tsv" in capsys.readouterr().err


def test_group_is_downloaded_whole(server, tmp_path):
    download_weights(["metadata"], tmp_path, mirror=server.url)
    wanted = {entry.file for entry in entries() if entry.group == "metadata"}
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".json"} == wanted


def test_unknown_name_downloads_nothing(server, tmp_path):
    with pytest.raises(SedlabError, match="Did you mean"):
        download_weights(["atst_stage2", "beats_stage3"], tmp_path, mirror=server.url)
    assert server.requests == []


def test_inspect_of_a_published_file_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(SedlabError, match="Run: sedlab weights download atst_stage2 --root"):
        inspect_weights("atst_stage2", tmp_path)


@pytest.mark.parametrize("target", ["atst_stag2", "runs/none/best.pt"])
def test_inspect_of_what_is_nowhere(tmp_path, target):
    with pytest.raises(SedlabError, match=f"{target}: no such file, and no published one"):
        inspect_weights(target, tmp_path)


def test_doctor_counts_the_weights(server, tmp_path):
    def weights():
        return doctor._try("weights", False, lambda: doctor._weights(tmp_path))

    assert weights().state == "missing"
    download_weights(["atst_stage2"], tmp_path / "data" / "weights", mirror=server.url)
    assert weights().state == "ok"
    assert weights().detail.startswith("1 of 23 published files")
    (tmp_path / "data" / "weights" / "atst_stage2.ckpt").write_bytes(b"")
    assert weights().detail.startswith("damaged in")


def test_inspect_shows_what_is_in_the_file_and_what_is_registered(tmp_path, capsys):
    from sedlab.checkpoints.own import save_detector
    from sedlab.config.loading import load_experiment
    from sedlab.models.detector import Detector

    save_detector(tmp_path / "atst_stage2.ckpt", Detector(load_experiment("nano").models["atst"]))
    for target in ("atst_stage2", str(tmp_path / "atst_stage2.ckpt")):
        inspect_weights(target, tmp_path)
        shown = capsys.readouterr().out
        assert "stage 2 of iteration 2" in shown
        assert "https://github.com/CPJKU/cpjku_dcase24/releases/download/files/atst_stage2.ckpt" in shown
        assert "Alarm_bell_ringing" in shown
