"""The published archives of the real corpora, with their names and folder trees and a few synthesised clips each.

    published = publish(folder)                      # all corpora; about 2 s of processor time and 70 MB
    published.archives / "dcase_synth.zip"           # every downloadable file, flat: what `--mirror FOLDER` is given
    published.clips / "weak" / "Y..._30.000_40.000.wav"    # clips of YouTube videos, as the organisers give them

A class is a tone of its own, so something can be learnt. Most audio has 44.1 kHz, every third clip two channels, one
16 kHz; nothing here holds a 16 kHz copy or a durations table of DESED: `prepare` makes those. Where a set overlaps with
another one in the real corpora it does here: one strong clip is in the validation set, one in the weak and one in the
unlabelled set, and the exclusion lists name them.

Layouts: sections 2 to 7 of the facts about the corpora, that is the preparation scripts of the DCASE 2024 baseline.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import soundfile

from sedlab.data.corpora.audioset import display_names
from sedlab.labels import CLASSES, DESED_CLASSES, MAESTRO_CLASSES

RATE = 44_100
#: Clips of each set.
SYNTH_TRAIN, SYNTH_VAL, WEAK, UNLABELED, STRONG, VALIDATION, PUBLIC = 6, 4, 10, 5, 6, 5, 4
EXTERNAL_TRAIN, EXTERNAL_EVAL = 3, 2
AUDIOSET_TRAIN, AUDIOSET_EVAL = 8, 4
#: Recordings of MAESTRO Real with names of the published split lists, and their seconds.
MAESTRO_TRAIN = {
    "cafe_restaurant_00": 20.4,
    "city_center_02": 14.0,
    "grocery_store_00": 12.5,
    "metro_station_00": 15.25,
}
MAESTRO_DEV = {"cafe_restaurant_04": 16.0, "city_center_05": 13.3, "residential_area_03": 12.0}
#: Numbers of the Zenodo records, and the files of each.
ZENODO = {
    4639776: ("audioset_metadata.tar.gz",),
    6444477: ("audioset_strong.tsv",),
    6026841: ("dcase_synth.zip",),
    4560759: ("DESED_public_eval.tar.gz",),
    7244360: ("development_audio.zip", "development_annotation.zip"),
}
#: Sounds of AudioSet with a tone each.
MIDS = ("/m/09x0r", "/m/0bt9lr", "/m/01yrx", "/m/02pjr4", "/m/0dxrf", "/m/06mb1")

Event = tuple[float, float, str]


@dataclass(frozen=True)
class Published:
    """Where the made archives and clips are."""

    archives: Path
    """Every file that can be downloaded, under its published name, without sub-folders."""
    clips: Path
    """Folders weak, unlabel_in_domain, validation, strong_label_real, external_strong and audioset: clips of YouTube
    videos under the names of the tables."""

    def md5(self, name: str) -> str:
        """Return the MD5 of an archive, which Zenodo would publish."""
        return hashlib.md5((self.archives / name).read_bytes()).hexdigest()


def publish(folder: Path, corpora: Iterable[str] = ("desed", "maestro", "audioset"), *, seed: int = 0) -> Published:
    """Make the archives of the given corpora in ``folder``; the same content for the same seed."""
    published = Published(folder / "archives", folder / "clips")
    published.archives.mkdir(parents=True)
    makers = {"desed": _desed, "maestro": _maestro, "audioset": _audioset}
    for corpus in corpora:
        makers[corpus](published, np.random.default_rng([seed, len(corpus)]))
    return published


def video_id(number: int) -> str:
    """Return a made-up YouTube id of 11 characters; some begin with a hyphen or hold an underscore, as real ones do."""
    head = ("-x_", "Ab-", "q7_", "Zz9")[number % 4]
    return f"{head}{hashlib.md5(str(number).encode()).hexdigest()[:8]}"


def clip_name(number: int, start: int = 30) -> str:
    """Return the file name of a clip of 10 s that begins ``start`` seconds into the video."""
    return f"Y{video_id(number)}_{start}.000_{start + 10}.000.wav"


# Sound -----------------------------------------------------------------------------------------------------------


def sound(
    rng: np.random.Generator, events: Sequence[Event], seconds: float = 10.0, *, rate: int = RATE, channels: int = 1
) -> np.ndarray:
    """Return (samples,) or (samples, channels) int16: a tone for each event over faint noise."""
    samples = rng.integers(-30, 31, round(seconds * rate), dtype=np.int16)
    for onset, offset, label in events:
        begin, end = round(onset * rate), min(round(offset * rate), len(samples))
        place = CLASSES.index(label) if label in CLASSES else sum(label.encode()) % 40
        phase = 2 * np.pi * 200 * 1.13**place / rate * np.arange(end - begin)
        samples[begin:end] += (6000 * np.sin(phase)).astype(np.int16)
    return samples if channels == 1 else np.stack([samples, samples // 2], axis=1)


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    """Return a sound as the bytes of a WAV file of 16 bits."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _events(rng: np.random.Generator, classes: Sequence[str], seconds: float = 10.0) -> list[Event]:
    """Return two events of two classes, as tables round them."""
    chosen = rng.choice(len(classes), 2, replace=False)
    onsets = rng.uniform(0, seconds - 3, 2)
    return [
        (round(float(t), 3), round(float(t + rng.uniform(0.5, 3)), 3), classes[k])
        for t, k in zip(onsets, chosen, strict=True)
    ]


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    return "".join("\t".join(map(str, row)) + "\n" for row in [columns, *rows]).encode()


