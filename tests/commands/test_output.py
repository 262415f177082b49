"""What commands print and write, whatever they are."""

import io
import os

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from sedlab.commands.output import format_seconds, progress_bar, resumable, table_console, write_figure
from sedlab.errors import SedlabError


@pytest.mark.parametrize(("seconds", "text"), [(7.6, "8 s"), (65, "1 min 05 s"), (7800, "2 h 10 min")])
def test_durations_read_naturally(seconds, text):
    assert format_seconds(seconds) == text


def test_a_bar_is_drawn_only_where_somebody_watches():
    for terminal in (True, False):
        out = io.StringIO()
        with progress_bar(Console(file=out, force_terminal=terminal, width=100)) as progress:
            progress(3, 8, "street[1].wav")
        assert ("street[1].wav" in out.getvalue()) == terminal


def test_in_a_pipe_tables_are_wide(capsys):
    table_console().print("x" * 190)
    assert capsys.readouterr().out == "x" * 190 + "\n"


@pytest.mark.parametrize("name", ["curve", "curve.PNG", "pipe"])
def test_a_figure_is_a_png_unless_its_name_says_otherwise(tmp_path, name):
    read = None
    if name == "pipe":  # as /dev/stdout has no suffix
        os.mkfifo(tmp_path / name)
        read = os.open(tmp_path / name, os.O_RDONLY | os.O_NONBLOCK)
    write_figure(tmp_path / name, Figure(figsize=(1, 1)))
    content = os.read(read, 8) if read else (tmp_path / name).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_figure_in_no_known_format_leaves_no_file(tmp_path):
    with pytest.raises(SedlabError, match=r"--plot .*curve\.wav: .*Use \.png, \.svg or \.pdf"):
        write_figure(tmp_path / "curve.wav", Figure())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_says_how_it_goes_on():
    with pytest.raises(SedlabError, match="goes on where it stopped"), resumable():
        raise KeyboardInterrupt
