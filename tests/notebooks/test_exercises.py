"""Every exercise of every notebook done: it shows what it says one should see.

The first notebooks are run from top to bottom before it. Those of a run have been, by its jobs; of them, what their
exercises need.
"""

from pathlib import Path

import nbclient
import pytest
from exercises import checks_of, exercises_of, only_what_is_used, with_exercises
from finished_nano import PRESET, copy_of, finished_nano
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from sedlab.pipeline.interpreter import KERNEL_NAME, JobKernelManager, kernel_seconds
from sedlab.pipeline.notebooks import notebook_parameters

__all__ = ["finished_nano"]

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
FILES = sorted(NOTEBOOKS.glob("*.ipynb"))

every_notebook = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@every_notebook
def test_every_exercise_has_a_command_what_to_see_and_a_check(path):
    exercises = exercises_of(path)
    assert [exercise.number for exercise in exercises] == list(range(1, len(exercises) + 1)) and exercises
    assert [exercise.number for exercise in exercises if not exercise.blocks] == []
    assert {language for exercise in exercises for language, _ in exercise.blocks} <= {"python", "sh"}
    assert [exercise.number for exercise in exercises if not exercise.says_what_to_see] == []
    assert {number for number, _ in checks_of(path)} == {exercise.number for exercise in exercises}


@pytest.fixture(scope="module")
def kernel():
    """Return what executes a notebook in a folder: one kernel for all, emptied before each, as imports take long."""
    client = nbclient.NotebookClient(
        new_notebook(),
        timeout=None,
        startup_timeout=kernel_seconds(),
        kernel_name=KERNEL_NAME,
        kernel_manager_class=JobKernelManager,
    )

    def execute(notebook, folder):
        beginning = new_code_cell(f"%reset -f in out\n%reset -f\nimport os\nos.chdir({str(folder)!r})\ndel os")
        notebook.cells.insert(0, beginning)
        client.nb = notebook
        client.execute(cleanup_kc=False)
        notebook.cells.remove(beginning)

    with client.setup_kernel():
        yield execute


@pytest.mark.slow
@pytest.mark.timeout(1200)
@every_notebook
def test_exercises_show_what_one_should_see(path, kernel, finished_nano, tmp_path):
    folder = copy_of(finished_nano, tmp_path / "project")
    (folder / "notebooks").symlink_to(NOTEBOOKS)
    known = notebook_parameters(path)
    nano = {"preset": PRESET} if "preset" in known else {name: "runs/nano" for name in ("run",) if name in known}
    notebook = with_exercises(path, "nano", PRESET)
    if "run" in known:
        notebook = only_what_is_used(notebook, len(notebook.cells) - len(load_notebook_node(str(path)).cells))
    notebook = parameterize_notebook(notebook, nano)
    try:
        kernel(notebook, folder)
    except CellExecutionError as error:
        pytest.fail(str(error), pytrace=False)
    if "run" not in known:  # the first ones, which no job of a run executes
        outputs = [part for cell in notebook.cells if cell.cell_type == "code" for part in cell.outputs]
        assert sum("image/png" in part.get("data", {}) for part in outputs) >= 5
        # A warning in a first notebook is what a reader would look at.
        assert [part["text"] for part in outputs if part.get("name") == "stderr"] == []
