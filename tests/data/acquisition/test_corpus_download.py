"""Downloads of whole corpora from a server that goes wrong: what came is right, the rest is told, and comes later."""

import json
import shutil
import time

import pytest
from archive_server import Fault, serve_archives
from synthetic_archives import PUBLIC, STRONG, SYNTH_TRAIN, SYNTH_VAL, UNLABELED, VALIDATION, publish
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.config.data import DataConfig
from sedlab.data.acquisition.download import carry_out
from sedlab.data.acquisition.planning import PARTIAL, file_states, plan_download
from sedlab.data.acquisition.records import CORPORA, records, select
from sedlab.data.acquisition.store import HOSTS
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.load import load_corpus
from sedlab.download import Patience, part_path
from sedlab.errors import SedlabError
from sedlab.files import file_sha256

HASTY = Patience(connect_seconds=60, stall_seconds=60, attempts=3, backoff_seconds=0.01)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("published"))


@pytest.fixture
def server(published, monkeypatch):
    with serve_archives(published) as served:
        monkeypatch.setenv(HOSTS, served.url)
        yield served


def download(root, corpus, *, only=(), **options):
    plan = plan_download(root, corpus, select(corpus, only), patience=HASTY, reserve_bytes=0, **options)
    errors = dict(plan.failed)
    for result in carry_out(plan, patience=HASTY, reserve_bytes=0):
        if result.error:
            errors[result.job.name] = result.error
    return plan, errors


def files_below(root, *, archives=False):
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return found if archives else {name for name in found if not name.startswith("archives/")}


def sedlab(*words):
    return CliRunner().invoke(app, ["data", *map(str, words)])


def test_what_goes_wrong_with_some_files_stops_no_other_and_is_mended_by_the_same_command(server, tmp_path):
    wrong = {"audioset_strong.tsv": Fault(spoiled=True), "dirs.zip": Fault(page=True)}
    server.faults = wrong | {
        "dcase_synth.zip": Fault(breaks=2),
        "audioset_metadata.tar.gz": Fault(busy=1),
        "zenodo": Fault(busy=1),
        "weak_exclude.tsv": Fault(redirects=1),
    }
    begin = time.monotonic()
    plan, errors = download(tmp_path, "desed")
    assert time.monotonic() - begin > 2  # as long as Retry-After said, twice
    assert plan.licences["synth"] == "cc-by-4.0"
    assert errors.keys() == wrong.keys()
    assert "MD5" in errors["audioset_strong.tsv"] and "web page instead of the file" in errors["dirs.zip"]
    assert all("\n" not in error for error in errors.values())
    asked = [request for request in server.requests if request.startswith("dcase_synth.zip")]
    assert len(asked) == 3 and all(" from " in request for request in asked[1:])
    # Nothing of the two is anywhere.
    everything = files_below(tmp_path, archives=True)
    assert not {name for name in everything if "dirs.zip" in name or "audioset_strong.tsv" in name}
    assert not (tmp_path / "device_responses").exists()

    server.faults, server.requests = {}, []
    _, errors = download(tmp_path, "desed")
    assert errors == {}
    assert sorted(server.requests) == ["audioset_strong.tsv", "dirs.zip", "zenodo 6444477"]
    server.requests = []
    plan, errors = download(tmp_path, "desed")
    assert (errors, plan.jobs, server.requests) == ({}, [], [])


def test_interrupted_download_and_a_part_go_on(server, tmp_path, published):
    def stop(done, total, what):
        if what == "development_audio.zip" and done > 200_000:
            raise KeyboardInterrupt

    chosen = select("maestro", ["development_audio.zip"])
    plan = plan_download(tmp_path, "maestro", chosen, patience=HASTY, reserve_bytes=0)
    with pytest.raises(KeyboardInterrupt):
        list(carry_out(plan, patience=HASTY, reserve_bytes=0, progress=stop))
    state = next(state for state in file_states(tmp_path, chosen) if state.file.file == "development_audio.zip")
    size = (published.archives / "development_audio.zip").stat().st_size
    assert (state.state, state.size, state.arrived) == (
        PARTIAL,
        size,
        part_path(plan.folder / "development_audio.zip").stat().st_size,
    )
    again = plan_download(tmp_path, "maestro", chosen, patience=HASTY, reserve_bytes=0)
    assert again.to_come == size - state.arrived
    assert [result.error for result in carry_out(again, patience=HASTY)] == [""]
    assert server.requests[-1] == f"development_audio.zip from {state.arrived}"
    assert len(list((tmp_path / "maestro_original/audio").iterdir())) == 7


