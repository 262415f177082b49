"""A thousand damaged tables, sounds and archives: each is refused in one line, or read as something sound."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedlab.config.data import DataConfig
from sedlab.data.acquisition.archive import damage_told, members
from sedlab.data.audio_file import read_audio, read_header
from sedlab.data.corpora.desed import read_strong, read_weak, written_durations
from sedlab.data.corpora.fingerprint import fingerprint
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.load import READERS
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES

STRONG = "filename\tonset\toffset\tevent_label\n"
#: Subset -> a sound table of it.
TABLES = {
    "devtest": STRONG + "Y00pbt6aJV8Y_350.000_360.000.wav\t0.000\t9.971\tVacuum_cleaner\nb c.wav\t\t\t\n"
    'b".wav\t1.5\t2\tDog\n',
    "weak_train": "filename\tevent_labels\nYKK227gPpRn4_30.000_40.000.wav\tAlarm_bell_ringing,Speech\nb.wav\tDog\n"
    "c.wav\tCat\n",
    "maestro_dev": STRONG.replace("\n", "\tconfidence\n")
    + "cafe_restaurant_00-000000-001000.wav\t0.0\t1.0\tpeople talking\t0.25\n",
    "audioset_eval": "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    "s9d-2nhuJCQ_30000\t2.627\t7.237\t/m/053hz1\n",
}
PIECES = st.sampled_from(
    b'\t|\n|\r|"|;|,|\0|\xff|\xef\xbb\xbf|-|nan|inf|1e999|0,5|filename|onset|../|.wav|DOG|PK\3\4|\x1f\x8b|\xe9.wav'.split(
        b"|"
    )
)
WRAPS = {
    "as it is": lambda content: content,
    "gzip": gzip.compress,
    "UTF-16": lambda content: content.decode("utf-8", "replace").encode("utf-16"),
}


@st.composite
def damaged(draw, contents, pieces=PIECES):
    """Bytes of one of the contents with a few pieces cut out, put in or doubled."""
    content = draw(st.sampled_from(list(contents)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        put = draw(st.one_of(pieces, st.binary(max_size=4), st.just(content[start:end] * 2)))
        content = content[:start] + put + content[end:]
    return content


def refused_in_one_line(call, name):
    """Return what a call returns, None where it refuses in a line that begins with the name of the file."""
    try:
        return call()
    except SedlabError as error:
        assert str(error).startswith(str(name)) and len(str(error).splitlines()) == 1 and len(str(error)) < 1000
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def many(number):
    return settings(max_examples=number, suppress_health_check=list(HealthCheck), database=None, derandomize=True)


@given(st.sampled_from(list(TABLES)), st.sampled_from(list(WRAPS)), st.data())
@many(500)
@pytest.mark.filterwarnings("ignore")
def test_damaged_tables(folder, name, wrap, data):
    content = WRAPS[wrap](data.draw(damaged([TABLES[name].encode()])))
    subset = SUBSETS[name]
    root = folder / wrap.replace(" ", "")
    path = root / subset.table
    (root / subset.audio).mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if subset.family == "desed":
        read = read_weak if name == "weak_train" else read_strong
        found = refused_in_one_line(lambda: read(root, subset, DESED_CLASSES), path)
        if found is not None:
            clips, events = found
            assert (clips["clip_id"] != "").all() and events["label"].isin(DESED_CLASSES).all()
            assert not (events["offset"] < events["onset"]).any() and not (events["onset"] < 0).any()
            assert set(events["clip_id"]) <= set(clips["clip_id"])
    else:
        # Of its clips none is there, so that it ends with an error in any case.
        told = (path, root / subset.audio)
        with pytest.raises(SedlabError) as error:
            READERS[subset.family](root, subset, DataConfig())
        assert str(error.value).startswith(tuple(map(str, told))) and len(str(error.value).splitlines()) == 1
    assert path.read_bytes() == content


@given(damaged([b"filename\tduration\na.wav\t10.0\nb.wav\t9.5\n"]))
@many(100)
def test_damaged_durations(folder, content):
    subset = SUBSETS["eval_public"]
    path = folder / subset.durations
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found = refused_in_one_line(lambda: written_durations(folder, subset, pd.Series(["a", "b"])), path)
    assert found is None or not (found <= 0).any()


def sounds():
    for options in ({"format": "WAV", "subtype": "PCM_16"}, {"format": "WAV", "subtype": "FLOAT"}, {"format": "FLAC"}):
        file = io.BytesIO()
        soundfile.write(file, np.linspace(-0.5, 0.5, 400), 16_000, **options)
        yield file.getvalue()


SOUNDS = tuple(sounds())
HEADERS = st.sampled_from(
    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"data", b"RIFF", b"fmt ", b"LIST", b"\x7f\xff\xff\xff", b"fLaC"]
)


@given(damaged([content[:64] for content in SOUNDS], HEADERS), st.sampled_from(SOUNDS))
@many(300)
@pytest.mark.filterwarnings("ignore")
def test_damaged_headers_of_sounds(folder, header, rest):
    path = folder / "sound.wav"
    path.write_bytes(header + rest[64:])
    samples = refused_in_one_line(lambda: read_audio(path), path)
    found = refused_in_one_line(lambda: read_header(path), path)
    if samples is not None:
        assert np.isfinite(samples[0]).all() and len(samples[0])
    assert found is None or (found.duration > 0 and found.sample_rate > 0)


def archives():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata/train/weak.tsv", TABLES["weak_train"])
        archive.writestr("audio/a.wav", SOUNDS[0])
    yield file.getvalue()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("metadata/train/weak.tsv")
        info.size = len(TABLES["weak_train"])
        archive.addfile(info, io.BytesIO(TABLES["weak_train"].encode()))
    yield file.getvalue()


@given(damaged(tuple(archives()), HEADERS | st.sampled_from([b"../", b"/etc/", b"PK\1\2"])))
@many(100)
def test_damaged_archives(folder, content):
    path = folder / "archive.zip"
    path.write_bytes(content)

    def read():
        with damage_told(path):
            for member in members(path):
                assert ".." not in member.parts
                with member.open() as file:
                    file.read()

    refused_in_one_line(read, path)


def test_a_corpus_of_damaged_tables_has_a_fingerprint_all_the_same(folder, tmp_path):
    for name, text in TABLES.items():
        subset = SUBSETS[name]
        (tmp_path / subset.audio).mkdir(parents=True, exist_ok=True)
        (tmp_path / subset.audio / "a.wav").write_bytes(SOUNDS[0])
        (tmp_path / subset.table).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / subset.table).write_bytes(b"\xff" + text.encode())
    assert all(fingerprint(tmp_path).values())
