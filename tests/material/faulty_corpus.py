"""A small root that holds every set and is sound, and one that has a fault of every kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import soundfile

from sedlab.data.corpora.layout import MAESTRO_DURATIONS, SUBSETS
from sedlab.data.preparation.windows import cut_windows, window_name

STRONG = "filename\tonset\toffset\tevent_label\n"
DURATIONS = "filename\tduration\n"


def clip(number: int, *, y: str = "Y") -> str:
    return f"{y}video-{number:05d}_30.000_40.000"


#: Clips by set, named as in the real ones.
CLIPS = {
    "synth_train": ("1", "2"),
    "strong_train": tuple(clip(n) for n in range(10, 16)),
    "weak_train": tuple(clip(n) for n in range(20, 30)),
    "unlabeled_train": tuple(clip(n) for n in range(40, 44)),
    "synth_val": ("1",),
    "external_strong_train": (clip(50),),
    "external_strong_eval": (clip(51),),
    "devtest": tuple(clip(n) for n in range(60, 65)),
    "eval_public": tuple(f"video-{n:05d}_30_40" for n in (70, 71)),
    "audioset_train": ("video-00080_30000", "video-00081_30000"),
    "audioset_eval": ("video-00082_30000",),
    "own_train": ("kitchen_00", "kitchen_01"),
    "own_val": ("kitchen_02",),
    "own_test": ("kitchen_03",),
}
RECORDINGS = {"train": [f"cafe_restaurant_0{n}" for n in range(4)], "validation": ["city_center_05"]}
RECORDING_SECONDS = 11.5


def write_sound(path: Path, seconds: float = 10.0, *, rate: int = 16_000, channels: int = 1, seed: str = "") -> None:
    """Write noise that depends on the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(list((seed or path.as_posix()[-60:]).encode()))
    samples = random.integers(-3000, 3000, (round(seconds * rate), channels)).astype(np.int16)
    soundfile.write(path, samples, rate, format="WAV")


def audio(root: Path, name: str, stem: str) -> Path:
    """Return the sound file of a clip."""
    return root / SUBSETS[name].audio / f"{stem}.wav"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def append(root: Path, name: str, *rows: str) -> None:
    """Append rows, fields between blanks, to the table of a set."""
    path = root / str(SUBSETS[name].table)
    path.write_text(path.read_text() + "".join(row.replace(" ", "\t") + "\n" for row in rows))


def build_sound(root: Path) -> Path:
    """Write a corpus in which nothing is wrong, and return its root."""
    for name, stems in CLIPS.items():
        subset = SUBSETS[name]
        label = "Drill" if subset.family == "own" else "Speech"
        for stem in stems:
            write_sound(audio(root, name, stem))
        if subset.family == "audioset":
            head, rows = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n", "{}\t1.0\t2.0\t/m/09x0r\n"
        elif subset.label_kind == "weak":
            head, rows = "filename\tevent_labels\n", "{}.wav\tSpeech,Cat\n"
        else:
            head, rows = STRONG, f"{{}}.wav\t1.0\t2.5\t{label}\n"
        if subset.table:
            write(root / subset.table, head + "".join(rows.format(stem) for stem in stems))
        if subset.durations:
            write(root / subset.durations, DURATIONS + "".join(f"{stem}.wav\t10.0\n" for stem in stems))
        if subset.exclude:
            write(root / subset.exclude, "filename\n")
    write(root / "own" / "classes.txt", "Drill\nSaw\n")
    durations = DURATIONS
    for part, recordings in RECORDINGS.items():
        rows = ""
        for recording in recordings:
            durations += f"{recording}\t{RECORDING_SECONDS}\n"
            for start, end in cut_windows(round(RECORDING_SECONDS * 100), 100, hop_seconds=1):
                name = window_name(recording, start / 100, end / 100)
                write_sound(root / f"audio/maestro_real_{part}_16k" / name, (end - start) / 100)
                rows += f"{name}\t0.0\t1.0\tfootsteps\t0.4\n{name}\t1.0\t2.0\tfootsteps\t0.8\n"
        head = STRONG.replace("event_label", "event_label\tconfidence")
        write(root / f"metadata/maestro_real_{part}.tsv", head + rows)
    write(root / MAESTRO_DURATIONS, durations)
    write_sound(root / "device_responses" / "phone.wav", 0.1)
    return root


