"""Scores of a trained detector: written once, and again only when what they are made from has changed."""

from nano_run import nano_run

from sedlab.pipeline import stages
from sedlab.scoring.scores.file import read_score_file

__all__ = ["nano_run"]


def test_scores_that_are_there_are_returned_as_they_are_until_the_checkpoint_changes(nano_run):
    files = stages.score(nano_run, "stage1", "atst", 1)
    written = {path: path.stat().st_mtime_ns for path in files}
    assert {path.name for path in files} >= {"devtest.hdf5", "devtest.teacher.hdf5"}
    assert read_score_file(files[0]).logits.shape[1:] == (156, 27)

    assert stages.score(nano_run, "stage1", "atst", 1) == files
    assert {path: path.stat().st_mtime_ns for path in files} == written

    best = nano_run.node_dir("stage1", "atst", 1) / "best.pt"
    kept = best.read_bytes()
    best.write_bytes((nano_run.node_dir("stage2", "atst", 1) / "best.pt").read_bytes())
    assert stages.score(nano_run, "stage1", "atst", 1) == files
    assert all(path.stat().st_mtime_ns > written[path] for path in files)
    best.write_bytes(kept)
