import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shell import sedlab

from sedlab.commands.evaluate import evaluate
from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.grid import FRAME_SECONDS
from sedlab.labels import CLASSES, DESED_CLASSES, MEDIAN_FILTER_FRAMES
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.postprocess.median import MedianParams
from sedlab.scoring.scores.file import ScoreFile, write_score_file

TESTS = Path(__file__).parent.parent
REAL = TESTS / "material" / "dcase2023_baseline"
SCORES, TRUTH = REAL / "baseline2_run1_scores", REAL / "metadata" / "ground_truth.tsv"
DURATIONS = REAL / "metadata" / "audio_durations.tsv"
EXPECTED = json.loads((TESTS / "golden" / "scores" / "expected.json").read_text())["dcase2023_baseline_paper_grid"]
COMMON = {"common_clips": True}


@pytest.fixture
def evaluated(tmp_path):
    """Return a function that runs the command in this process and returns what it writes."""

    def run(*files: Path | None, **options: object) -> dict:
        evaluate(*files, json_file=tmp_path / "result.json", **options)
        return json.loads((tmp_path / "result.json").read_text())

    return run


@pytest.fixture
def maestro(tmp_path):
    """Scores of six windows of one recording, in both forms, with soft labels; people talk in its first half."""
    names = [f"cafe_restaurant_00-{100 * k:06d}-{100 * k + 1000:06d}" for k in range(6)]
    rng = np.random.default_rng(0)
    write_score_file(
        tmp_path / "scores.hdf5",
        ScoreFile(names, rng.normal(0, 2, (6, 156, 27)).astype(np.float32), CLASSES, frame_times()),
    )
    rows = [
        (f"{name}.wav", second, second + 1, "people talking", 0.9 if k + second < 8 else 0.2)
        for k, name in enumerate(names)
        for second in range(10)
    ]
    columns = ["filename", "onset", "offset", "event_label", "confidence"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "truth.tsv", sep="\t", index=False)
    return tmp_path


def test_command_prints_and_writes_the_published_value(tmp_path):
    files = {name: tmp_path / f"out.{name}" for name in ("json", "csv")}
    done = sedlab(
        "evaluate",
        *(SCORES, "--ground-truth", TRUTH, "--durations", DURATIONS, "--common-clips", "--plot", tmp_path / "roc.png"),
        *("--json", files["json"], "--csv", files["csv"], "--intervals", 20),
    )
    assert done.returncode == 0, done.stderr
    assert "0.2697 (" in done.stdout and "clips: 20" in done.stdout
    assert "on 20 of 692 clips of " in done.stdout and "not comparable with figures on all of them" in done.stdout
    assert "warning: 672 clips without scores are left out." in done.stderr
    content = json.loads(files["json"].read_text())
    assert content["metrics"]["psds1"]["overall"] == pytest.approx(EXPECTED["psds1"], abs=1e-9)
    assert content["metrics"]["psds1"]["per_class"] == pytest.approx(EXPECTED["psds1_class"], abs=1e-9)
    assert set(content["metrics"]["collar_f1_best"]["thresholds"]) == set(DESED_CLASSES)
    assert content["counts"]["without_scores"] == 672 and content["postprocess"] == "none"
    table = pd.read_csv(files["csv"])
    assert list(table.columns) == ["metric", "label", "value", "low", "high", "threshold"]
    overall = table[(table["metric"] == "psds1") & (table["label"] == "all")].iloc[0]
    assert overall["value"] == pytest.approx(EXPECTED["psds1"], abs=1e-9) and overall["low"] < overall["value"]
    assert (tmp_path / "roc.png").read_bytes().startswith(b"\x89PNG")


def test_f1_at_thresholds_of_a_file_is_the_best_where_they_are_the_best(tmp_path, evaluated):
    files = {"durations": DURATIONS, "common_clips": True, "metric": "collar_f1,collar_f1_best"}
    before = evaluated(SCORES, TRUTH, **files)["metrics"]
    best = {label: level for label, level in before["collar_f1_best"]["thresholds"].items() if level is not None}
    (tmp_path / "best.json").write_text(json.dumps({"thresholds": best}))
    after = evaluated(SCORES, TRUTH, thresholds=tmp_path / "best.json", **files)["metrics"]
    assert before["collar_f1"]["overall"] < after["collar_f1"]["overall"]
    for label in best:
        assert after["collar_f1"]["per_class"][label] == pytest.approx(before["collar_f1_best"]["per_class"][label])


def test_refusals_are_one_line_and_status_1(tmp_path):
    done = sedlab("evaluate", SCORES, "--ground-truth", TRUTH, "--durations", DURATIONS)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "672 clips without scores" in line and "--common-clips" in line
    assert sedlab("evaluate", SCORES).returncode == 2


