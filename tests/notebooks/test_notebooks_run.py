"""The notebooks that need no run, executed; those that are stages run with the whole graph."""

from pathlib import Path

import nbformat
import pytest

from sedlab.pipeline.notebooks import execute_notebook

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["00_tour", "01_data", "01a_augmentations"])
def test_notebook_runs_from_top_to_bottom_and_shows_figures(name, tmp_path):
    output = tmp_path / f"{name}.ipynb"
    execute_notebook(NOTEBOOKS / f"{name}.ipynb", output, {"preset": "nano"}, folder=tmp_path)
    code = [cell for cell in nbformat.read(output, as_version=4).cells if cell.cell_type == "code"]
    outputs = [part for cell in code for part in cell.outputs]
    assert sum("image/png" in part.get("data", {}) for part in outputs) >= 5
    # A warning in a first notebook is what a reader would look at.
    assert [part["text"] for part in outputs if part.get("name") == "stderr"] == []
