"""What a training tells while it goes on; stopped and resumed, it equals one that was not stopped, to the bit."""

from __future__ import annotations

import os
import signal

import pandas as pd
import pytest
import torch
from golden_curve import detection_batch
from test_fit import NoiseLoader, assert_same_training, node

from sedlab.errors import SedlabError
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.fit import fit
from sedlab.training.watch import TrainingStopped

CLIPS = len(detection_batch(0, pseudo=False))
#: Two batches a step; the last step of each of three epochs is one batch, and two epochs end with a validation.
SETTINGS = {"accumulation": 2, "epochs": 3, "validate_every": 2}
STEPS = 6


class Objective:
    """A validation that depends on the networks and on nothing else."""

    def __init__(self, interrupt_at: int | None = None):
        self.calls, self.interrupt_at = 0, interrupt_at

    def __call__(self, networks):
        self.calls += 1
        if self.calls == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        weights = [parameter.detach().double().sum() for parameter in networks["student"].parameters()]
        return {"objective": float(torch.stack(weights).sum()), "teacher/objective": 0.5}


class InterruptedLoader(NoiseLoader):
    """Has the process interrupted while a batch is loaded, as a person does who presses Ctrl-C."""

    def __init__(self, at: tuple[int, int]):
        super().__init__()
        self.at = at

    def epoch(self, epoch: int, start: int = 0):
        for index, batch in enumerate(super().epoch(epoch, start), start=start):
            if (epoch, index) == self.at:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch


def train(folder, *, watch=None, loader=None, validate=None, stop_file=None):
    configuration = node("stage1", "atst", **SETTINGS)
    fabric = make_fabric(configuration.training.trainer)
    task = DetectionTask(configuration, fabric, responses=None)
    folder.mkdir(exist_ok=True, parents=True)
    options = {"fabric": fabric, "save_best": task.save, "validate": validate or Objective()}
    return fit(task, loader or NoiseLoader(), configuration, folder, **options, watch=watch, stop_file=stop_file)


@pytest.fixture
def always(monkeypatch):
    """Let there be a glance after every step, and speed be that of all steps."""
    monkeypatch.setattr("sedlab.training.watch.EVERY_SECONDS", 0.0)
    monkeypatch.setattr("sedlab.training.watch._WINDOW_SECONDS", float("inf"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the result of the training that nobody looked at."""
    return train(tmp_path_factory.mktemp("whole"))


def test_the_watch_is_told_everything_and_changes_nothing(tmp_path, whole, always):
    glances = []
    watched = train(tmp_path, watch=glances.append)
    assert_same_training(whole, watched)

    history = pd.read_csv(watched.history)
    told = pd.DataFrame([row for glance in glances for row in glance.rows])
    losses = [name for name in history if name.startswith("loss/")]
    pd.testing.assert_frame_equal(told[["step", "lr", *losses]], history[["step", "lr", *losses]])
    validations = [glance.validation for glance in glances if glance.validation]
    assert [values["step"] for values in validations] == [3, 5]
    assert [values["val/objective"] for values in validations] == history["val/objective"].dropna().tolist()
    assert {values["val/teacher/objective"] for values in validations} == {0.5}

    assert [glance.step for glance in glances if glance.doing == "training"] == [0, 1, 2, 3, 4, 4, 5, 6, 6]
    assert [glance.doing for glance in glances][-4:] == ["training", "validating", "training", "finished"]
    assert {(glance.total_steps, glance.epochs) for glance in glances} == {(STEPS, 3)}
    assert glances[-1].seconds_left == pytest.approx(0, abs=1e-9)
    # Three batches make two steps.
    assert glances[-1].clips_per_second / glances[-1].steps_per_second == pytest.approx(1.5 * CLIPS, rel=0.25)


def test_between_two_glances_nothing_is_fetched_from_the_device(tmp_path, monkeypatch):
    from sedlab.training.history import History

    monkeypatch.setattr("sedlab.training.watch.EVERY_SECONDS", 1000.0)
    glances, fetched, fetch = [], [], History.fetch
    monkeypatch.setattr(History, "fetch", lambda self: fetched.append(self._state.step) or fetch(self))
    train(tmp_path, watch=glances.append)
    assert set(fetched) == {1, 2, 4, 6}  # the first glance, and the ends of the epochs as ever
    assert {glance.step for glance in glances} == {0, 1, 4, 6}


@pytest.mark.parametrize("step", [1, 2, 4])
def test_stopped_after_a_step_and_resumed_equals_one_that_was_not(tmp_path, whole, always, step):
    wish = tmp_path / "wish.stop"

    def press(glance) -> None:
        if glance.step == step and glance.doing == "training":
            wish.touch()

    with pytest.raises(TrainingStopped, match=rf"^stopped after step {step} of {STEPS}\. Run the cell") as stopped:
        train(tmp_path, watch=press, stop_file=wish)
    assert isinstance(stopped.value, SedlabError)
    assert not wish.exists() and not (tmp_path / "best.pt").exists()

    glances = []
    resumed = train(tmp_path, watch=glances.append, stop_file=wish)
    assert (resumed.resumed_from, resumed.objective) == (step, whole.objective)
    assert [row["step"] for row in glances[0].rows] == list(range(step))
    assert_same_training(whole, resumed)
    for name in ("val/objective", "val/teacher/objective"):
        assert pd.read_csv(resumed.history)[name].equals(pd.read_csv(whole.history)[name])


@pytest.mark.parametrize("place", [(0, 0), (2, 2)])
def test_an_interrupt_waits_for_the_step_and_nothing_is_lost(tmp_path, whole, place):
    before = signal.getsignal(signal.SIGINT)
    epoch, index = place
    done = 2 * epoch + index // 2 + 1
    if done < STEPS:
        with pytest.raises(TrainingStopped, match=f"after step {done} of"):
            train(tmp_path, loader=InterruptedLoader(place))
    else:  # nothing was left to do
        train(tmp_path, loader=InterruptedLoader(place))
    assert signal.getsignal(signal.SIGINT) is before
    resumed = train(tmp_path)
    assert resumed.resumed_from == done
    assert_same_training(whole, resumed)


def test_an_interrupted_validation_is_done_again(tmp_path, whole):
    with pytest.raises(TrainingStopped, match="after step 4 of"):
        train(tmp_path, validate=Objective(interrupt_at=1))
    again = Objective()
    resumed = train(tmp_path, validate=again)
    assert (resumed.resumed_from, again.calls) == (4, 2)
    assert_same_training(whole, resumed)