def test_archive_put_there_by_hand_is_compared_with_what_zenodo_says(server, published, tmp_path):
    folder = tmp_path / "archives/maestro"
    folder.mkdir(parents=True)
    shutil.copy(published.archives / "development_annotation.zip", folder)
    (folder / "development_audio.zip").write_bytes((published.archives / "development_annotation.zip").read_bytes())
    _, errors = download(tmp_path, "maestro", only=["development"])
    assert errors.keys() == {"development_audio.zip"} and "its publisher's" in errors["development_audio.zip"]
    assert not [request for request in server.requests if request.endswith(".zip")]
    assert not (tmp_path / "maestro_original/audio").exists()
    assert (tmp_path / "maestro_original/annotation/cafe_restaurant_00.txt").is_file()


@pytest.mark.parametrize("layout", ["list", "entries"])
def test_zenodo_says_size_checksum_and_licence_in_either_form(published, tmp_path, monkeypatch, layout):
    with serve_archives(published, layout=layout) as server:
        monkeypatch.setenv(HOSTS, server.url)
        plan, errors = download(tmp_path, "maestro", only=["development"])
    assert errors == {} and plan.licences == {"development": "cc-by-4.0"}
    path = plan.folder / "development_annotation.zip"
    record = json.loads(path.with_name(path.name + ".json").read_text())
    assert (record["md5"], record["size"]) == (published.md5(path.name), path.stat().st_size)
    assert record["sha256"] == file_sha256(path) and record["url"].startswith("https://zenodo.org/")
    assert {job.wanted.md5 for job in plan.jobs} == {
        published.md5(f"development_{kind}.zip") for kind in ("audio", "annotation")
    }


def test_zenodo_without_an_answer_fails_its_files_only(server, tmp_path):
    server.faults["zenodo"] = Fault(page=True)
    _, errors = download(tmp_path, "maestro")
    assert errors.keys() == {"development_audio.zip", "development_annotation.zip"}
    assert (tmp_path / "metadata/maestro_real_durations.tsv").is_file()


def test_space_is_checked_over_everything_before_anything_comes(server, published, tmp_path):
    chosen = select("desed")
    with pytest.raises(SedlabError, match=r"to download and about .* to unpack, .* free .*--only NAME"):
        plan_download(tmp_path, "desed", chosen, patience=HASTY, reserve_bytes=1 << 60)
    assert all(request.startswith("zenodo") for request in server.requests)
    plan = plan_download(tmp_path, "desed", chosen, patience=HASTY, reserve_bytes=0)
    sizes = {job.name: (published.archives / job.name).stat().st_size for job in plan.jobs}
    assert (plan.to_come, plan.unknown) == (sum(sizes.values()), 0)  # also of what is not on Zenodo
    assert plan.to_unpack > plan.to_come


@pytest.mark.parametrize("kind", ["folder", "address"])
def test_mirror_is_asked_and_nobody_else(server, published, tmp_path, kind):
    place = f"{server.url}/mirror" if kind == "address" else published.archives
    done = sedlab("maestro", "download", "--root", tmp_path / "root", "--mirror", place)
    assert done.exit_code == 0, done.output
    assert not [request for request in server.requests if request.startswith("zenodo")]
    archives = {path.name for path in (tmp_path / "root/archives/maestro").iterdir() if path.suffix == ".zip"}
    assert archives == ({"development_audio.zip", "development_annotation.zip"} if kind == "address" else set())
    assert "Next: sedlab data maestro prepare" in done.output


def test_desed_from_a_mirror_can_be_read_with_its_clips(published, tmp_path):
    """Archives are not copied, clips are found by name; what was put in place reads as the corpus it is."""
    mirror = published.archives.parent
    done = sedlab("desed", "download", "--root", tmp_path, "--mirror", mirror)
    assert done.exit_code == 0, done.output
    assert "10 of 10 there" in done.output
    counts = load_corpus(tmp_path, DataConfig(root=tmp_path)).clips["subset"].value_counts().to_dict()
    assert (counts["weak_train"], counts["weak_val"]) == (8, 1)  # of ten, one is excluded
    assert counts["strong_train"] == STRONG - 1 and counts["unlabeled_train"] == UNLABELED - 1
    assert (counts["synth_train"], counts["synth_val"]) == (SYNTH_TRAIN, SYNTH_VAL)
    assert (counts["devtest"], counts["eval_public"]) == (VALIDATION, PUBLIC)
    clip = next((tmp_path / "audio/train/weak").iterdir())
    assert clip.samefile(published.clips / "weak" / clip.name)
    # Once more: nothing is done, and a table that somebody has mended stays.
    table = tmp_path / "metadata/train/weak.tsv"
    table.write_text(table.read_text().replace("Dog", "Cat"))
    mended, before = table.read_bytes(), files_below(tmp_path, archives=True)
    assert sedlab("desed", "download", "--root", tmp_path, "--mirror", mirror).exit_code == 0
    assert table.read_bytes() == mended and files_below(tmp_path, archives=True) == before


