"""Data roots as `download` leaves them, from the synthetic archives."""

import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from synthetic_archives import publish

# Where what lies in the archives belongs, by the beginning of its name there.
_PLACES = {
    "metadata/": "metadata/",
    "dcase_synth/": "dcase_synth/",
    "dataset_of_the_public_evaluation/dataset/": "eval/desed_public_eval/",
    "development_audio/": "maestro_original/audio/",
    "development_annotation/": "maestro_original/annotation/",
    "dirs/": "resources/dirs/",
}
_CLIPS = {
    "weak": "audio/train/weak",
    "unlabel_in_domain": "audio/train/unlabel_in_domain",
    "strong_label_real": "audio/train/strong_label_real",
    "validation": "audio/validation/validation",
    "external_strong": "audio/external_strong",
}
_FILES = {
    "audioset_strong.tsv": "metadata/train",
    "audioset_train_strong.tsv": "audioset_strong/metadata",
    "audioset_eval_strong.tsv": "audioset_strong/metadata",
    "development_metadata.csv": "maestro_original",
}


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def downloaded(published, tmp_path_factory):
    """A root with everything but AudioSet's audio; not to be changed."""
    root = tmp_path_factory.mktemp("downloaded") / "root"
    for archive in published.archives.iterdir():
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as packed:
                _place(root, ((name, packed.read(name)) for name in packed.namelist() if not name.endswith("/")))
        elif archive.suffix == ".gz":
            with tarfile.open(archive) as packed:
                _place(root, ((m.name, packed.extractfile(m).read()) for m in packed.getmembers() if m.isfile()))
        elif archive.name.endswith("_exclude.tsv") or archive.name.startswith("external"):
            shutil.copy(archive, _made(root / "resources"))
        elif archive.name in _FILES:
            shutil.copy(archive, _made(root / _FILES[archive.name]))
        elif archive.suffix == ".hdf":
            shutil.copy(archive, _made(root / "audioset_strong/hdf"))
    for name, place in _CLIPS.items():
        shutil.copytree(published.clips / name, root / place)
    return root


@pytest.fixture
def root(downloaded, tmp_path):
    """A root of one's own to prepare; its files are links: `replace` them, never write into them."""
    return shutil.copytree(downloaded, tmp_path / "root", copy_function=os.link)


@pytest.fixture
def replace():
    """Return a function that gives a file other content, a text or bytes, and leaves its other names as they are."""

    def replaced(path, content):
        path.unlink()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return replaced


def _place(root, members):
    for name, content in members:
        begin = next(begin for begin in _PLACES if name.startswith(begin))
        path = root / _PLACES[begin] / name.removeprefix(begin)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
