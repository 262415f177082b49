"""Build the documentation site, with the pictures of a finished run, and check what came out.

    python docs/site/make_site.py [--run runs/mini | --run none] [--no-execute | --anew] [--out site]

Notebooks that are jobs of the run are shown as the jobs left them; the others are executed against it, once: copies
stay in build/docs/notebooks and are used again while neither the notebook nor the results of the run change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import built_pages
import nbformat
import notebook_pages
from links import CHECKOUT

from sedlab.errors import SedlabError
from sedlab.files import write_json
from sedlab.runs.run import Run, open_run

#: The job whose notebook is shown; ``arch`` is that of the notebooks' parameters, or another one that the run has.
_JOBS = {
    "02_pretrain": "pretrain_{arch}",
    "03_stage1": "iteration1_stage1_{arch}",
    "04_stage2": "iteration1_stage2_{arch}",
    "05_pseudo_labels": "iteration1_pseudo_labels",
    "06_evaluate": "iteration1_evaluate",
    "07_compare": "compare",
    "08_errors": "errors",
}
_RECORD = "made_from.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", default="runs/mini", help="a finished run; none: notebooks as they are committed")
    parser.add_argument("--anew", action="store_true", help="bring the notebooks again")
    parser.add_argument("--no-execute", action="store_true", help="show those that are no jobs as they are committed")
    parser.add_argument("--out", default="site", help="folder of the site")
    given = parser.parse_args()
    try:
        if given.run != "none":
            bring_notebooks(_finished(given.run), execute=not given.no_execute, anew=given.anew)
        else:
            os.environ[notebook_pages.EXECUTED] = str(CHECKOUT / "notebooks")
        build(CHECKOUT / given.out)
    except SedlabError as error:
        sys.exit(f"error: {error}")


def build(out: Path) -> None:
    """Build the site into a folder; a warning is an error, and so is a link or a picture that leads nowhere."""
    os.environ |= {"SEDLAB_DOCS_OUT": str(out), "NO_MKDOCS_2_WARNING": "1"}
    from mkdocs.__main__ import cli

    config = CHECKOUT / "docs" / "site" / "mkdocs.yml"
    cli(["build", "--strict", "--quiet", "-f", str(config)], standalone_mode=False)
    problems = built_pages.problems(out)
    if problems:
        raise SedlabError(f"{out}: " + "; ".join(problems))
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {len(list(out.rglob('*.html')))} pages, {size / 1e6:.1f} MB; python -m http.server -d {out}")


def bring_notebooks(run: Run, *, execute: bool = True, anew: bool = False) -> None:
    """Put executed copies of the notebooks where the site takes them from: those of jobs, and such as are executed."""
    folder = notebook_pages.executed_folder()
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / _RECORD
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for source in sorted(CHECKOUT.glob("notebooks/*.ipynb")):
        copy, made_from = folder / source.name, _made_from(source, run)
        if known.get(source.stem) == made_from and copy.is_file() and not anew:
            continue
        job = _of_job(source, run)
        if job is not None:
            shutil.copyfile(job, copy)
        elif execute:
            _execute(source, copy, run)
        else:
            continue
        known[source.stem] = made_from
        write_json(record, known)


def _finished(path: str) -> Run:
    remedy = "`make demo` makes runs/mini; RUN=none builds the site without pictures."
    try:
        run = open_run(CHECKOUT / path)
    except SedlabError as error:
        raise SedlabError(f"{path}: no run whose notebooks the site could show. {remedy}") from error
    if not run.report.is_file():
        raise SedlabError(f"{path}: not finished, it has no report. {remedy}")
    return run


def _made_from(source: Path, run: Run) -> str:
    """Return what a copy depends on, as a digest: the cells, and what came out of the run."""
    node = nbformat.read(source, as_version=4)
    text = repr((notebook_pages.code(node), str(run.path)))
    return hashlib.sha256(text.encode() + run.results.read_bytes()).hexdigest()


def _of_job(source: Path, run: Run) -> Path | None:
    """Return the notebook as a job of the run left it, if it is the same notebook."""
    if source.stem not in _JOBS:
        return None
    code = notebook_pages.code(nbformat.read(source, as_version=4))
    archs = sorted(run.experiment.archs, key=lambda arch: arch != "atst")
    for path in (run.notebook(_JOBS[source.stem].format(arch=arch)) for arch in archs):
        if path.is_file() and notebook_pages.code(nbformat.read(path, as_version=4)) == code:
            return path
    return None


def _execute(source: Path, copy: Path, run: Run) -> None:
    from sedlab.pipeline.notebooks import execute_notebook, notebook_parameters

    print(f"executing {source.name} ...", flush=True)
    parameters = {"run": str(run.path)} if "run" in notebook_parameters(source) else {}
    execute_notebook(source, copy, parameters, folder=run.project)


if __name__ == "__main__":
    main()
