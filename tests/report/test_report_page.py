"""The templates of the report: what comes from outside is text, never markup."""

import pandas as pd
import pytest
from jinja2 import UndefinedError

from sedlab.report.page import link, render


def test_words_from_outside_are_escaped_and_links_are_not():
    table = pd.DataFrame({"what": ["<script>"], "version": [link("a & b", 'x.html?"')]})
    html = render("versions", versions=table)
    assert "&lt;script&gt;" in html and "<script>" not in html
    assert '<a href="x.html?&#34;">a &amp; b</a>' in html


def test_numbers_stand_to_the_right_with_their_digits_and_a_dash_for_none():
    html = render("versions", versions=pd.DataFrame({"what": ["a", "b"], "value": [0.12345, float("nan")]}))
    assert '<th class="text">what</th><th>value</th>' in html
    assert "<td>0.123</td>" in html and "<td>–</td>" in html


def test_a_value_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        render("missing")
