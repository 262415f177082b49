"""The report of a whole run and of half a run: self-contained, complete, and honest about what is missing."""

import re
from html.parser import HTMLParser

import pytest
from small_run import complete_run, small_run

from sedlab.report.report import SECTIONS, write_report


class Links(HTMLParser):
    """Collects what a page refers to, and the ids it defines."""

    def __init__(self):
        super().__init__()
        self.targets, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src", "xlink:href"):
                self.targets.append(value)
            if name == "id":
                self.ids.append(value)


@pytest.fixture
def empty_run(tmp_path):
    return small_run(tmp_path)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a run that has everything."""
    return write_report(complete_run(tmp_path_factory.mktemp("complete")))


def parsed(path):
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def test_report_of_a_complete_run_has_every_section(report):
    text = report.read_text(encoding="utf-8")
    assert "Not there yet" not in text
    for name in SECTIONS:
        assert f"<h2>{name}</h2>" in text
    # The ladder's values, a spectrogram, a sound, curves, the configuration, the wall times.
    assert ">0.270<" in text
    assert "data:image/png;base64," in text and "data:audio/mpeg;base64," in text
    assert text.count("<svg ") >= 8
    assert "ema_decay" in text and "61.5" in text


def test_report_loads_nothing_and_its_links_lead_somewhere(report):
    links = parsed(report)
    for target in links.targets:
        if target.startswith("#"):
            assert target[1:] in links.ids
        elif not target.startswith("data:"):
            assert (report.parent / target).is_file()
    # XML names and licences inside figures are names, not addresses that anything fetches.
    style = "".join(re.findall(r"<style.*?</style>", report.read_text(encoding="utf-8"), flags=re.S))
    assert "url(http" not in style and "@import" not in style


def test_figures_on_the_page_do_not_share_ids(report):
    ids = parsed(report).ids
    assert len(ids) == len(set(ids))


def test_report_of_an_empty_run_says_what_is_missing(empty_run):
    text = write_report(empty_run).read_text(encoding="utf-8")
    assert text.count("Not there yet") >= 6
    assert "sedlab run" in text
    assert "<h2>Configuration</h2>" in text and "ema_decay" in text


def test_report_names_no_folder_of_this_machine(empty_run, tmp_path):
    assert str(tmp_path) not in write_report(empty_run).read_text(encoding="utf-8")


def test_a_damaged_results_table_is_named_and_does_not_cost_the_rest(empty_run):
    empty_run.results.write_text("not,a,table\n1,2,3\n")
    text = write_report(empty_run).read_text(encoding="utf-8")
    assert "lacks column" in text
    assert "<h2>Configuration</h2>" in text and "ema_decay" in text
