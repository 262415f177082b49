"""A hundred generated inputs through every command; `benchmarks/fuzz.py` makes thousands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
def test_bad_input_is_refused_and_odd_input_is_read(tmp_path):
    out = tmp_path / "offending.json"
    options = ["--inputs", "120", "--seed", "0", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, CHECKOUT / "benchmarks" / "fuzz.py", *options], capture_output=True, text=True, check=False
    )
    assert "120 inputs" in done.stdout, done.stderr
    offending = json.loads(out.read_text())
    assert not offending, "\n".join(f"{case['repeat']}  # {case['idea']}: {case['offences']}" for case in offending)


@pytest.mark.parametrize(
    ("command", "offence"),
    [
        ("raise ValueError('x')", "traceback"),
        ("print('error: x')", "accepted"),
        ("sys.exit('a\\nb')", "message"),
        ("sys.exit('error: input.tsv')", "message"),
        ("while True: pass", "hang"),
        ("open('input.tsv', 'w'); sys.exit('error: input.tsv: is bad. Mend it.')", "input changed"),
        ("open('.out.1.json', 'w'); sys.exit('error: input.tsv: is bad. Mend it.')", "half-written"),
        ("open('out.json', 'w'); sys.exit('error: input.tsv: is bad. Mend it.')", "half-written"),
        ("os.kill(os.getpid(), 11)", "status"),
        ("sys.exit('error: input.tsv: is bad. Mend it.')", None),
    ],
)
def test_the_harness_sees(command, offence, tmp_path, monkeypatch):
    from fuzzing import doors, harness
    from fuzzing.case import Case

    monkeypatch.setattr(harness, "CPU_SECONDS", 1)
    monkeypatch.setitem(doors._DOORS, "probe", lambda _: exec(command, {"sys": sys, "os": __import__("os")}))
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "input.tsv").write_text("x")
    ending = harness.run_case(Case(("python", "probe", "input.tsv"), "", True, ("out.json",)), folder)
    assert {found.partition(":")[0] for found in ending.offences} == ({offence} if offence else set())
