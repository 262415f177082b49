"""The exercises of the notebooks, done: their commands run, and show what the notebook says one should see."""

from pathlib import Path

import nbclient
import pytest
from exercises import checks_of, exercises_of, with_exercises
from finished_nano import copy_of, finished_nano
from nbclient.exceptions import CellExecutionError
from papermill.parameterize import parameterize_notebook

from sedlab.pipeline.interpreter import KERNEL_NAME, JobKernelManager, kernel_seconds
from sedlab.pipeline.notebooks import notebook_parameters

__all__ = ["finished_nano"]

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
#: Notebooks whose exercises have no commands yet.
WITHOUT_COMMANDS: tuple[str, ...] = ()
FILES = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem not in WITHOUT_COMMANDS]

every_notebook = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@every_notebook
def test_every_exercise_has_a_command_what_to_see_and_a_check(path):
    exercises = exercises_of(path)
    assert [exercise.number for exercise in exercises] == list(range(1, len(exercises) + 1)) and exercises
    assert [exercise.number for exercise in exercises if not exercise.blocks] == []
    assert {language for exercise in exercises for language, _ in exercise.blocks} <= {"python", "sh"}
    assert [exercise.number for exercise in exercises if not exercise.says_what_to_see] == []
    assert {number for number, _ in checks_of(path)} == {exercise.number for exercise in exercises}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@every_notebook
def test_exercises_show_what_one_should_see(path, finished_nano, tmp_path):
    folder = copy_of(finished_nano, tmp_path / "project")
    known = notebook_parameters(path)
    nano = {"preset": "nano"} if "preset" in known else {"run": "runs/nano"}
    notebook = parameterize_notebook(with_exercises(path, "nano"), nano)
    client = nbclient.NotebookClient(
        notebook,
        timeout=None,
        startup_timeout=kernel_seconds(),
        kernel_name=KERNEL_NAME,
        kernel_manager_class=JobKernelManager,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        pytest.fail(str(error), pytrace=False)
