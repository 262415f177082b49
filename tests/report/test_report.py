"""The report of a whole run and of half a run: self-contained, complete, and honest about what is missing."""

import re
from html.parser import HTMLParser

import pytest
from small_run import complete_run, small_run

from sedlab.report.report import SECTIONS, _section, write_report
from sedlab.report.sections import headline, summary


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
def complete(tmp_path_factory):
    """A run that has everything."""
    return complete_run(tmp_path_factory.mktemp("complete"))


@pytest.fixture(scope="module")
def report(complete):
    """The report of a run that has everything."""
    return write_report(complete)


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


ODD = ("", "\0" * 50, "{", "[1, 2]", '{"a": 1}', "a,b\n1,2\n3\n", b"\xff\xfe\x00broken", "[" * 100_000)
READ_BY = {
    "iteration1/stage1/atst/manifest.json": ("Time", "Summary"),
    "errors.csv": ("Errors",),
    "results.csv": ("The ladder", "Classes", "Key numbers"),
    "versions.json": ("Versions",),
    "iteration1/stage1/atst/history.csv": ("Learning curves",),
    "configs/iteration1_stage1_atst.yaml": ("Configuration",),
}


@pytest.mark.parametrize("name", READ_BY)
@pytest.mark.parametrize("content", ODD)
def test_odd_files_cost_a_section_at_most(empty_run, name, content):
    for node in empty_run.experiment.nodes():
        empty_run.node_dir(node.stage, node.arch, node.iteration).mkdir(parents=True)
    path = empty_run.path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = write_report(empty_run).read_text(encoding="utf-8")
    assert [f"<h2>{section}</h2>" in text for section in SECTIONS] == [True] * len(SECTIONS)
    others = {**SECTIONS, "Summary": summary, "Key numbers": headline}
    ours = [_section(empty_run, section, others[section]) for section in READ_BY[name]]
    assert name.startswith("configs/") or all("Not there yet" in html for html in ours)
    if name.endswith("history.csv"):
        assert "Delete it: its curves are then left out" in ours[0]
        path.unlink()
        assert "not the history" not in _section(empty_run, "Learning curves", SECTIONS["Learning curves"])


def test_a_table_of_errors_without_an_ensemble_says_what_to_do(complete):
    lines = complete.errors.read_text().splitlines()
    for kept in (lines[:1], [line for line in lines if ",ensemble," not in line]):
        complete.errors.write_text("\n".join(kept) + "\n")
        html = _section(complete, "Errors", SECTIONS["Errors"])
        assert "holds no case of an ensemble. Delete it and run" in html
    complete.errors.write_text("\n".join(lines) + "\n")


def test_a_fault_in_a_section_is_told_on_the_page_and_to_who_runs_it(empty_run, capsys):
    def faulty(run):
        raise KeyError(f"{run.path}/x")

    html = _section(empty_run, "Faulty", faulty)
    assert "KeyError" in html and str(empty_run.path) not in html
    told = capsys.readouterr().err
    assert "Traceback" in told and "\nwarning: section 'Faulty' is missing: " in told
