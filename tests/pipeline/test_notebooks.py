"""Executing a notebook: parameters are checked first, the executed copy stays, a dead kernel is noticed."""

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from tiny_project import write_notebook

from sedlab.errors import SedlabError
from sedlab.pipeline import job, notebooks
from sedlab.pipeline.graph import Job
from sedlab.pipeline.notebooks import check_parameters, execute_notebook, notebook_parameters, sign_notebook
from sedlab.runs.run import create_run


def outputs(path):
    return str([cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells])


def test_parameters_are_what_the_tagged_cell_assigns(tmp_path):
    path = write_notebook(
        tmp_path / "a.ipynb", 'run = "runs/mini"\narch: str = "atst"\nbaseline = None  # none', "other = 1"
    )
    assert notebook_parameters(path) == ["run", "arch", "baseline"]


def test_unknown_parameter_is_refused_with_the_nearest_name(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", "run = 1\niteration = 1", "1")
    with pytest.raises(SedlabError, match=r"unknown parameter 'iterations' .*Did you mean 'iteration'\?"):
        execute_notebook(path, tmp_path / "out.ipynb", {"iterations": 2}, folder=tmp_path)
    assert not (tmp_path / "out.ipynb").exists()


def test_file_that_is_no_notebook_is_refused(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text("{")
    with pytest.raises(SedlabError, match="not a readable notebook"):
        check_parameters(path, {})


def test_executed_copy_and_page_show_the_result_in_the_working_folder(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", "count = 1", "import os; (count * 2, os.getcwd())")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    execute_notebook(path, tmp_path / "out/a.ipynb", {"count": 21}, folder=folder)
    assert "42" in outputs(tmp_path / "out/a.ipynb")
    assert str(folder) in outputs(tmp_path / "out/a.ipynb")
    assert "42" in (tmp_path / "out/a.html").read_text()


def test_executed_copy_is_signed_and_where_the_key_cannot_be_kept_a_line_says_so(tmp_path, monkeypatch, capfd):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[])])
    nbformat.write(notebook, tmp_path / "a.ipynb")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    sign_notebook(tmp_path / "a.ipynb")
    assert NotebookNotary(data_dir=str(tmp_path / "data")).check_signature(nbformat.read(tmp_path / "a.ipynb", 4))
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("JUPYTER_DATA_DIR", "/dev/null/data")
    sign_notebook(tmp_path / "a.ipynb")
    assert "/dev/null/data: cannot be written to, so executed notebooks are not signed" in capfd.readouterr().err


def test_failed_cell_gives_one_line_and_the_copy_stays(tmp_path):
    error = "from sedlab.errors import SedlabError\nraise SedlabError('file.tsv: no column onset. Add it.')"
    path = write_notebook(tmp_path / "a.ipynb", "run = 1", error)
    with pytest.raises(SedlabError, match=r"^file.tsv: no column onset. Add it.$"):
        execute_notebook(path, tmp_path / "out.ipynb", {}, folder=tmp_path)
    assert "no column onset" in outputs(tmp_path / "out.ipynb")
    assert (tmp_path / "out.html").is_file()


def test_a_kernel_that_takes_too_long_is_one_line_and_the_remedy_gives_it_time(tmp_path, monkeypatch):
    path = write_notebook(tmp_path / "a.ipynb", "count = 1", "count * 2")
    slow_start = tmp_path / "ipython" / "profile_default" / "startup" / "sleep.py"
    slow_start.parent.mkdir(parents=True)
    slow_start.write_text("import time; time.sleep(3)")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("SEDLAB_KERNEL_SECONDS", "0")
    with pytest.raises(SedlabError, match=r"no kernel started \(.*in 0 seconds\)") as told:
        execute_notebook(path, tmp_path / "out.ipynb", {"count": 21}, folder=tmp_path)
    name, _, value = str(told.value).rpartition(" ")[2].partition("=")
    monkeypatch.setenv(name, value)
    execute_notebook(path, tmp_path / "out.ipynb", {"count": 21}, folder=tmp_path)
    assert "42" in outputs(tmp_path / "out.ipynb")


@pytest.fixture
def run_and_job(tmp_path, tiny, monkeypatch):
    """A run with one job whose manifest is `done.json`, and the notebooks folder it takes its notebook from."""
    run = create_run(tiny, tmp_path / "runs" / "tiny")
    monkeypatch.setattr(notebooks, "notebooks_folder", lambda: tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    return run, Job(name="compare", kind="compare", inputs=(), outputs=("done.json",), manifest="done.json")


def test_job_without_manifest_has_failed_whatever_the_notebook_shows(run_and_job, tmp_path):
    run, compare = run_and_job
    write_notebook(tmp_path / "notebooks/07_compare.ipynb", 'run = ""', "print('all went well')")
    with pytest.raises(SedlabError, match="kernel died"):
        job.run_job(run, compare)


def test_manifest_of_an_earlier_run_does_not_count(run_and_job, tmp_path):
    run, compare = run_and_job
    (run.path / "done.json").write_text("{}")
    write_notebook(tmp_path / "notebooks/07_compare.ipynb", 'run = ""', "import os; os._exit(1)", "print('after')")
    with pytest.raises(SedlabError, match="kernel died"):
        job.run_job(run, compare)
    assert not (run.path / "done.json").exists()


def test_notebook_gets_the_run_relative_to_the_project(run_and_job, tmp_path):
    run, compare = run_and_job
    write_notebook(
        tmp_path / "notebooks/07_compare.ipynb", 'run = ""', "open(run + '/done.json', 'w').write('{}')", "print(run)"
    )
    job.run_job(run, compare)
    assert "runs/tiny" in outputs(run.notebook("compare"))
    assert str(tmp_path) not in outputs(run.notebook("compare"))


DONE = "import sedlab.errors\nopen(run + '/done.json', 'w').write('{}')"


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        ("raise sedlab.errors.SedlabError('no subset devtest. Add it.')", "no subset devtest. Add it."),
        ("raise ValueError('two\\nlines')", "ValueError: two lines (cell 4 of "),
        ("import os; os._exit(1)", "the kernel died"),
    ],
)
def test_what_fails_after_the_manifest_is_told_and_the_work_stands(run_and_job, tmp_path, capfd, failing, told):
    run, compare = run_and_job
    write_notebook(tmp_path / "notebooks/07_compare.ipynb", 'run = ""', DONE, failing)
    job.run_job(run, compare)
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert told in line and str(run.notebook("compare")) in line
    assert (run.path / "done.json").is_file()


def test_a_page_that_cannot_be_made_is_told_and_the_work_stands(run_and_job, tmp_path, capfd):
    run, compare = run_and_job
    write_notebook(tmp_path / "notebooks/07_compare.ipynb", 'run = ""', DONE)
    run.notebook("compare").with_suffix(".html").mkdir(parents=True)
    job.run_job(run, compare)
    assert "warning: complete, but for what is shown: " in capfd.readouterr().err


def test_braces_and_brackets_in_a_path_are_part_of_it(tmp_path):
    folder = tmp_path / "{a} {0} [red]x[/b] }"
    folder.mkdir(parents=True)
    write_notebook(folder / "in.ipynb", "n = 1", "n")
    assert notebook_parameters(folder / "in.ipynb") == ["n"]
    execute_notebook(folder / "in.ipynb", folder / "out.ipynb", {"n": 2}, folder=folder)
    assert {path.name for path in folder.iterdir()} == {"in.ipynb", "out.ipynb", "out.html"}
