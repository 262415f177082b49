"""A sweep on a real cluster: what a run takes from another is no job of the queue."""

import pytest
from shell import sedlab
from tiny_project import make_project

from sedlab.runs.manifest import read_manifest

PROFILE = "partition: main\npoll_seconds: 0.2\nstatus_seconds: 0.5\nmemory: 1\ncpus: 1\n"


@pytest.mark.slow
def test_only_what_differs_is_handed_to_the_cluster(cluster, tmp_path):
    project = make_project(tmp_path)
    (tmp_path / "slurm.yaml").write_text(PROFILE)
    environment = project.environment | cluster.environment
    words = ("sweep", "tiny.yaml", "--set", "pretrain.epochs=1,2", "--until", "pretrain", "--slurm")
    planned = sedlab(*words, "--dry-run", cwd=tmp_path, env=environment)
    assert "3 jobs would be handed to SLURM" in planned.stdout and "profile: " in planned.stdout, planned.stderr
    done = sedlab(*words, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    # Only what works in a job of the cluster leaves a note.
    assert sorted(note["name"] for note in project.worked()) == ["data", "pretrain_atst", "pretrain_atst"]
    assert read_manifest(tmp_path / "runs/tiny-pretrain.epochs=2/data/manifest.json").shared_from == "tiny"
    assert "3 jobs done and 1 taken from them" in done.stdout