@pytest.mark.parametrize(
    ("options", "durations", "message"),
    [
        (COMMON, None, "need the clips' durations"),
        (COMMON | {"postprocess": "medain"}, DURATIONS, "no such file or method.*'median'"),
        (COMMON | {"postprocess": "csebbs"}, DURATIONS, "needs tuned parameters.*sedlab tune"),
        (COMMON | {"classes": ["Dogs"]}, DURATIONS, "'Dogs'.*Did you mean 'Dog'"),
        (COMMON | {"metric": "mpauc"}, None, "is not <recording>-<start>-<end>"),
        (COMMON | {"metric": "psds,pipsds"}, None, "--metric pipsds: unknown.*'pipsds1'"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, durations, message):
    with pytest.raises(SedlabError, match=message):
        evaluate(SCORES, TRUTH, durations, **options)


def test_event_boxes_give_the_recorded_value(tmp_path, evaluated):
    tuned = {
        label: CsebbsSetting(step, absolute, relative)
        for label, step, absolute, relative in (
            (label, EXPECTED["step"][label], EXPECTED["abs"][label], EXPECTED["rel"][label]) for label in DESED_CLASSES
        )
    }
    Postprocess.of(CsebbsParams(tuned)).write(tmp_path / "boxes.json")
    boxes = evaluated(SCORES, TRUTH, DURATIONS, **COMMON, postprocess=str(tmp_path / "boxes.json"))
    assert boxes["metrics"]["psds1"]["overall"] == pytest.approx(EXPECTED["psds1_csebbs"], abs=1e-9)


def test_tuned_filter_lengths_are_applied(tmp_path, evaluated):
    published = {label: MEDIAN_FILTER_FRAMES[label] * FRAME_SECONDS for label in DESED_CLASSES}
    Postprocess.of(MedianParams(published)).write(tmp_path / "median.json")
    Postprocess.of(MedianParams(dict.fromkeys(DESED_CLASSES, FRAME_SECONDS))).write(tmp_path / "none.json")
    ways = {
        "published": {"postprocess": "median"},
        "the same": {"postprocess": str(tmp_path / "median.json")},
        "raw": {},
        "one frame": {"postprocess": str(tmp_path / "none.json")},
    }
    value = {
        name: evaluated(SCORES, TRUTH, DURATIONS, **COMMON, **way)["metrics"]["psds1"]["overall"]
        for name, way in ways.items()
    }
    assert value["published"] == value["the same"] != value["raw"] == value["one frame"]


def test_a_folder_of_part_of_the_scores_is_the_same_as_part_of_the_truth(tmp_path, evaluated):
    names = sorted(path.stem for path in SCORES.glob("*.tsv"))[:8]
    (tmp_path / "scores").mkdir()
    for name in names:
        shutil.copy(SCORES / f"{name}.tsv", tmp_path / "scores" / f"{name}.tsv")
    truth = pd.read_csv(TRUTH, sep="\t")
    truth[truth["filename"].str.removesuffix(".wav").isin(names)].to_csv(tmp_path / "t", sep="\t", index=False)
    exact = evaluated(tmp_path / "scores", tmp_path / "t", DURATIONS)
    classes = ",".join(exact["metrics"]["psds1"]["per_class"])
    common = evaluated(tmp_path / "scores", TRUTH, DURATIONS, **COMMON, classes=[classes])
    assert exact["metrics"]["psds1"]["overall"] == common["metrics"]["psds1"]["overall"]
    counts, common_counts = exact["counts"], common["counts"]
    assert counts["clips"] == 8 and common_counts["without_scores"] > 0 == counts["without_scores"]


def test_soft_labels_are_scored_by_segments(maestro, capsys):
    evaluate(maestro / "scores.hdf5", maestro / "truth.tsv", json_file=maestro / "o")
    printed = capsys.readouterr()
    assert "mpAUC" in printed.out and "segments: 15" in printed.out
    assert "birds_singing" in printed.err
    content = json.loads((maestro / "o").read_text())
    assert content["metrics"]["mpauc"]["per_class"]["car"] is None
    assert 0 <= content["metrics"]["mpauc"]["overall"] <= content["metrics"]["mpauc_linear"]["overall"] <= 1
    with pytest.raises(SedlabError, match="mpAUC has no PSD-ROC curve"):
        evaluate(maestro / "scores.hdf5", maestro / "truth.tsv", plot=maestro / "p.png")


def test_one_second_boxes_leave_mpauc_as_it_is(maestro, evaluated):
    Postprocess.of(CsebbsParams({"Dog": CsebbsSetting(0.5, 0.2)})).write(maestro / "boxes.json")
    values = [
        evaluated(maestro / "scores.hdf5", maestro / "truth.tsv", postprocess=how)
        for how in ("none", str(maestro / "boxes.json"))
    ]
    raw, boxes = (result["metrics"]["mpauc"]["per_class"]["people talking"] for result in values)
    assert boxes == pytest.approx(raw, abs=1e-9)


def test_metrics_are_chosen_by_name_or_kind(maestro, evaluated):
    chosen = evaluated(SCORES, TRUTH, DURATIONS, **COMMON, metric="intersection_f1,psds2")["metrics"]
    assert list(chosen) == ["intersection_f1", "psds2"]
    everything = evaluated(SCORES, TRUTH, DURATIONS, **COMMON, metric="psds")["metrics"]
    assert chosen["psds2"] == everything["psds2"] and len(everything) == 6
    linear = evaluated(maestro / "scores.hdf5", maestro / "truth.tsv", metric="mpauc_linear")["metrics"]
    assert list(linear) == ["mpauc_linear"]


def test_intervals_are_drawn_as_the_options_say(evaluated):
    def interval(**options):
        result = evaluated(SCORES, TRUTH, DURATIONS, **COMMON, metric="intersection_f1", intervals=50, **options)
        low, high = result["metrics"]["intersection_f1"]["intervals"]["all"]
        return low, high

    (low, high), (lower, higher) = interval(confidence=0.5), interval(confidence=0.95)
    assert lower < low < high < higher
    assert interval() == (lower, higher) != interval(seed=1)
