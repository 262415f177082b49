"""A changed table, list or sound file makes due exactly the jobs that read it; a copied corpus makes nothing due."""

import os
import shutil

import pytest
from finished_run import finish
from nano_sizes import NANO_SIZES

from sedlab.config.loading import load_experiment, with_settings
from sedlab.data.cache import WAVEFORMS, WaveformCache, changed_sounds
from sedlab.data.corpora.fingerprint import fingerprint
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.due.shared import find_shared
from sedlab.pipeline.graph import graph_of, jobs_needed
from sedlab.pipeline.resume import start_over_if_inputs_changed
from sedlab.pipeline.stages import prepare_data
from sedlab.pipeline.work import Work
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run, create_run, open_run

SYNTH = "dcase_synth/metadata"
TRAININGS = [f"iteration{i}_stage{s}_atst" for i in (1, 2) for s in (1, 2)]
SCORES = [f"iteration{i}_scores_stage{s}_atst" for i in (1, 2) for s in (1, 2)]
EVALUATIONS = ["iteration1_evaluate", "iteration2_evaluate"]


@pytest.fixture(scope="module")
def original(nano, tmp_path_factory):
    """The project of a finished run with its clips."""
    project, (corpus, _) = tmp_path_factory.mktemp("original"), nano
    shutil.copytree(corpus.root, project / "data/nano")
    sizes = [f"data.mini.{name}={size}" for name, size in NANO_SIZES.items()]
    run = create_run(load_experiment("nano", ["archs=[atst]", *sizes]), project / "runs/nano")
    finish(run, with_clips=True)
    return project


@pytest.fixture
def run(original, tmp_path):
    """A copy of it, which keeps no times."""
    shutil.copytree(original, tmp_path / "project", copy_function=shutil.copyfile)
    return open_run(tmp_path / "project/runs/nano")


def due(run):
    return due_jobs(run, graph_of(run), Digests(run.path))


def descendants(run, names):
    jobs = graph_of(run)
    return {job.name for job in jobs if {need.name for need in jobs_needed(jobs, [job.name])} & set(names)}


def edit_field(path, column, change):
    """Change a field of the first row that has it filled in."""
    header, *rows = path.read_text().splitlines()
    place = header.split("\t").index(column)
    row = next(index for index, text in enumerate(rows) if text.split("\t")[place])
    fields = rows[row].split("\t")
    fields[place] = change(fields[place])
    rows[row] = "\t".join(fields)
    path.write_text("\n".join([header, *rows]) + "\n")


def later(seconds):
    return f"{float(seconds) + 0.001:.3f}"


#: Table -> a column of it, and who reads it.
EDITS = {
    f"{SYNTH}/train/synthetic21_train/soundscapes.tsv": ("onset", TRAININGS),
    "metadata/train/audioset_strong.tsv": ("onset", TRAININGS),
    "metadata/train/weak.tsv": ("event_labels", TRAININGS),
    "metadata/maestro_real_train.tsv": ("confidence", TRAININGS),
    f"{SYNTH}/validation/synthetic21_validation/soundscapes.tsv": ("onset", TRAININGS + EVALUATIONS),
    "metadata/validation/validation.tsv": ("onset", [*EVALUATIONS, "errors"]),
    "metadata/validation/validation_durations.tsv": ("duration", [*EVALUATIONS, "errors"]),
    "metadata/maestro_real_validation.tsv": ("onset", EVALUATIONS),
    "audioset_strong/metadata/audioset_train_strong.tsv": ("start_time_seconds", ["pretrain_atst"]),
    "audioset_strong/metadata/audioset_eval_strong.tsv": ("start_time_seconds", ["pretrain_atst"]),
    "metadata/maestro_real_durations.tsv": ("duration", []),
}


def test_an_edited_field_makes_due_exactly_who_reads_it(run):
    for table, (column, readers) in EDITS.items():
        path = run.data_root / table
        before = path.read_bytes()
        edit_field(path, column, (lambda _: "Dog") if column == "event_labels" else later)
        found = due(run)
        assert set(found) == descendants(run, readers) | ({"report"} if readers else set()), table
        changed = {name for name, reason in found.items() if reason == f"Changed corpus: {table}"}
        assert changed == set(readers), table
        path.write_bytes(before)
    assert due(run) == {}


def test_a_clip_that_is_named_no_more_changes_what_is_scored_and_the_cache(run):
    table = run.data_root / "metadata/train/weak.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    found = due(run)
    changed = {name for name, reason in found.items() if reason.startswith("Changed corpus: ")}
    assert changed == {"data", *TRAININGS, *(name for name in SCORES if "stage2" in name)}
    assert "pretrain_atst" not in found and "iteration1_scores_stage1_atst" in found
    # Made anew, the data alone leave the readers due, and those who read other clips as they are.
    prepare_data(run)
    assert set(due(run)) == set(found) - {"data"}


