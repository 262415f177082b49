"""The whole graph where sets are not there that a run can do without: it ends, and no picture is missing."""

import shutil

import pytest
from notebook_outputs import shown
from shell import sedlab
from tiny_project import make_experiment

from sedlab import runs
from sedlab.data.corpora.layout import SUBSETS
from sedlab.errors import SedlabError
from sedlab.pipeline.graph import graph_of
from sedlab.runs.run import Run, open_run

#: Without MAESTRO nothing is soft, without `devtest` no errors are named, without `audioset_eval` nothing is validated.
ABSENT = ("maestro_train", "maestro_dev", "audioset_eval", "strong_train", "unlabeled_train", "devtest")


def without(root, *names):
    for name in names:
        if SUBSETS[name].table:
            (root / SUBSETS[name].table).unlink()
        shutil.rmtree(SUBSETS[name].audio_folder(root))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_graph_does_without_half_of_the_sets(nano, tmp_path):
    corpus, _ = nano
    root = tmp_path / "data/some"
    shutil.copytree(corpus.root, root, ignore=shutil.ignore_patterns("cache", "mini.json"))
    without(root, *ABSENT)
    settings = ["data.mini=null", "data.root=data/some"]
    settings += [
        f"{stage}.batch.{group}=0" for stage in ("stage1", "stage2") for group in ("maestro", "strong", "unlabeled")
    ]
    options = ["--arch", "atst", "--iterations", "1", *(word for setting in settings for word in ("--set", setting))]
    done = sedlab("run", "nano", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "but for what is shown" not in done.stderr and "is missing" not in done.stderr
    run = open_run(tmp_path / "runs/nano")
    assert "errors" not in {job.name for job in graph_of(run)}
    for job in graph_of(run):
        assert job.notebook is None or shown(run.notebook(job.name)).complaints == ""
    assert "nothing to do" in sedlab("run", "nano", *options, cwd=tmp_path).stdout


def test_what_is_shown_is_of_a_set_that_is_there(nano, tmp_path):
    corpus, _ = nano

    class Here(Run):
        def corpus(self):
            return part

    run = Here(tmp_path, make_experiment())
    part = corpus.subset("synth_train", "weak_train", "maestro_dev", "audioset_train")
    assert runs.first_subset(run, "synth_val", "maestro_dev") == "maestro_dev"
    assert runs.first_subset(run, "synth_val", "devtest") == "synth_train"
    part = corpus.subset("synth_train", "synth_val")  # of which the second has one clip
    assert runs.first_subset(run, "synth_val") == "synth_val"
    assert runs.first_subset(run, "synth_val", at_least=2) == "synth_train"
    part = corpus.subset("audioset_train", "unlabeled_train")
    with pytest.raises(SedlabError, match=r"holds no annotated clips of the task\. Add one of: devtest"):
        runs.first_subset(run, "devtest")
