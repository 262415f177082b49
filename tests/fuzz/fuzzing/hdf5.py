"""Score files: datasets, types, attributes, links, storage outside the file, damage."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np

from fuzzing.case import Case, Ideas
from fuzzing.commands import scoring
from fuzzing.material import CLASSES, CLIPS, FRAMES, Material, frame_boundaries, logits

IDEAS = Ideas()
SHAPE = (len(CLIPS), FRAMES, len(CLASSES))


def _file(path: Path, mode: str = "r+"):
    import h5py

    return h5py.File(path, mode)


def _plain(path: Path, names=None, values=None, **attributes) -> None:
    """Write a file as other programs would: no checksums, the attributes that are given."""
    with _file(path, "w") as file:
        file["filenames"] = np.array(CLIPS, dtype=object) if names is None else names
        if values is not False:
            file.create_dataset("strong_logits", data=logits() if values is None else values)
        about = {"classes": np.array(CLASSES, dtype=object), "frame_times": frame_boundaries()} | attributes
        for name, value in about.items():
            if value is not None:
                file.attrs[name] = value


@IDEAS.good
def of_another_program(random: Random, path: Path) -> None:
    _plain(path)


@IDEAS.good
def other_numbers(random: Random, path: Path) -> None:
    _plain(path, values=logits().astype(random.choice(["float16", "float64", ">f4", ">f8"])))


@IDEAS.good
def names_of_fixed_length(random: Random, path: Path) -> None:
    _plain(path, names=np.array(CLIPS, dtype="S12"))


@IDEAS.good
def compressed(random: Random, path: Path) -> None:
    _plain(path, values=False)
    options = random.choice([{"compression": "gzip"}, {"compression": "lzf"}, {"fletcher32": True}, {"shuffle": True}])
    with _file(path) as file:
        file.create_dataset("strong_logits", data=logits(), chunks=(1, 10, 1), **options)


@IDEAS.either
def more_in_it(random: Random, path: Path) -> None:
    with _file(path) as file:
        file.attrs["note"] = random.choice(["é", 3, np.arange(5)])
        file["weak_logits"] = np.zeros((3, 3))
        file.create_group("more")["x"] = 1


@IDEAS.bad
def a_dataset_less(random: Random, path: Path) -> None:
    with _file(path) as file:
        del file[random.choice(["filenames", "strong_logits"])]


@IDEAS.bad
def a_group_in_place_of_a_dataset(random: Random, path: Path) -> None:
    with _file(path) as file:
        name = random.choice(["filenames", "strong_logits"])
        del file[name]
        file.create_group(name)


@IDEAS.bad
def numbers_of_another_kind(random: Random, path: Path) -> None:
    kinds = ["complex64", "complex128", "bool", "S4", [("a", "f4"), ("b", "f4")], "V8"]
    _plain(path, values=np.zeros(SHAPE, dtype=random.choice(kinds)))


@IDEAS.either
def whole_numbers(random: Random, path: Path) -> None:
    _plain(path, values=np.ones(SHAPE, dtype=random.choice(["int8", "int64", "uint64"])))


@IDEAS.bad
def texts_in_place_of_numbers(random: Random, path: Path) -> None:
    import h5py

    _plain(path, values=False)
    with _file(path) as file:
        kind = random.choice(
            [h5py.string_dtype(), h5py.vlen_dtype(np.float32), h5py.ref_dtype, h5py.enum_dtype({"a": 1})]
        )
        file.create_dataset("strong_logits", SHAPE, dtype=kind)


@IDEAS.bad
def another_shape(random: Random, path: Path) -> None:
    shape = random.choice([(), (3,), (3, 50), (3, 50, 3, 1), (2, 50, 3), (3, 49, 3), (3, 50, 4), (3, 3, 50), (0, 50,
        3), (3, 0, 3), (3, 50, 0)])  # fmt: skip
    _plain(path, values=np.zeros(shape, np.float32))


@IDEAS.bad
def nothing_in_a_dataset(random: Random, path: Path) -> None:
    import h5py

    name = random.choice(["filenames", "strong_logits"])
    with _file(path) as file:
        del file[name]
        file[name] = h5py.Empty(random.choice(["f4", "S1"]))


@IDEAS.bad
def not_finite(random: Random, path: Path) -> None:
    values = logits()
    values[random.randrange(3), random.randrange(FRAMES), random.randrange(3)] = random.choice(
        [np.nan, np.inf, -np.inf]
    )
    _plain(path, values=values)


@IDEAS.either
def beyond_single_precision(random: Random, path: Path) -> None:
    _plain(path, values=logits().astype(np.float64) * random.choice([1e300, 1e-300, 1e36]))


@IDEAS.bad
def other_names(random: Random, path: Path) -> None:
    names = random.choice([np.arange(3), np.zeros(3), np.array(["a", "a", "b"], object), np.array(CLIPS[:2], object),
                           np.array([[c] for c in CLIPS], object), "one", np.array(["", "a", "b"], object),
                           np.array([True, False, True]), np.zeros((0,),
                               "S1")])  # fmt: skip
    _plain(path, names=names)


@IDEAS.either
def names_in_another_encoding(random: Random, path: Path) -> None:
    _plain(path, names=np.array([b"\xff\xfe", b"h\xf6r", b"b"]))


@IDEAS.bad
def other_classes(random: Random, path: Path) -> None:
    classes = random.choice([np.array(["Dog", "Dog", "Speech"], object), np.array(CLASSES[:2], object),
        np.arange(3), "Dog", 3,
                             np.array(["", "Dog", "Speech"], object), np.zeros(0),
                                 np.zeros(3),
                             np.array([" Dog", "Dog", "Speech"],
                                 object)])  # fmt: skip
    _plain(path, classes=classes)


@IDEAS.either
def classes_in_another_form(random: Random, path: Path) -> None:
    _plain(path, classes=random.choice([np.array([CLASSES], object), np.array([b"\xff", b"Dog", b"Speech"])]))


@IDEAS.bad
def other_times(random: Random, path: Path) -> None:
    times = frame_boundaries()
    middle = np.array(times)
    middle[25] = random.choice([np.nan, np.inf, -1.0, 1e9, middle[24], 0.0])
    _plain(path, frame_times=random.choice([times[::-1], -times, times * np.inf, times * 0, times[:-1], times[:,
        None], "x", 0.064,
                                            middle, times.astype(complex), times + 1e9, np.zeros(0),
                                                times.astype("S8"), times - 5]))  # fmt: skip


@IDEAS.bad
def without_attributes_of_another_size(random: Random, path: Path) -> None:
    _plain(path, classes=None, frame_times=None)


@IDEAS.either
def another_format(random: Random, path: Path) -> None:
    with _file(path) as file:
        file.attrs["format"] = random.choice(["sedlab-scores-99", 3, "", np.arange(3), b"\xff", "x" * 5000])


@IDEAS.either
def odd_attributes(random: Random, path: Path) -> None:
    import h5py

    with _file(path) as file:
        file.attrs["model"] = random.choice(
            [h5py.Empty("f4"), b"\xff\xfe", np.zeros(1000), 1j, file["filenames"].ref, True]
        )


@IDEAS.bad
def a_link_out_of_the_file(random: Random, path: Path) -> None:
    import h5py

    name = random.choice(["filenames", "strong_logits"])
    target = path.with_name("outside.hdf5")
    target.write_bytes(path.read_bytes())
    with _file(path) as file:
        del file[name]
        file[name] = h5py.ExternalLink(random.choice([target.name, "nothing.hdf5", "/etc/passwd", "."]), name)


@IDEAS.bad
def storage_outside_the_file(random: Random, path: Path) -> None:
    values = path.with_name("values.bin")
    values.write_bytes(logits().tobytes())
    _plain(path, values=False)
    with _file(path) as file:
        outside = random.choice([values.name, str(values), "/etc/passwd", "nothing.bin"])
        file.create_dataset("strong_logits", SHAPE, "f4", external=[(outside, 0, values.stat().st_size)])


@IDEAS.bad
def a_virtual_dataset(random: Random, path: Path) -> None:
    import h5py

    source = path.with_name("outside.hdf5")
    source.write_bytes(path.read_bytes())
    where = random.choice([source.name, "nothing.hdf5", "."])
    _plain(path, values=False)
    with _file(path) as file:
        layout = h5py.VirtualLayout(SHAPE, "f4")
        layout[:] = h5py.VirtualSource(where, "strong_logits", SHAPE)
        file.create_virtual_dataset("strong_logits", layout)


@IDEAS.bad
def a_link_to_nothing(random: Random, path: Path) -> None:
    import h5py

    name = random.choice(["filenames", "strong_logits"])
    with _file(path) as file:
        del file[name]
        file[name] = h5py.SoftLink(random.choice(["/nothing", f"/{name}", "/", ".."]))


@IDEAS.bad
def more_than_fits(random: Random, path: Path) -> None:
    shape = random.choice([(3, 50, 10**9), (10**12, 50, 3), (3, 10**10, 3), (2**31, 50, 3), (2**40, 2**20, 3)])
    _plain(path, values=False)
    with _file(path) as file:
        file.create_dataset("strong_logits", shape, "f4", chunks=(1, 10, 1))


@IDEAS.bad
def more_names_than_fit(random: Random, path: Path) -> None:
    with _file(path) as file:
        del file["filenames"]
        file.create_dataset("filenames", (random.choice([10**9, 10**12]),), "S8", chunks=(1000,))


@IDEAS.bad
def a_value_changed(random: Random, path: Path) -> None:
    # What `write_score_file` wrote, and something else changed since.
    with _file(path) as file:
        file["strong_logits"][random.randrange(3), random.randrange(FRAMES), 0] += 1e-3


@IDEAS.bad
def a_chunk_damaged(random: Random, path: Path) -> None:
    _plain(path, values=False)
    with _file(path) as file:
        data = file.create_dataset("strong_logits", data=logits(), chunks=SHAPE, compression="gzip", fletcher32=True)
        place = data.id.get_chunk_info(0)
        offset, size = place.byte_offset, place.size
    _flip(random, path, offset, offset + size)


@IDEAS.bad
def cut_off(random: Random, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content))])


@IDEAS.either
def changed_bytes(random: Random, path: Path) -> None:
    for _ in range(random.choice([1, 1, 3, 20])):
        _flip(random, path, 0, random.choice([400, path.stat().st_size]))


@IDEAS.bad
def something_else(random: Random, path: Path) -> None:
    path.write_bytes(
        random.choice(
            [
                b"",
                b"\x89HDF\r\n\x1a\n",
                b"\x89HDF\r\n\x1a\n" + random.randbytes(300),
                random.randbytes(2000),
                b"PK\x03\x04",
                b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
                b"<!DOCTYPE html><html></html>",
                b"\x93NUMPY\x01\x00v\x00{}",
                b"onset\toffset\tDog\n0\t1\t0.5\n",
            ]
        )
    )


@IDEAS.bad
def no_file(random: Random, path: Path) -> None:
    path.unlink()
    what = random.randrange(3)
    if what == 0:
        path.mkdir()
    elif what == 1:
        path.symlink_to(random.choice(["nothing", path.name, "/dev/null"]))


def _flip(random: Random, path: Path, begin: int, end: int) -> None:
    content = bytearray(path.read_bytes())
    content[random.randrange(begin, min(end, len(content)))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def hdf5_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Change a score file that a scoring command, or a user's script, reads."""
    material.take(folder, "scores.hdf5", "other.hdf5", "truth.tsv", "durations.tsv")
    idea = IDEAS.at(index)
    idea.change(random, folder / "scores.hdf5")
    arguments, outputs = scoring(random)
    if random.random() < 0.25:
        arguments, outputs = ("python", "read_score_file", "scores.hdf5"), ()
    return Case(arguments, idea.name, idea.bad, outputs)