def test_another_sound_of_the_same_size_is_noticed_by_name(run):
    for folder, readers in {
        "audio/validation/validation_16k": SCORES,
        "audio/train/weak_16k": [*TRAININGS, *SCORES[1::2]],
        "audioset_strong/audio/train": ["pretrain_atst"],
    }.items():
        path = sorted((run.data_root / folder).glob("*.wav"))[0]
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        changed = {name for name, reason in due(run).items() if reason == f"Changed corpus: {folder}/{path.name}"}
        assert changed == {"data", *readers}
        path.write_bytes(before)
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert changed_sounds(run.data_root, ["audioset_train"]) == [f"{folder}/{path.name}"]
    prepare_data(run)
    assert changed_sounds(run.data_root, ["audioset_train"]) == []


def test_a_list_that_appears_changes_the_trainings_it_takes_clips_from(run):
    (run.data_root / "metadata/exclude/weak_exclude.tsv").unlink()
    assert due(run)["iteration1_stage1_atst"] == "Changed corpus: metadata/exclude/weak_exclude.tsv"
    unused = with_settings(run.experiment, ["data.exclude_overlapping=false"], "test")
    assert "Changed corpus" not in str(due(Run(run.path, unused)))


def test_copies_and_moves_make_nothing_due_and_build_no_cache(run, tmp_path):
    assert due(run) == {}
    cache = run.cache_dir / WAVEFORMS
    before = cache.stat().st_ino, cache.stat().st_mtime_ns
    WaveformCache.build(run.corpus())
    assert (cache.stat().st_ino, cache.stat().st_mtime_ns) == before
    run.data_root.rename(tmp_path / "elsewhere")
    assert due(run) == {}  # without its clips it is as finished
    moved = with_settings(run.experiment, [f"data.root={tmp_path / 'elsewhere'}"], "test")
    assert due(create_run(moved, run.path)) == {}
    edit_field(tmp_path / "elsewhere/metadata/validation/validation.tsv", "onset", later)
    assert set(due(open_run(run.path))) == {*EVALUATIONS, "errors", "compare", "report"}


def test_a_run_of_an_earlier_version_stays_finished(run):
    for path in run.path.rglob("manifest.json"):
        manifest = read_manifest(path)
        manifest.results.pop("exclusion", None)
        path.write_text(manifest.model_copy(update={"corpus": {}, "data_root": ""}).model_dump_json())
    edit_field(run.data_root / "metadata/train/weak.tsv", "event_labels", lambda _: "Dog")
    assert due(run) == {}
    prepare_data(run)
    assert "exclusion" in read_manifest(run.path / "data/manifest.json").results
    assert due(run) == {}


def test_a_run_on_changed_data_takes_nothing_that_was_made_of_others(run):
    variant = run.variant("other", ["stage2.epochs=7"])
    before = find_shared(variant, graph_of(variant), Digests(variant.path)).names
    assert {"data", "pretrain_atst", "iteration1_stage1_atst"} <= before
    edit_field(run.data_root / "metadata/train/weak.tsv", "event_labels", lambda _: "Dog")
    assert find_shared(variant, graph_of(variant), Digests(variant.path)).names == {"data", "pretrain_atst"}


def test_a_training_that_was_begun_goes_on_with_its_data_alone(run, capsys):
    folder = run.node_dir("stage1", "atst", 1)
    (folder / "best.pt").unlink()
    work = Work.of(run, "stage1", arch="atst", iteration=1)

    def start_over():
        return start_over_if_inputs_changed(folder, work.inputs, work.reading())

    start_over()
    (folder / "last.pt").write_text("state")
    edit_field(run.data_root / "metadata/validation/validation.tsv", "onset", later)
    assert not start_over() and "other data" not in due(run)[work.job.name]
    edit_field(run.data_root / "metadata/train/weak.tsv", "event_labels", lambda _: "Dog")
    told = "begun on other data, so it starts over: metadata/train/weak.tsv"
    assert told in due(run)[work.job.name]
    assert start_over() and not (folder / "last.pt").exists()
    assert "begun on other data, so the training starts over: metadata/train/weak.tsv" in capsys.readouterr().err


def test_content_is_read_again_on_request(run):
    path = sorted((run.data_root / "audio/train/weak_16k").glob("*.wav"))[0]
    before, stamp = fingerprint(run.data_root), path.stat()
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert fingerprint(run.data_root) == before
    found = fingerprint(run.data_root, content=True)
    assert {name for name in found if found[name] != before[name]} == {"audio/train/weak_16k"}
