"""What a training at work tells the run folder and who has no browser; and the nodes of a run at a glance."""

from __future__ import annotations

import json
import time

import pytest

from sedlab import views
from sedlab.errors import SedlabError
from sedlab.files import write_json
from sedlab.runs.live.nodes import glance_at
from sedlab.runs.live.rows import MAX_ROWS, ThinRows, add_rows, begin_rows, read_rows
from sedlab.runs.live.training import Lines, TrainingLog, shown_training
from sedlab.runs.locks import node_lock
from sedlab.runs.manifest import Manifest
from sedlab.runs.progress import NodeProgress, request_stop, rows_file, stop_file, write_progress
from sedlab.training.watch import Glance, TrainingStopped
from sedlab.views.explorers.live import LiveRun, LiveTraining


def glance(step, rows=(), *, total=4, doing="training", validation=None) -> Glance:
    speed = {"steps_per_second": 2.0, "clips_per_second": 18.0, "seconds_left": (total - step) / 2}
    place = {"step": step, "total_steps": total, "epoch": 1, "epochs": 2, "seconds": 1.0}
    return Glance(doing=doing, **place, rows=list(rows), validation=validation or {}, **speed)


def row(step: int, **more: float) -> dict[str, float]:
    return {"step": step, "epoch": 0, "lr": 0.1, "loss/total": float(step)} | more


class Nobody:
    """Is shown a training and does not look."""

    def show(self, state, rows):
        pass

    def end(self, message, rows):
        pass


def test_long_trainings_are_thinned_to_means_and_validations_stay():
    thin, total = ThinRows(60_000), 60_000
    rows = [found for step in range(total) for found in thin.add([row(step, **{"val/objective": 0.5})])]
    losses = [found for found in rows if "loss/total" in found]
    assert len(losses) == MAX_ROWS and len(rows) - len(losses) == total
    assert losses[0] == {"step": 29, "epoch": 0, "lr": 0.1, "loss/total": 14.5}
    assert thin.rest() == []
    assert ThinRows(240).add([row(0), row(1)]) == [row(0), row(1)]


def test_rows_are_appended_and_another_process_reads_what_is_new(tmp_path):
    path = tmp_path / "rows.jsonl"
    begin_rows(path, [row(0)])
    first, end = read_rows(path)
    add_rows(path, [row(1), row(2, **{"loss/pseudo": 0.0})])
    with path.open("a") as file:
        file.write('{"step": 3, "lo')  # being written
    second, later = read_rows(path, start=end)
    assert [found["step"] for found in first + second] == [0, 1, 2]
    with path.open("a") as file:
        file.write('ss/total": 1}\nnonsense\n')
    assert read_rows(path, start=later)[0] == [{"step": 3, "loss/total": 1}]


def test_a_training_that_goes_on_begins_its_file_with_what_it_has_behind_it(tmp_path):
    first = TrainingLog(tmp_path, "stage1", Nobody())
    for state in (glance(0), glance(1, [row(0)]), glance(3, [row(1), row(2)])):
        first(state)
    again = TrainingLog(tmp_path, "stage1", Nobody())  # from a checkpoint after step 2
    again(glance(2, [row(0), row(1, **{"val/objective": 0.5})]))
    path = rows_file(tmp_path, "stage1")
    inode = path.stat().st_ino
    again(glance(3, [row(2, **{"loss/nothing": float("nan")})]))
    again(glance(3, validation={"step": 2, "val/objective": 0.6}))
    assert path.stat().st_ino == inode, "the file was written anew"
    found, _ = read_rows(path)
    assert found == [row(0), row(1), {"step": 1, "val/objective": 0.5}, row(2), {"step": 2, "val/objective": 0.6}]
    told = NodeProgress.model_validate_json((tmp_path / "progress" / "stage1.json").read_text())
    assert str(told) == "step 3 of 4, 0 s left, 2 steps/s, 18 clips/s"