def test_published_exclusion_lists_say_where_they_are_from_and_replace_substitutes(published, tmp_path):
    folder = tmp_path / "metadata/exclude"
    folder.mkdir(parents=True)
    mine = {"weak_exclude.tsv": "filename\nmine.wav\n", "unlabeled_exclude.tsv": "filename\nours.wav\n"}
    for name, content in mine.items():
        (folder / name).write_text(content)
    (folder / "substitutes.json").write_text(json.dumps({"lists": {"weak": file_sha256(folder / "weak_exclude.tsv")}}))
    done = sedlab("desed", "download", "--only", "exclude", "--root", tmp_path, "--mirror", published.archives)
    assert done.exit_code == 0, done.output
    assert (folder / "weak_exclude.tsv").read_bytes() == (published.archives / "weak_exclude.tsv").read_bytes()
    record = json.loads((folder / "weak_exclude.tsv.json").read_text())
    assert record["url"] and record["sha256"] == file_sha256(folder / "weak_exclude.tsv")
    # Nobody's substitute: somebody's own, which stays.
    assert (folder / "unlabeled_exclude.tsv").read_text() == mine["unlabeled_exclude.tsv"]
    assert not (folder / "unlabeled_exclude.tsv.json").exists()


def test_audio_of_audioset_is_told_to_be_had_by_hand_and_taken_from_a_mirror(server, published, tmp_path):
    done = sedlab("audioset", "download", "--root", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.count("by hand") >= 3 and "Next: sedlab data audioset youtube" in done.output
    labels = tmp_path / "audioset_strong/metadata/audioset_eval_strong.tsv"
    assert labels.read_bytes() == (published.archives / labels.name).read_bytes()
    server.requests = []
    done = sedlab("audioset", "download", "--root", tmp_path, "--mirror", published.archives)
    assert done.exit_code == 0 and server.requests == []
    assert len(list((tmp_path / "audioset_strong/hdf").glob("*_segments_mp3.hdf"))) == 3
    assert "youtube" not in done.output


def test_set_that_is_there_from_elsewhere_does_not_come_again(server, tmp_path):
    subset = SUBSETS["eval_public"]
    (tmp_path / subset.audio).mkdir(parents=True)
    (tmp_path / subset.table).parent.mkdir(parents=True)
    (tmp_path / subset.table).write_text("filename\n")
    for k in range(subset.published_count - 1):
        (tmp_path / subset.audio / f"{k}.wav").touch()
    plan = plan_download(tmp_path, "desed", select("desed", ["public"]), patience=HASTY, reserve_bytes=0)
    assert [job.name for job in plan.jobs] == ["DESED_public_eval.tar.gz"]  # a clip is missing
    (tmp_path / subset.audio / "last.wav").touch()
    plan = plan_download(tmp_path, "desed", select("desed", ["public"]), patience=HASTY, reserve_bytes=0)
    assert plan.jobs == [] and len(plan.in_place) == 1


def test_originals_may_be_deleted_once_they_are_prepared_and_tables_come_back(published, tmp_path):
    assert sedlab("maestro", "download", "--root", tmp_path, "--mirror", published.archives).exit_code == 0
    (tmp_path / "metadata/maestro_real_train.tsv").write_text("filename\n")
    shutil.rmtree(tmp_path / "maestro_original/audio")
    (tmp_path / "metadata/maestro_real_durations.tsv").unlink()
    assert sedlab("maestro", "download", "--root", tmp_path, "--mirror", published.archives).exit_code == 0
    assert not (tmp_path / "maestro_original/audio").exists()
    assert (tmp_path / "metadata/maestro_real_durations.tsv").is_file()


def test_list_shows_everything_and_asks_nobody(server, tmp_path):
    for corpus in CORPORA:
        done = sedlab(corpus, "download", "--list", "--root", tmp_path)
        assert done.exit_code == 0
        for record in records(corpus):
            assert record.name in done.output and record.address in done.output
            assert all(file.file in done.output for file in record.files)
    assert server.requests == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--only", "synt"], "Did you mean 'synth'"),
        (["--mirror", "/no/such/folder"], "no such folder"),
        (["--mirror", "."], "holds nothing of desed"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, monkeypatch, words, why):
    monkeypatch.chdir(tmp_path)
    done = sedlab("desed", "download", "--root", tmp_path / "root", *words)
    assert isinstance(done.exception, SedlabError) and why in str(done.exception)