def _strong_table(clips: dict[str, list[Event]], *, empty: Sequence[str] = ()) -> bytes:
    rows = [(name, *event) for name, events in clips.items() for event in events if name not in empty]
    return _table(("filename", "onset", "offset", "event_label"), [*rows, *((name, "", "", "") for name in empty)])


# Archives --------------------------------------------------------------------------------------------------------


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    """Write files into a zip archive, its folders as entries of their own."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for folder in dict.fromkeys(str(Path(name).parent) for name in members):
            archive.writestr(zipfile.ZipInfo(f"{folder}/"), b"")
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 1)


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    """Write files into a gzipped tar archive."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))


def _write_clips(folder: Path, rng: np.random.Generator, clips: dict[str, list[Event]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k, (name, events) in enumerate(clips.items()):
        (folder / name).write_bytes(wav(sound(rng, events, channels=2 if k % 3 == 0 else 1)))


def _desed(published: Published, rng: np.random.Generator) -> None:
    archives = published.archives
    weak = {clip_name(100 + k): _events(rng, DESED_CLASSES) for k in range(WEAK)}
    unlabeled = {clip_name(200 + k, 0): _events(rng, DESED_CLASSES) for k in range(UNLABELED)}
    validation = {clip_name(300 + k, 110): _events(rng, DESED_CLASSES) for k in range(VALIDATION)}
    validation[next(iter(validation))] = []  # listened to, and nothing in it
    strong = {clip_name(400 + k, 9): _events(rng, DESED_CLASSES) for k in range(STRONG - 3)}
    shared = {"weak": list(weak)[-1], "unlabeled": list(unlabeled)[-1], "validation": list(validation)[-1]}
    strong |= {name: (weak | unlabeled | validation)[name] for name in shared.values()}
    public = {name[1:].replace(".000", ""): _events(rng, DESED_CLASSES) for name in map(clip_name, range(500, 504))}

    empty = [name for name, events in validation.items() if not events]
    weak_rows = [(name, ",".join(sorted({label for *_, label in events}))) for name, events in weak.items()]
    metadata = {
        "metadata/train/weak.tsv": _table(("filename", "event_labels"), weak_rows),
        "metadata/train/unlabel_in_domain.tsv": _table(("filename",), [(name,) for name in unlabeled]),
        "metadata/validation/validation.tsv": _strong_table(validation, empty=empty),
        "metadata/validation/eval_dcase2018.tsv": _strong_table(dict(list(validation.items())[1:3])),
        "metadata/validation/test_dcase2018.tsv": _strong_table(dict(list(validation.items())[3:])),
    }
    write_tar(archives / "audioset_metadata.tar.gz", metadata)
    (archives / "audioset_strong.tsv").write_bytes(_strong_table(strong))
    write_zip(archives / "dcase_synth.zip", _soundscapes(rng))
    root = "dataset_of_the_public_evaluation/dataset"
    files = {f"{root}/audio/eval/public/{name}": wav(sound(rng, events)) for name, events in public.items()}
    write_tar(
        archives / "DESED_public_eval.tar.gz", files | {f"{root}/metadata/eval/public.tsv": _strong_table(public)}
    )
    folders = ("weak", "unlabel_in_domain", "validation", "strong_label_real")
    for folder, clips in zip(folders, (weak, unlabeled, validation, strong), strict=True):
        _write_clips(published.clips / folder, rng, clips)
    _cpjku_release(published, rng, shared)


def _soundscapes(rng: np.random.Generator) -> dict[str, bytes]:
    members = {}
    for split, number in (("train", SYNTH_TRAIN), ("validation", SYNTH_VAL)):
        clips = {f"{k}.wav": _events(rng, DESED_CLASSES) for k in range(number)}
        audio = f"dcase_synth/audio/{split}/synthetic21_{split}/soundscapes"
        for k, (name, events) in enumerate(clips.items()):
            rate = 16_000 if k == 1 else RATE
            stem = f"{audio}/{Path(name).stem}"
            members[f"{audio}/{name}"] = wav(sound(rng, events, rate=rate), rate)
            members[f"{stem}.jams"] = b'{"annotations": []}\n'
            members[f"{stem}.txt"] = "".join(f"{a}\t{b}\t{label}\n" for a, b, label in events).encode()
        members[f"dcase_synth/metadata/{split}/synthetic21_{split}/soundscapes.tsv"] = _strong_table(clips)
    return members


def _cpjku_release(published: Published, rng: np.random.Generator, shared: dict[str, str]) -> None:
    """Write what the published system's release adds: exclusion lists, external strong tables, device responses."""
    archives = published.archives
    strong = {clip_name(600 + k, 40): _events(rng, DESED_CLASSES) for k in range(EXTERNAL_TRAIN + EXTERNAL_EVAL)}
    for part, names in (("train", list(strong)[:EXTERNAL_TRAIN]), ("eval", list(strong)[EXTERNAL_TRAIN:])):
        table = _strong_table({name: strong[name] for name in names})
        (archives / f"external_audioset_strong_{part}.tsv").write_bytes(table)
    durations = _table(("filename", "duration"), [(name, 10.0) for name in list(strong)[EXTERNAL_TRAIN:]])
    (archives / "external_audioset_strong_dur.tsv").write_bytes(durations)
    _write_clips(published.clips / "external_strong", rng, strong)
    for name, of in (("unlabeled", "unlabeled"), ("weak", "weak"), ("audioset_strong", "validation")):
        (archives / f"{name}_exclude.tsv").write_bytes(_table(("filename",), [(shared[of],)]))
    responses = {}
    for k in range(3):
        response = rng.normal(0, 3000, 400) * np.exp(-np.arange(400) / 40)
        responses[f"dirs/microphone_{k}/ir_{k}.wav"] = wav(response.astype(np.int16), 32_000)
    write_zip(archives / "dirs.zip", responses)


def _maestro(published: Published, rng: np.random.Generator) -> None:
    archives, audio, annotation = published.archives, {}, {}
    for name, seconds in (MAESTRO_TRAIN | MAESTRO_DEV).items():
        classes = [MAESTRO_CLASSES[k] for k in rng.choice(len(MAESTRO_CLASSES), 3, replace=False)]
        rows = [
            (float(t), float(t + 1), label, round(float(rng.uniform(0.1, 1)), 4))
            for t in range(int(np.ceil(seconds)))
            for label in classes[: 1 + t % 3]
        ]
        heard = [(onset, offset, label) for onset, offset, label, confidence in rows if confidence > 0.5]
        scene = name.rsplit("_", 1)[0]
        audio[f"development_audio/{scene}/{name}.wav"] = wav(sound(rng, heard, seconds, channels=2))
        lines = ("\t".join(map(str, row)) + "\n" for row in rows)
        annotation[f"development_annotation/soft_labels_{scene}/{name}.txt"] = "".join(lines).encode()
    write_zip(archives / "development_audio.zip", audio)
    write_zip(archives / "development_annotation.zip", annotation)
    # With the full precision of the number of samples, as published.
    durations = [(name, round(seconds * RATE) / RATE) for name, seconds in (MAESTRO_DEV | MAESTRO_TRAIN).items()]
    (archives / "development_metadata.csv").write_bytes(_table(("filename", "duration"), durations))
    for file, header, names in (("train", "train", MAESTRO_TRAIN), ("validation", "val", MAESTRO_DEV)):
        lines = [header, *(f"{name}.txt" for name in names)]
        (archives / f"{file}_split.csv").write_bytes("".join(f"{line}\r\n" for line in lines).encode())


def _audioset(published: Published, rng: np.random.Generator) -> None:
    archives = published.archives
    parts = {"train": range(700, 700 + AUDIOSET_TRAIN), "eval": range(800, 800 + AUDIOSET_EVAL)}
    columns = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
    clips = {part: {n: _events(rng, MIDS) for n in numbers} for part, numbers in parts.items()}
    for part, of_part in clips.items():
        rows = [(f"{video_id(n)}_30000", *event) for n, events in of_part.items() for event in events]
        (archives / f"audioset_{part}_strong.tsv").write_bytes(_table(columns, rows))
    labels = "".join(f'{mid},"{name}"\n' if "," in name else f"{mid},{name}\n" for mid, name in display_names().items())
    (archives / "class_labels_indices_strong.csv").write_text(labels, encoding="utf-8")
    (archives / "eval_durations.csv").write_text("".join(f"Y{video_id(n)},10.0\n" for n in parts["eval"]))
    _write_clips(
        published.clips / "audioset",
        rng,
        {clip_name(n): events for of_part in clips.values() for n, events in of_part.items()},
    )
    half = AUDIOSET_TRAIN // 2
    train = list(clips["train"].items())
    for name, content in (("balanced_train", train[:half]), ("unbalanced_train", train[half:]), ("eval", None)):
        segments = dict(content) if content else clips["eval"]
        _write_mp3_hdf5(archives / f"{name}_segments_mp3.hdf", rng, segments)


def _write_mp3_hdf5(path: Path, rng: np.random.Generator, clips: dict[int, list[Event]]) -> None:
    """Write clips as MP3 bytes: `audio_name`, `mp3`, and `target`, 527 bits packed in bytes."""
    with h5py.File(path, "w") as file:
        names = [f"Y{video_id(n)}.mp3" for n in clips]
        file.create_dataset("audio_name", data=np.array(names, dtype="S20"))
        sounds = file.create_dataset("mp3", (len(clips),), dtype=h5py.vlen_dtype(np.uint8))
        target = np.zeros((len(clips), 527), dtype=bool)
        for k, events in enumerate(clips.values()):
            buffer = io.BytesIO()
            soundfile.write(buffer, sound(rng, events, rate=32_000), 32_000, format="MP3")
            sounds[k] = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
            target[k, [MIDS.index(label) for *_, label in events]] = True
        file.create_dataset("target", data=np.packbits(target, axis=1))
