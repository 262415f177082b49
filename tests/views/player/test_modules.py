"""ES modules that are joined for anywidget stay what they are alone."""

import re
from collections import Counter
from pathlib import Path

import pytest

from sedlab import views
from sedlab.views.modules import joined

VIEWS = Path(views.__file__).parent
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:const|let|class|function) (\w+)", re.MULTILINE)


def test_modules_come_before_what_needs_them_and_once(tmp_path):
    (tmp_path / "a.js").write_text(
        'import { b } from "./b.js";\nimport { c } from "./inner/c.js";\nexport default { b, c };\n'
    )
    (tmp_path / "b.js").write_text('import { c } from "./inner/c.js";\n\nexport function b() { return c; }\n')
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.js").write_text('import { d } from "../d.js";\nexport const c = d;\n')
    (tmp_path / "d.js").write_text("export const d = 1;\n")
    lines = [line for line in joined(tmp_path, "a.js").splitlines() if line]
    assert lines == ["const d = 1;", "const c = d;", "function b() { return c; }", "export default { b, c };"]


def test_a_circle_is_refused(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"imports itself by way of a\.js, b\.js"):
        joined(tmp_path, "a.js")


def test_player_is_whole_and_no_name_is_declared_twice():
    text = joined(VIEWS / "player", "player.js")
    assert re.findall(r"^import .*", text, re.MULTILINE) == []
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default { render };"]
    assert [name for name, times in Counter(DECLARED.findall(text)).items() if times > 1] == []
