"""A root in the real layout with a handful of short clips."""

import numpy as np
import pytest
import soundfile

from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.load import load_corpus

STRONG_HEADER = "filename\tonset\toffset\tevent_label\n"
TABLES = {
    "synth_train": STRONG_HEADER + "1.wav\t0.5\t1.5\tSpeech\n1.wav\t1.0\t2.0\tDishes\n2.wav\t0.0\t0.3\tDog\n",
    "strong_train": STRONG_HEADER + "Y-a_b.c_0.000_10.000.wav\t0.1\t0.4\tCat\nother.wav\t0.1\t0.4\tBlender\n",
    "weak_train": "filename\tevent_labels\n" + "".join(f"w{i}.wav\tSpeech,Cat\n" for i in range(10)),
    "synth_val": STRONG_HEADER + "v1.wav\t0.5\t1.5\tSpeech\n",
    "devtest": STRONG_HEADER + "t1.wav\t0.5\t10.115\tSpeech\nt2.wav\t\t\t\n",
    "maestro_train": "filename\tonset\toffset\tevent_label\tconfidence\n"
    + "".join(f"city_center_0{i}-000000-001000.wav\t0.0\t1.0\tpeople talking\t0.25\n" for i in range(4)),
}
SUBSET_CLIPS = {
    "synth_train": ("1", "2"),
    "strong_train": ("Y-a_b.c_0.000_10.000", "other"),
    "weak_train": tuple(f"w{i}" for i in range(10)),
    "unlabeled_train": ("u1", "u2"),
    "synth_val": ("v1",),
    "devtest": ("t1", "t2"),
    "maestro_train": tuple(f"city_center_0{i}-000000-001000" for i in range(4)),
}


@pytest.fixture
def write_wav():
    """Return a function that writes noise: path, seconds, sample rate, channels; it returns the samples written."""

    def write(path, seconds=0.05, *, sample_rate=16_000, channels=1, subtype="PCM_16"):
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(len(path.name) + int(seconds * 1000))
        samples = random.integers(-20_000, 20_000, (round(seconds * sample_rate), channels)).astype(np.int16)
        soundfile.write(path, samples, sample_rate, subtype=subtype)
        return samples

    return write


@pytest.fixture
def root(tmp_path, write_wav):
    """Return a data root that holds every kind of subset."""
    for name, text in TABLES.items():
        path = tmp_path / SUBSETS[name].table
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, clips in SUBSET_CLIPS.items():
        for clip in clips:
            write_wav(tmp_path / SUBSETS[name].audio / f"{clip}.wav", 10.2 if clip in ("1", "t1") else 0.5)
    return tmp_path


@pytest.fixture
def corpus(root):
    return load_corpus(root)
