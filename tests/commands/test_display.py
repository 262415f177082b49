"""What is shown while an experiment runs."""

import io

from rich.console import Console

from sedlab.commands.display import LineDisplay, LiveDisplay
from sedlab.runs.progress import ProgressFile


def test_outside_a_terminal_each_finished_job_is_one_line():
    out = io.StringIO()
    display = LineDisplay(Console(file=out, width=20))
    display.planned(2)
    display.started("data")
    display.finished("data", 61)
    display.failed("report", "runs/x[1]/report.html: disk full")
    assert out.getvalue().splitlines() == [
        "2 jobs to run",
        "[1/2] data  1 min 01 s",
        "[failed] report: runs/x[1]/report.html: disk full",
    ]


def test_terminal_shows_what_a_job_reports(tmp_path):
    out = io.StringIO()
    ProgressFile(tmp_path, "old")(1, 9, "step")
    with LiveDisplay(Console(file=out, force_terminal=True, width=100), tmp_path) as display:
        display.planned(3)
        display.started("iteration1_stage1_atst")
        ProgressFile(tmp_path, "iteration1_stage1_atst")(3, 8, "step")
        display.tick()
        display._progress.refresh()
        assert "step 3 of 8" in out.getvalue()
        assert "1 of 9" not in out.getvalue()
        display.finished("iteration1_stage1_atst", 5)
        display._progress.refresh()
    assert "[1/3] iteration1_stage1_atst  5 s" in out.getvalue()
