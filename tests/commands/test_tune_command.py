"""`sedlab tune` on the scores of a published system."""

import json
from pathlib import Path

import pytest

from sedlab.commands.tune import tune
from sedlab.errors import SedlabError
from sedlab.scoring.postprocess import Postprocess

GOLDEN = Path(__file__).parents[1] / "golden" / "scores"
REAL = Path(__file__).parents[1] / "material" / "dcase2023_baseline"
SCORES = REAL / "baseline2_run1_scores"
TRUTH, DURATIONS = REAL / "metadata" / "ground_truth.tsv", REAL / "metadata" / "audio_durations.tsv"


@pytest.mark.parametrize(("method", "after"), [("csebbs", 0.43748), ("median", 0.35276)])
def test_parameters_are_written_with_what_they_brought(tmp_path, capsys, method, after):
    out, plot = tmp_path / "tuned.json", tmp_path / "tuned.png"
    tune(SCORES, TRUTH, DURATIONS, out, method=method, common_clips=True, plot=plot)
    params = Postprocess.read(out).params
    assert len(params.classes) == 10
    assert params.provenance["psds1_before"] == pytest.approx(0.26974, abs=1e-5)
    assert params.provenance["psds1_after"] == pytest.approx(after, abs=1e-5)
    assert params.provenance["clips"] == 20 and params.provenance["scores"] == SCORES.name
    assert json.loads(out.read_text())["provenance"]["value"]["Cat"] == 1.0
    assert plot.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr()
    assert "0.2697" in printed.out and f"{after:.4f}" in printed.out and "Vacuum_cleaner" in printed.out
    assert "672 clips without scores are left out" in printed.err


def test_clips_that_differ_and_labels_that_do_not_fit_are_refused(tmp_path):
    out = tmp_path / "tuned.json"
    with pytest.raises(SedlabError, match="--common-clips"):
        tune(SCORES, TRUTH, DURATIONS, out)
    soft = tmp_path / "soft.tsv"
    soft.write_text("filename\tonset\toffset\tevent_label\tconfidence\nx.wav\t0\t1\tcar\t0.7\n")
    with pytest.raises(SedlabError, match="soft or MAESTRO labels"):
        tune(SCORES, soft, DURATIONS, out)
    foreign = tmp_path / "foreign.tsv"
    foreign.write_text("filename\tonset\toffset\tevent_label\n3u1ue_s4.wav\t0\t1\tWhistle\n")
    with pytest.raises(SedlabError, match="no scores for any class"):
        tune(SCORES, foreign, DURATIONS, out)
    assert not out.exists()
