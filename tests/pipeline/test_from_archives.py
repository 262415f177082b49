"""The published archives, from a server that goes wrong, to a trained run: download, prepare, check, both stages."""

from __future__ import annotations

import pytest
from archive_server import Fault, serve_archives
from notebook_cells import run_cells
from synthetic_archives import publish
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.readiness import examine
from sedlab.pipeline.stages import run_stage
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import create_run
from sedlab.scoring.results import read_results

#: What goes wrong at first; what is spoiled or a web page is refused, the rest is got over.
FAULTS = {
    "dcase_synth.zip": Fault(breaks=1),
    "audioset_strong.tsv": Fault(spoiled=True),
    "development_annotation.zip": Fault(page=True),
    "audioset_metadata.tar.gz": Fault(busy=1),
    "weak_exclude.tsv": Fault(redirects=1),
    "audioset_train_strong.tsv": Fault(breaks=1),
    "audioset_eval_strong.tsv": Fault(page=True),
}
CORPORA = ("desed", "maestro", "audioset")


def sedlab_data(*words):
    """Run `sedlab data` in this process; return its exit status and all it said."""
    done = CliRunner().invoke(app, ["data", *map(str, words)])
    if done.exception and not isinstance(done.exception, SedlabError | SystemExit):
        raise done.exception
    return done.exit_code, f"{done.output}{done.exception or ''}"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_archives_that_come_badly_to_a_run_on_what_could_be_had(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    published, root = publish(tmp_path / "published", CORPORA), tmp_path / "data/dcase"
    with serve_archives(published) as server:
        monkeypatch.setenv("SEDLAB_DATA_HOSTS", server.url)
        server.faults = dict(FAULTS)
        for corpus, refused in zip(CORPORA, ("MD5", "web page", "web page"), strict=True):
            status, said = sedlab_data(corpus, "download", "--root", root)
            assert status and refused in said, said
        server.faults, server.requests = {}, []
        for corpus in CORPORA:
            status, said = sedlab_data(corpus, "download", "--root", root)
            assert status == 0, said
        asked = {request for request in server.requests if not request.startswith("zenodo ")}
        assert asked == {"audioset_strong.tsv", "development_annotation.zip", "audioset_eval_strong.tsv"}
    # Of the clips of videos only these could be had: there are no strong, unlabeled and external ones.
    for folder, place in (("weak", "train/weak"), ("validation", "validation/validation")):
        (root / "audio" / place).parent.mkdir(parents=True, exist_ok=True)
        (published.clips / folder).rename(root / "audio" / place)
    hdf5 = [word for path in sorted(published.archives.glob("*.hdf")) for word in ("--hdf5", path)]
    for corpus, options in zip(CORPORA, ((), (), hdf5), strict=True):
        status, said = sedlab_data(corpus, "prepare", "--root", root, "--workers", 1, *options)
        assert status == 0, said
    for corpus in CORPORA:
        status, said = sedlab_data(corpus, "check", "--root", root)
        assert status == 0 and "0 errors" in said, said

    settings = ["archs=[atst]", "iterations=1", "data.mini=null", "data.root=data/dcase", "pretrain.batch_size=4"]
    run = create_run(load_experiment("nano", settings), tmp_path / "runs/nano")
    assert examine(run).missing == []
    for job in graph_of(run)[:-1]:  # the last one, the report: test_partial_corpora.py
        run_stage(run, job.kind, job.parameters)
    trained = read_manifest(run.node_dir("stage2", "atst", 1) / "manifest.json").results
    assert trained["groups_without_clips"] == ["strong", "unlabeled"]
    assert "Trained without strong, unlabeled" in run_cells("06_evaluate", run=str(run.path), preset="")
    results = read_results(run.results)
    assert set(results["subset"]) == {"devtest", "maestro_dev", "eval_public", "audioset_eval"}
    assert results.query("label == 'all' and subset != 'audioset_eval'")["value"].notna().all()
