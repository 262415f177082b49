"""What every committed notebook looks like: prose and short cells, parameters first, no outputs."""

import ast
from pathlib import Path

import nbformat
import pytest

from sedlab.pipeline.notebooks import notebook_parameters

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
FILES = sorted(NOTEBOOKS.glob("*.ipynb"))
STORY = [
    "00_tour",
    "01_data",
    "01a_augmentations",
    "01b_own_corpus",
    "02_pretrain",
    "03_stage1",
    "04_stage2",
    "04a_scores",
    "05_pseudo_labels",
    "06_evaluate",
    "07_compare",
    "08_errors",
]
MAX_LINES = 12

every_notebook = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def code_cells(path: Path) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_the_story_is_complete():
    assert set(STORY) <= {path.stem for path in FILES}


@every_notebook
def test_notebook_is_valid_and_asks_for_the_environment_s_own_kernel(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


@every_notebook
def test_notebook_has_no_outputs(path):
    assert [cell.outputs for cell in code_cells(path) if cell.outputs or cell.execution_count] == []


@every_notebook
def test_parameters_come_first(path):
    tagged = ["parameters" in cell.metadata.get("tags", []) for cell in code_cells(path)]
    assert tagged[0] and sum(tagged) == 1


@every_notebook
def test_papermill_knows_every_parameter(path):
    """It skips a line with two equals signs, one of them in a comment, say."""
    assigned = [node for node in ast.parse(code_cells(path)[0].source).body if isinstance(node, ast.Assign)]
    assert notebook_parameters(path) == [node.targets[0].id for node in assigned]


@every_notebook
def test_cells_are_short(path):
    long = [cell.source for cell in code_cells(path) if len(cell.source.splitlines()) > MAX_LINES]
    assert long == []


@every_notebook
def test_nothing_worth_naming_is_defined_in_a_notebook(path):
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for cell in code_cells(path):
        nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, definitions)]
        assert [node.name for node in nodes if node.end_lineno - node.lineno + 1 > 2] == []


@every_notebook
def test_paths_are_relative(path):
    for cell in code_cells(path):
        strings = [node.value for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Constant)]
        assert [
            text for text in strings if isinstance(text, str) and (text.startswith(("/", "~")) or ":\\" in text)
        ] == []


@every_notebook
def test_prose_leads_and_the_end_says_where_to_go(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    end = "\n".join(cell.source for cell in cells[-3:] if cell.cell_type == "markdown")
    assert "What to notice" in end and "Exercises" in end