def test_without_a_person_there_are_few_lines_and_the_end(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sedlab.runs.live.training._LINE_SECONDS", (0.0, 1e9))
    shown = Lines("stage1")
    for step in range(1, 60_001):
        shown.show(NodeProgress(what="step", done=step, total=60_000, time=0, doing="training"), [row(step - 1)])
    validation = {"step": 9, "val/objective": 0.41, "val/teacher/objective": 0.39}
    shown.show(NodeProgress(what="step", done=60_000, total=60_000, time=0, doing="training"), [validation])
    shown.end("", [row(59_999)])
    lines = capsys.readouterr().out.splitlines()
    assert 8 <= len(lines) <= 11
    assert lines[0] == "stage1: step 6000 of 60000; loss 3e+03"
    assert lines[-1] == "stage1: all 60000 steps done; loss 5.7e+04, objective 0.410, teacher 0.390"


def test_a_wish_of_yesterday_stops_nothing_and_an_error_is_told(tmp_path, capsys):
    request_stop(tmp_path, "stage1")
    with pytest.raises(TrainingStopped), shown_training(tmp_path, "stage1") as watch:
        assert not stop_file(tmp_path, "stage1").exists()
        watch(glance(1, [row(0)]))
        raise TrainingStopped.after(1, 4)
    assert capsys.readouterr().out.startswith("stage1: stopped after step 1 of 4. Run the cell")


def test_nodes_at_a_glance(tmp_path):
    about = {"node": "data", "parameters": {}, "started": "2026", "finished": "2026", "seconds": 65.0}
    (tmp_path / "data").mkdir()
    write_json(tmp_path / "data" / "manifest.json", Manifest(**about))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "pretrain.txt").write_text("some\nerror: disk full\n")
    (tmp_path / "logs" / "scheduler.txt").write_text("error: not a node\n")
    state = NodeProgress(what="step", done=3, total=8, time=time.time(), doing="training", seconds_left=2.4)
    write_progress(tmp_path, "stage1", state)
    with node_lock(tmp_path, "stage1"):
        found = {node.name: (node.state, node.text) for node in glance_at(tmp_path, ["stage1", "stage2"])}
    assert found == {
        "data": ("done", "1 min 05 s"),
        "stage1": ("running", "step 3 of 8, 2 s left"),
        "stage2": ("waiting", ""),
        "pretrain": ("failed", "disk full"),
    }


@pytest.fixture
def sent(monkeypatch):
    """Return what widgets send to the browser, message by message."""
    messages = []
    monkeypatch.setattr(LiveTraining, "send", lambda self, content: messages.append(content))
    return messages


def test_the_browser_is_sent_new_rows_alone_and_its_button_is_acknowledged(sent):
    pressed = []
    view = LiveTraining("stage1", on_stop=lambda: pressed.append(True))
    for step in range(500):
        view.add([row(step)])
    assert max(len(json.dumps(message)) for message in sent) < 200
    assert [message["start"] for message in sent] == list(range(500))
    view._receive(view, {"type": "all rows"}, [])
    assert len(sent[-1]["rows"]) == 500
    view.tell(NodeProgress(what="step", done=3, total=8, time=0, doing="training"))
    view._receive(view, {"type": "stop"}, [])
    assert pressed and view.state["stopping"]
    view.tell(NodeProgress(what="step", done=4, total=8, time=0, doing="stopped"))
    view.end("stopped after step 4 of 8.")
    assert (view.state["doing"], view.state["message"]) == ("stopped", "stopped after step 4 of 8.")


def test_a_button_that_does_not_work_says_so_in_the_widget(sent):
    def fail(name: str) -> None:
        raise SedlabError(f"{name}: nothing is at work on it any more.")

    view = LiveRun(on_stop=fail)
    view._receive(view, {"type": "stop", "node": "stage1"}, [])
    assert view.state["message"] == "stage1: nothing is at work on it any more."
    view._receive(view, {"type": "choose", "node": "stage2"}, [])
    assert view.chosen == "stage2"


def test_a_run_is_watched_from_the_views_too(tmp_path, capsys):
    (tmp_path / "config.yaml").touch()
    views.watch(tmp_path)
    assert capsys.readouterr().out == f"{tmp_path}: nothing is at work\n"
