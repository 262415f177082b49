"""What a notebook's exercises become for the test that does them."""

import nbformat
import pytest
from exercises import checks_of, exercises_of, only_what_is_used, with_exercises
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LIST = """## Exercises
1. Look.
   ```python
   for k in range(2):
       run = f"runs/mini-{k}"
   ```
   *You should see* two.
2. Train the minimum.
   ```sh
   sedlab run mini --name short
   ```
3. Think.

**Next:** more."""


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "99_new.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("a = 1"), new_markdown_cell(f"# T\n\n{LIST}")]), path)
    return path


def test_each_item_is_an_exercise_with_its_commands(notebook):
    look, train, think = exercises_of(notebook)
    assert look.blocks == (("python", 'for k in range(2):\n    run = f"runs/mini-{k}"\n'),) and look.says_what_to_see
    assert train.blocks == (("sh", "sedlab run mini --name short\n"),) and not train.says_what_to_see
    assert (think.number, think.blocks) == (3, ())
    assert checks_of(notebook) == []


def test_they_become_cells_that_name_another_preset(notebook):
    cells = [cell.source for cell in with_exercises(notebook, "nano").cells if cell.cell_type == "code"]
    assert len(cells) == 3 and 'f"runs/nano-{k}"' in cells[1]
    assert "'sedlab run nano --name short\\n'" in cells[2]


def test_what_only_shows_something_is_left_out_of_what_an_exercise_needs():
    cells = [
        "import pandas as pd\nimport torch",
        "table = pd.DataFrame({'a': [1]})\nother = 2\nshow(table)",
        "table['b'] = 3",
        "if len(table):\n    print(other)",
        "rows = [row for row in table.index]\nrows",
    ]
    used = ["used = rows\nused", "assert used"]
    notebook = new_notebook(cells=[new_code_cell(text, metadata={"tags": []}) for text in [*cells, *used]])
    notebook.cells.insert(0, new_code_cell("preset = 'nano'", metadata={"tags": ["parameters"]}))
    left = [cell.source for cell in only_what_is_used(notebook, len(used)).cells]
    assert left == [
        "preset = 'nano'",
        "import pandas as pd",
        "table = pd.DataFrame({'a': [1]})",
        "table['b'] = 3",
        "",
        "rows = [row for row in table.index]",
        *used,
    ]