def spoil(root: Path) -> Path:
    """Bring a fault of every kind into a sound corpus, and return its root."""
    strong, test = CLIPS["strong_train"], CLIPS["devtest"]
    # Files.
    audio(root, "strong_train", strong[0]).write_bytes(b"")
    path = audio(root, "strong_train", strong[1])
    path.write_bytes(path.read_bytes()[:100_000])
    audio(root, "strong_train", strong[2]).write_bytes(b"this is text" * 100)
    audio(root, "strong_train", strong[3]).unlink()
    write_sound(audio(root, "unlabeled_train", CLIPS["unlabeled_train"][0]), 12.0, rate=44_100, channels=2)
    write_sound(audio(root, "unlabeled_train", CLIPS["unlabeled_train"][1]), 0.3)
    write_sound(audio(root, "unlabeled_train", CLIPS["unlabeled_train"][2]), 8.0)
    write_sound(audio(root, "devtest", "nobody"))
    twin = audio(root, "weak_train", CLIPS["weak_train"][0])
    shutil.copy(twin, twin.with_suffix(".flac"))
    (root / SUBSETS["synth_val"].table).unlink()
    # Samples.
    silence, half = np.zeros(160_000), np.full(160_000, 0.5)
    soundfile.write(audio(root, "weak_train", CLIPS["weak_train"][1]), silence, 16_000)
    soundfile.write(audio(root, "weak_train", CLIPS["weak_train"][2]), half, 16_000)
    noise = np.random.default_rng(0).normal(0, 0.2, 160_000)
    soundfile.write(audio(root, "weak_train", CLIPS["weak_train"][3]), np.clip(5 * noise, -1, 1), 16_000)
    soundfile.write(audio(root, "weak_train", CLIPS["weak_train"][4]), np.clip(noise / 4 + 0.3, -1, 1), 16_000)
    shutil.copy(audio(root, "synth_train", "1"), audio(root, "synth_train", "2"))
    shutil.copy(audio(root, "devtest", test[4]), audio(root, "strong_train", strong[5]))
    flac = audio(root, "audioset_train", CLIPS["audioset_train"][1])
    soundfile.write(flac.with_suffix(".flac"), noise, 16_000)
    content = bytearray(flac.with_suffix(".flac").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    flac.with_suffix(".flac").write_bytes(content)
    flac.unlink()
    # Labels of events.
    append(root, "strong_train", f"{strong[5]}.wav 1.0 2.0 Speach", f"{strong[5]}.wav 1,5 2.0 Cat")
    append(root, "strong_train", f"{strong[5]}.wav -1.0 2.0 Cat", f"{strong[5]}.wav 5.0 4.0 Cat")
    append(root, "strong_train", f"{strong[5]}.wav 4.0 4.0 Cat", f"{strong[5]}.wav 12.0 13.0 Cat")
    append(root, "strong_train", f"{strong[5]}.wav 9.0 10.5 Cat", f"{strong[5]}.wav 0.0 1500 Cat")
    append(root, "strong_train", f"{strong[5]}.wav 3.0 4.0 ", " 3.0 4.0 Cat")
    append(root, "devtest", f"{test[0]}.wav 2.0 3.0 Speech", f"{test[0]}.wav 3.0 4.0 Speech")
    append(root, "devtest", f"{test[1]}.wav 1.0 2.5 Speech")
    append(root, "own_test", "kitchen_03.wav 3.0 4.0 Saww")
    # Labels of clips.
    append(root, "weak_train", f"{CLIPS['weak_train'][5]}.wav Speech", f"{clip(20)}.wav ")
    append(root, "weak_train", f"{strong[4]}.wav Dog")
    write_sound(audio(root, "weak_train", strong[4]))
    # Splits and lists.
    append(root, "strong_train", f"{test[2]}.wav 1.0 2.0 Cat")
    write_sound(audio(root, "strong_train", test[2]))
    append(root, "eval_public", f"{CLIPS['unlabeled_train'][3][1:].replace('.000', '')}.wav 1.0 2.0 Cat")
    append(root, "devtest", f"{clip(11).replace('30.000_40', '50.000_60')}.wav 1.0 2.0 Cat")
    write_sound(audio(root, "devtest", clip(11).replace("30.000_40", "50.000_60")))
    (root / str(SUBSETS["unlabeled_train"].exclude)).write_bytes(b"\xff\xfe\x00")
    # Durations.
    write(
        root / str(SUBSETS["devtest"].durations),
        f"{DURATIONS}{test[0]}.wav\t10.04\n{test[1]}.wav\t7.0\n{test[2]}.wav\t0\n{test[3]}.wav\t10.0\n",
    )
    (root / str(SUBSETS["eval_public"].durations)).unlink()
    (root / str(SUBSETS["own_val"].durations)).write_text("name\tseconds\na\t1\n")
    # MAESTRO.
    table = SUBSETS["maestro_train"].table
    first = window_name("cafe_restaurant_00", 0, 10)
    lines = (root / str(table)).read_text().splitlines(keepends=True)
    gone = window_name("cafe_restaurant_01", 1, 11)
    write(root / str(table), "".join(line for line in lines if gone not in line))
    append(root, "maestro_train", f"{first} 2.0 3.0 footsteps 1.5", f"{first} 3.0 4.0 footsteps ")
    append(root, "maestro_train", f"{first} 4.0 6.0 footsteps 0.5", f"{first} 4.5 5.5 footsteps 0.7")
    append(root, "maestro_train", f"{first} 17.0 18.0 footsteps 0.5", "cafe.wav 0.0 1.0 footsteps 0.5")
    write_sound(root / SUBSETS["maestro_train"].audio / window_name("cafe_restaurant_02", 0, 10), 9.0)
    shared = "cafe_restaurant_03"
    append(root, "maestro_dev", f"{window_name(shared, 0, 10)} 0.0 1.0 car 0.5")
    write_sound(root / SUBSETS["maestro_dev"].audio / window_name(shared, 0, 10))
    path = root / MAESTRO_DURATIONS
    path.write_text(path.read_text().replace("city_center_05", "city_center_06"))
    (root / "device_responses" / "broken.wav").write_bytes(b"RIFF")
    write_sound(root / "device_responses" / "concert.wav", 11)
    return root
