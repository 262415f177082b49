"""The registry of what was published, and the table about it that people read."""

from pathlib import Path

import pytest
from synthetic_archives import ZENODO

from sedlab.data.acquisition.records import CORPORA, Destination, records, select
from sedlab.errors import SedlabError

README = Path(__file__).parents[3] / "data/README.md"


def rows():
    """Yield the rows of the table in data/README.md that the registry stands for."""
    for corpus in CORPORA:
        for record in records(corpus):
            where = f"[Zenodo {record.zenodo}]({record.address})" if record.zenodo else f"[page]({record.address})"
            folders = dict.fromkeys(folder for file in record.files for folder in file.folders)
            places = ", ".join(f"`{folder}`" for folder in folders)
            yield f"| {corpus} | `{record.name}` | {record.what} | {where} | {places} | {record.licence} |"


def test_readme_has_a_row_for_each_record():
    text = README.read_text(encoding="utf-8").splitlines()
    missing = [row for row in rows() if row not in text]
    assert not missing, "\n".join(["data/README.md lacks these rows (or others are outdated):", *missing])


def test_zenodo_s_files_are_those_of_the_made_archives():
    found = {}
    for corpus in CORPORA:
        for record in records(corpus):
            if record.zenodo:
                found[record.zenodo] = tuple(file.file for file in record.files)
    assert found == ZENODO


def test_files_that_come_with_the_published_checkpoints_have_one_address():
    from sedlab.weights.registry import entries

    addresses = {entry.file: entry.url for entry in entries()}
    shared = [(f.file, f"{r.url}/{f.file}") for r in records("desed") if r.url for f in r.files]
    assert shared and all(addresses[file] == url for file, url in shared)


def test_names_are_told_apart_and_nothing_leaves_the_root():
    for corpus in CORPORA:
        names = [record.name for record in records(corpus)] + [f.file for r in records(corpus) for f in r.files]
        assert len(names) == len(set(names))
        for record in records(corpus):
            for file in record.files:
                assert not any(folder.startswith("/") or ".." in folder for folder in file.folders)


def test_a_part_is_chosen_by_its_name_or_by_that_of_a_file():
    assert [record.name for record in select("desed", ["synth", "metadata"])] == ["synth", "metadata"]
    (one,) = select("maestro", ["development_annotation.zip"])
    assert [file.file for file in one.files] == ["development_annotation.zip"]
    assert select("desed") == records("desed")
    with pytest.raises(SedlabError, match="has nothing of this name"):
        select("desed", ["weak.tsv"])


@pytest.mark.parametrize(
    ("place", "path", "target"),
    [
        (
            Destination(under="audio/eval", to="e/audio/eval"),
            "any/root/dataset/audio/eval/public/a.wav",
            "e/audio/eval/public/a.wav",
        ),
        (Destination(under="audio/eval", to="e"), "audio/train/eval/a.wav", None),
        (Destination(under="train", to="metadata/train", only="*.tsv"), "train/weak.tsv", "metadata/train/weak.tsv"),
        (Destination(under="train", to="metadata/train", only="*.tsv"), "train/weak.txt", None),
        (Destination(to="m/audio", only="*.wav", flat=True), "development_audio/scene/a_00.wav", "m/audio/a_00.wav"),
        (Destination(to="m/a", flat=True, strip="soft_labels_"), "x/soft_labels_a_00.txt", "m/a/a_00.txt"),
    ],
)
def test_files_find_their_place_by_the_folders_above_them(place, path, target):
    assert place.target(tuple(path.split("/"))) == target
