"""A run that was packed on one machine is looked at on another, where the first is out of reach."""

from __future__ import annotations

import json
import os
import shutil
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest
from packed_run import PRESET
from pandas.testing import assert_frame_equal
from typer.testing import CliRunner

import sedlab
from sedlab import runs
from sedlab.cli import app
from sedlab.errors import SedlabError
from sedlab.files import file_sha256
from sedlab.pipeline.due.shared import find_shared, take
from sedlab.pipeline.graph import graph_of
from sedlab.runs.digests import Digests
from sedlab.runs.locks import node_lock
from sedlab.runs.moved.about import durations_file, kept_labels, truth_file
from sedlab.runs.moved.clips import clip_file
from sedlab.runs.packs.contents import PackOptions, contents_of
from sedlab.runs.packs.description import INDEX_FILE
from sedlab.runs.packs.opening import open_pack
from sedlab.runs.packs.writing import write_pack
from sedlab.runs.run import Run, create_run
from sedlab.runs.seeds.folders import note_seeds
from sedlab.runs.sweeps.folders import Sweep, note_sweep, open_sweep


def call(*words: str | Path):
    return CliRunner().invoke(app, [str(word) for word in words])


def state_of(folder: Path) -> dict[str, str]:
    """Return the digest of every file but those that note who works."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in found}


def write_preset(run: Run) -> str:
    """Put the experiment of a run into the working folder, as a person has it there."""
    shutil.copyfile(run.path / "config.yaml", PRESET)
    return PRESET


def test_the_same_run_gives_the_same_bytes(trained, packs, tmp_path):
    again = tmp_path / "again.sedlab.zip"
    write_pack([contents_of(trained, PackOptions(("best",), "test"))], again)
    assert again.read_bytes() == packs["much"].read_bytes()


def test_everything_that_was_packed_is_there_to_look_at(trained, packs, gone):
    (run,) = open_pack(packs["much"], gone)
    assert run.path == gone / "runs/moved"
    assert not run.data_root.exists()
    assert run.is_apart
    away = trained.project.with_name("out-of-reach")
    original = runs.open_run(away / "runs/moved")
    there = sedlab.load_corpus(away / "disk/corpus", original.experiment.data)
    kept = [name for name in there.subsets if not name.startswith("audioset")]
    assert_frame_equal(run.corpus().clips, there.subset(*kept).clips)
    assert_frame_equal(run.corpus().events, there.subset(*kept).events)
    assert run.event_test == "devtest"

    # The sounds are those of the waveform cache.
    from sedlab.data.cache import WaveformCache

    clip_id = str(run.corpus().subset("devtest").clips["clip_id"].iloc[0])
    heard = WaveformCache.open(away / "disk/corpus/cache").read("devtest", clip_id, num_samples=None)
    np.testing.assert_array_equal(run.cache().read("devtest", clip_id, num_samples=None), heard)
    explorer = sedlab.explore(run)
    assert set(explorer.clips["sound"]) == {"here", "not here"}
    scene = explorer.player.scene
    assert scene.key.startswith("devtest/")
    assert scene.waveform.size == 160_000
    # Of a set that is trained on, everything but the sound.
    weak = run.corpus().subset("weak_train").clips["clip_id"].iloc[0]
    silent = explorer.player.scene_at(f"weak_train/{weak}")
    assert silent.waveform.size == 0
    assert silent.duration == pytest.approx(10, abs=0.01)
    assert "--clips" in silent.silence
    content, _ = silent.pack()
    assert content["mel"] is None
    assert content["systems"]
    for panel in ("Pseudo-labels", "PSD-ROC", "Errors"):
        explorer.select_panel(panel)
    runs.clip_view(run, "devtest", clip_id, 1)
    assert len(runs.read_errors(run))


def test_commands_work_where_the_run_was_opened(packs, gone):
    told = call("open", packs["much"])
    assert told.exit_code == 0, told.output
    for word in ("sedlab.explore('runs/moved')", "runs/moved/report.html", "sedlab detect", "sedlab evaluate"):
        assert word in told.stdout
    # What is told can be typed.
    evaluating = next(line for line in told.stdout.splitlines() if "sedlab evaluate" in line).split()[1:]
    done = call(*evaluating, "--metric", "psds1")
    assert done.exit_code == 0, done.output
    run = sedlab.open_run("runs/moved")
    assert f"{runs.psds_of(run, 1, 'ensemble').overall:.4f}" in done.stdout
    clip = clip_file("devtest", str(run.corpus().subset("devtest").clips["clip_id"].iloc[0]))
    heard = call("detect", f"runs/moved/{clip}", "--checkpoint", "runs/moved/iteration1/stage2/atst/best.pt")
    assert heard.exit_code == 0, heard.output
    truth, durations = (f"runs/moved/{one('devtest')}" for one in (truth_file, durations_file))
    scores = "runs/moved/iteration1/pseudo_labels/devtest.hdf5"
    for command in (
        ("errors", scores, "--ground-truth", truth, "--durations", durations, "--out", "errors"),
        ("compare", scores, scores, "--ground-truth", truth, "--durations", durations, "--intervals", "10"),
    ):
        assert call(*command).exit_code == 0


def test_an_opened_run_is_finished_and_stays_so(packs, gone):
    (run,) = open_pack(packs["little"], gone)
    preset, before = write_preset(run), state_of(run.path)
    done = call("run", preset, "--name", "moved")
    assert done.exit_code == 0, done.output
    assert "nothing to do" in done.stdout
    # What did not travel is told, and nothing is begun that would need it.
    for words, told in (
        (("run", preset, "--name", "moved", "--set", "stage2.epochs=7"), "--checkpoints iteration1_stage1_atst"),
        (("run", preset, "--name", "moved", "--set", "stage1.epochs=7"), "the clips of"),
        (("detect", "x.wav", "--checkpoint", run.path / "iteration1/stage2/atst/best.pt"), "--checkpoints"),
        (
            ("errors", run.path / "iteration1/pseudo_labels/weak_train.hdf5", "--ground-truth", "x", "--out", "y"),
            "--scores all",
        ),
    ):
        refused = call(*words)
        assert isinstance(refused.exception, SedlabError)
        assert told in str(refused.exception)
    left = {name for name in before if name != "versions.json"}
    assert {name: digest for name, digest in state_of(run.path).items() if name in left} == {
        name: before[name] for name in left
    }


def test_a_run_that_was_copied_keeps_its_labels(trained, tmp_path):
    copy = Path(shutil.copytree(trained.path, tmp_path / "laptop/runs/moved"))
    tree = (copy / "config.yaml").read_text().replace(str(trained.data_root), str(tmp_path / "nowhere"))
    (copy / "config.yaml").write_text(tree)
    run = sedlab.open_run(copy)
    assert run.is_apart
    assert_frame_equal(run.corpus().subset("devtest").events, trained.corpus().subset("devtest").events)
    told = call("open", copy)
    assert "not here: the clips" in told.stdout
    refused = call("open", copy, "--to", tmp_path)
    assert "stays where it is" in str(refused.exception)
    assert sedlab.explore(run).player.scene.silence
    # The corpus comes to where it is looked for, while the run is open.
    kept = run.corpus().subsets
    (tmp_path / "nowhere").symlink_to(trained.data_root)
    assert run.corpus().subsets == trained.corpus().subsets != kept
    (tmp_path / "nowhere").unlink()
    # An earlier version kept none.
    shutil.rmtree(copy / "corpus")
    told = call("open", copy)
    assert told.exit_code == 0
    assert "sedlab pack" in told.stdout
    with pytest.raises(SedlabError, match="sedlab pack runs/moved"):
        sedlab.open_run(copy).corpus()


def _rewritten(pack: Path, target: Path, change) -> Path:
    """Write a pack again, its members and their contents changed by ``change``."""
    with zipfile.ZipFile(pack) as source, zipfile.ZipFile(target, "w") as archive:
        for name, content in change({name: source.read(name) for name in source.namelist()}).items():
            archive.writestr(name, content)
    return target


def _with_index(members: dict, **changes) -> dict:
    return members | {INDEX_FILE: json.dumps(json.loads(members[INDEX_FILE]) | changes).encode()}


def _without(members: dict, name: str) -> dict:
    """Leave a file out, and what the index tells of it."""
    index = json.loads(members[INDEX_FILE])
    del index["runs"]["moved"]["files"][name.removeprefix("runs/moved/")]
    return _with_index({one: content for one, content in members.items() if one != name}, runs=index["runs"])


_CONFIG = "runs/moved/config.yaml"
HARMFUL = {
    "out of the folder": (lambda members: members | {"runs/moved/../../evil": b"x"}, "a path out of the folder"),
    "absolute": (lambda members: members | {"/tmp/evil": b"x"}, "an absolute path"),
    "not told of": (lambda members: members | {"runs/moved/evil.py": b"x"}, "holds, and does not tell of"),
    "lacks a file": (lambda members: {n: c for n, c in members.items() if n != _CONFIG}, f"lacks {_CONFIG}"),
    "other content": (lambda m: m | {_CONFIG: m[_CONFIG].replace(b"seed: 1", b"seed: 2")}, "is not what was packed"),
    "longer": (lambda members: members | {_CONFIG: members[_CONFIG] + b"#"}, "is not what was packed"),
    "a later version": (lambda members: _with_index(members, format=2, runs="otherwise"), "a later version"),
    "no version": (lambda members: _with_index(members, format=0), "format"),
    "a name that leads away": (lambda m: _with_index(m, runs={"../up": {"files": {}}}), "runs"),
    "no run": (lambda members: _without(members, _CONFIG), "holds no run"),
    "no index": (lambda members: {n: c for n, c in members.items() if n != INDEX_FILE}, "is no pack of sedlab"),
}


@pytest.mark.parametrize("what", HARMFUL)
def test_a_harmful_pack_leaves_nothing(what, packs, tmp_path):
    change, told = HARMFUL[what]
    bad = _rewritten(packs["little"], tmp_path / "bad.sedlab.zip", change)
    _refused(bad, tmp_path / "laptop", told)


def _refused(pack: Path, folder: Path, told: str) -> None:
    with pytest.raises(SedlabError, match=told) as caught:
        open_pack(pack, folder)
    assert "\n" not in str(caught.value)
    assert not folder.exists()


@pytest.mark.parametrize("part", [0.0, 0.4, 0.999])
def test_a_pack_that_was_cut_off_leaves_nothing(part, packs, tmp_path):
    content = packs["little"].read_bytes()
    cut = tmp_path / "cut.sedlab.zip"
    cut.write_bytes(content[: int(part * len(content))])
    _refused(cut, tmp_path / "laptop", "cut.sedlab.zip")


def test_a_flipped_bit_is_noticed(packs, tmp_path):
    content = bytearray(packs["little"].read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.sedlab.zip"
    damaged.write_bytes(content)
    _refused(damaged, tmp_path / "laptop", "damaged")


def test_without_room_nothing_is_written(trained, packs, tmp_path):
    with pytest.raises(SedlabError, match="free"):
        open_pack(packs["little"], tmp_path / "laptop", reserve_bytes=10**18)
    with pytest.raises(SedlabError, match="free"):
        write_pack([contents_of(trained, PackOptions())], tmp_path / "new.sedlab.zip", reserve_bytes=10**18)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_is_there_stays(packs, tmp_path):
    (run,) = open_pack(packs["little"], tmp_path)
    (run.path / "review.tsv").write_text("mine")
    (again,) = open_pack(packs["little"], tmp_path)
    assert again.path == run.path
    assert (run.path / "review.tsv").read_text() == "mine"
    (run.path / "iteration1/stage1/atst/manifest.json").write_text("of another run")
    with pytest.raises(SedlabError, match="--to"):
        open_pack(packs["little"], tmp_path)


def test_what_a_killed_opening_left_is_removed(packs, tmp_path):
    for pid in (999_999_999, os.getpid()):
        (tmp_path / f"runs/.moved.{socket.gethostname()}.{pid}.opening").mkdir(parents=True)
    open_pack(packs["little"], tmp_path)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["moved"]


def test_a_run_at_work_is_not_packed(trained, tmp_path):
    target = tmp_path / "busy.sedlab.zip"
    with (
        node_lock(trained.path, "iteration1_stage1_atst"),
        pytest.raises(SedlabError, match="iteration1_stage1_atst at work"),
    ):
        write_pack([contents_of(trained, PackOptions())], target)

    def meddle(done: float, *_: object) -> None:
        file = trained.path / "report.html"
        file.write_text(file.read_text() + " ")

    before = (trained.path / "report.html").read_bytes()
    try:
        with pytest.raises(SedlabError, match="has changed while it was packed"):
            write_pack([contents_of(trained, PackOptions())], target, progress=meddle)
    finally:
        (trained.path / "report.html").write_bytes(before)
    assert not list(tmp_path.iterdir())


def test_seeds_travel_together(trained, packs, tmp_path, gone):
    (first,) = open_pack(packs["little"], gone)
    second = create_run(first.experiment.model_copy(update={"seed": 2}), gone / "runs/moved-seed2")
    note_seeds([first, second])
    (first.path / "Thumbs.db").touch()  # systems put such into folders that are looked at
    done = call("pack", "runs/moved")
    assert done.exit_code == 0, done.output
    opened = open_pack(gone / "moved.sedlab.zip", tmp_path / "third")
    assert [run.name for run in opened] == ["moved", "moved-seed2"]
    assert not (opened[0].path / "Thumbs.db").exists()
    assert list(opened[0].seeds) == [1, 2]


def test_a_sweep_travels_as_a_whole(packs, tmp_path, gone):
    (base,) = open_pack(packs["little"], gone)
    other = create_run(base.experiment.model_copy(update={"seed": 3}), gone / "runs/moved-seed=3")
    runs_ = {("1",): base, ("3",): other}
    note_sweep(Sweep(gone / "runs/moved-sweep-seed", "nano", ("seed",), (), ("1",), runs_))
    done = call("pack", "runs/moved-sweep-seed")
    assert done.exit_code == 0, done.output
    open_pack(gone / "moved-sweep-seed.sedlab.zip", tmp_path / "third")
    opened = open_sweep(tmp_path / "third/runs/moved-sweep-seed")
    assert [run.name for run in opened.runs.values()] == ["moved", "moved-seed=3"]


def test_a_pack_is_a_run_to_python(packs, gone, monkeypatch):
    run = sedlab.open_run(packs["little"])
    assert run.path == gone / "runs/moved"
    assert sedlab.explore(packs["little"]).player.scene.silence
    # Who works in notebooks has runs/ beside them.
    (gone / "notebooks").mkdir()
    (gone / "notebooks/.copied.json").write_text("{}")
    monkeypatch.chdir(gone / "notebooks")
    assert sedlab.open_run(packs["little"]).path == run.path


def test_who_takes_the_data_of_another_run_takes_its_labels(trained):
    other = create_run(trained.experiment, trained.path.with_name("other"))
    try:
        take(other, find_shared(other, graph_of(other)[:1], Digests(other.path)))
        assert kept_labels(other.path) == kept_labels(trained.path) != []
    finally:
        shutil.rmtree(other.path)


def test_wishes_that_cannot_be_fulfilled_are_told(trained, tmp_path):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("mine", b"")
    for option, value, told in (
        ("--checkpoints", "bset", "best"),
        ("--clips", "some", "--clips some"),
        ("--out", __file__, "no pack"),
        ("--out", other, "no pack"),
    ):
        refused = call("pack", trained.path, "--out", tmp_path / "x.sedlab.zip", option, value)
        assert isinstance(refused.exception, SedlabError), refused.output
        assert told in str(refused.exception)
