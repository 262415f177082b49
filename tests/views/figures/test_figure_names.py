"""Names in a figure are names, whatever they hold."""

import io

import pytest

from sedlab.views.figures.frame import new_figure


@pytest.mark.parametrize("name", ["$_$", "a$^$b.wav", r"$\foo$", "5 $.wav"])
def test_dollars_in_a_title_are_no_formula(name):
    new_figure(3, 2, title=name).savefig(io.BytesIO(), format="png")
