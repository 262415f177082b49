"""Archives that do harm, are cut off or are something else: one line, and nothing in its place."""

import io
import os
import shutil
import signal
import tarfile
import time
import zipfile

import numpy as np
import pytest
from synthetic_archives import write_tar, write_zip

from sedlab.data.acquisition.records import Destination, PublishedFile
from sedlab.data.acquisition.unpacking import unpack, unpacked
from sedlab.errors import SedlabError

GOOD = {f"top/audio/part/{k}.wav": bytes([k]) * 5000 for k in range(4)} | {"top/audio/labels.tsv": b"filename\n0.wav\n"}


def published(name):
    return PublishedFile(file=name, places=(Destination(under="audio", to="put/audio"),))


def entry(name, kind=tarfile.REGTYPE, size=0, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, target
    return made


def tar_with(*entries, content=b""):
    def write(path):
        with tarfile.open(path, "w:gz") as archive:
            for name, data in GOOD.items():
                archive.addfile(entry(name, size=len(data)), io.BytesIO(data))
            for one in entries:
                archive.addfile(one, io.BytesIO(content or bytes(one.size if one.size < 1e6 else 0)))

    return write


def zip_with(name, content=b"x", *, mode=0, flags=0):
    def write(path):
        write_zip(path, GOOD)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
        if flags:
            bent = bytearray(path.read_bytes())
            bent[bent.rindex(b"PK\x01\x02") + 8] |= flags
            path.write_bytes(bent)

    return write


def cut(write, *, keep):
    def shorter(path):
        write(path)
        path.write_bytes(path.read_bytes()[:keep])

    return shorter


def bent(write):
    """Turn a bit of the sound; the tables of contents stay right."""

    def bend(path):
        write(path)
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 4
        path.write_bytes(content)

    return bend


def stored(path):
    noise = np.random.default_rng(0).bytes(20_000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("top/audio/0.wav", noise)


def declares_more(path):
    """Write a tar file whose one member claims eight terabytes."""
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(entry("top/audio/0.wav", size=100), io.BytesIO(bytes(100)))
        archive.fileobj.write(entry("top/audio/1.wav", size=1 << 43).tobuf(tarfile.GNU_FORMAT))


BAD = {
    "zip out of the folder": ("a.zip", zip_with("top/audio/../../../evil.wav"), "a path out of the folder"),
    "zip with backslashes": ("a.zip", zip_with("top\\audio\\..\\..\\..\\evil.wav"), "a path out of the folder"),
    "zip absolute": ("a.zip", zip_with("/tmp/audio/evil.wav"), "an absolute path"),
    "zip of a drive": ("a.zip", zip_with("C:/audio/evil.wav"), "an absolute path"),
    "zip with a link": ("a.zip", zip_with("top/audio/evil.wav", b"/etc/passwd", mode=0o120777), "a link"),
    "zip with a device": ("a.zip", zip_with("top/audio/evil.wav", mode=0o020666), "a device"),
    "zip encrypted": ("a.zip", zip_with("top/audio/evil.wav", flags=1), "encrypted"),
    "zip bomb": ("a.zip", zip_with("top/audio/evil.wav", bytes(40_000_000)), "neither sound nor tables"),
    "zip twice the same": ("a.zip", zip_with("other/audio/part/0.wav"), "twice"),
    "zip cut off": ("a.zip", cut(stored, keep=10_000), "its end is missing"),
    "zip with a wrong bit": ("a.zip", bent(stored), "damaged"),
    "zip of something else": ("a.zip", lambda path: write_zip(path, {"readme.txt": b"hello"}), "holds no audio/"),
    "tar out of the folder": ("a.tar.gz", tar_with(entry("top/audio/../../../evil.wav")), "a path out of the folder"),
    "tar absolute": ("a.tar.gz", tar_with(entry("/tmp/audio/evil.wav")), "an absolute path"),
    "tar with a link": ("a.tar.gz", tar_with(entry("top/audio/evil.wav", tarfile.SYMTYPE, target="/etc")), "a link"),
    "tar with a hard link": ("a.tar.gz", tar_with(entry("top/audio/e.wav", tarfile.LNKTYPE, target="../x")), "a link"),
    "tar with a device": ("a.tar.gz", tar_with(entry("top/audio/evil.wav", tarfile.CHRTYPE)), "a device"),
    "tar with a pipe": ("a.tar.gz", tar_with(entry("top/audio/evil.wav", tarfile.FIFOTYPE)), "a device"),
    "tar bomb": ("a.tar.gz", tar_with(entry("top/audio/e.wav", size=40_000_000), content=bytes(40_000_000)), "neither"),
    "tar that announces terabytes": ("a.tar.gz", declares_more, "neither sound nor tables"),
    "tar cut off": ("a.tar.gz", cut(tar_with(), keep=200), "damaged or was cut off"),
    "tar without its last bytes": ("a.tar.gz", cut(tar_with(), keep=-6), "damaged or was cut off"),
    "page": ("a.zip", lambda path: path.write_bytes(b"<!DOCTYPE html><title>Sign in</title>"), "is a web page"),
    "empty": ("a.zip", lambda path: path.write_bytes(b""), "is empty"),
}


@pytest.mark.parametrize(("name", "write", "why"), BAD.values(), ids=BAD)
def test_nothing_of_a_bad_archive_is_put_in_its_place(tmp_path, name, write, why):
    archive, root = tmp_path / "archives" / name, tmp_path / "deep" / "root"
    archive.parent.mkdir()
    write(archive)
    with pytest.raises(SedlabError, match=why) as caught:
        unpack(archive, root, archive.parent, published(name), reserve_bytes=0)
    assert "\n" not in str(caught.value) and str(archive) in str(caught.value)
    assert {path.name for path in tmp_path.rglob("*") if not path.is_dir()} == {name}
    assert unpacked(root, archive.parent, published(name)) is None


@pytest.mark.parametrize(("name", "write"), [("a.zip", write_zip), ("a.tar.gz", write_tar)])
def test_good_archive_comes_to_its_places_whatever_its_root_folder(tmp_path, name, write):
    archive, root = tmp_path / name, tmp_path / "root"
    rubbish = {"__MACOSX/top/audio/part/._0.wav": b"x", "top/audio/.DS_Store": b"x", "top/licence.txt": b"free"}
    write(archive, GOOD | rubbish)
    note = unpack(archive, root, tmp_path, published(name), reserve_bytes=0)
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert found == {key.replace("top/audio", "put/audio"): content for key, content in GOOD.items()}
    assert (note.files, note.folders, note.tables) == (5, ("put/audio",), ("put/audio/labels.tsv",))
    assert unpacked(root, tmp_path, published(name)) == note


def test_full_disk_is_told_before_a_file_is_begun_and_what_is_there_is_used(tmp_path):
    archive, root = tmp_path / "a.zip", tmp_path / "root"
    write_zip(archive, GOOD)
    with pytest.raises(SedlabError, match=r"root \(.* free.*\)\. Free space"):
        unpack(archive, root, tmp_path, published("a.zip"), reserve_bytes=1 << 60)
    assert not root.exists()


def test_changed_table_stays_and_half_a_sound_does_not(tmp_path):
    archive, root = tmp_path / "a.zip", tmp_path / "root"
    write_zip(archive, GOOD)
    (root / "put/audio/part").mkdir(parents=True)
    (root / "put/audio/labels.tsv").write_text("filename\nmine.wav\n")
    (root / "put/audio/part/0.wav").write_bytes(b"half")
    note = unpack(archive, root, tmp_path, published("a.zip"), reserve_bytes=0)
    assert note.kept == ("put/audio/labels.tsv",)
    assert (root / "put/audio/labels.tsv").read_text() == "filename\nmine.wav\n"
    assert (root / "put/audio/part/0.wav").read_bytes() == GOOD["top/audio/part/0.wav"]


def test_killed_unpacking_goes_on_where_it_stopped(tmp_path):
    """Killed at times that fall into reading, writing and moving; in between nothing half-written is in its place."""
    archive, root = tmp_path / "a.zip", tmp_path / "root"
    noise = np.random.default_rng(1)
    content = {f"x/audio/{k}.wav": noise.bytes(20_000) for k in range(300)}
    write_zip(archive, content)
    kept, killed = set(), 0
    for delay in (0.004, 0.01, 0.02, 0.03, 0.045, 0.06, 300.0):
        child = os.fork()
        if child == 0:
            try:
                unpack(archive, root, tmp_path, published("a.zip"), reserve_bytes=0)
            finally:
                os._exit(0)
        killed += not ended_within(child, delay)
        for path in root.rglob("*.wav"):
            assert path.read_bytes() == content[f"x/audio/{path.name}"]
        staged = {path.name for path in tmp_path.glob(".a.zip.*/files/**/*.wav") if not path.name.startswith(".")}
        assert kept <= staged | {path.name for path in root.rglob("*.wav")}
        kept = staged
    assert killed and unpacked(root, tmp_path, published("a.zip")).files == 300
    assert len(list(root.rglob("*.wav"))) == 300
    assert not list(tmp_path.glob(".a.zip.*"))


def ended_within(child, seconds):
    """Return whether a process ends in this time; it is killed otherwise."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return True
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.parametrize(("name", "write"), [("a.zip", write_zip), ("a.tar.gz", write_tar)])
def test_damaged_bytes_give_the_packed_files_or_one_line(tmp_path, name, write):
    """Seeded, so that it fails for everybody or nobody."""
    archive, random = tmp_path / "archives" / name, np.random.default_rng(3)
    archive.parent.mkdir()
    write(archive, GOOD)
    content, root = archive.read_bytes(), tmp_path / "root"
    for _ in range(60):
        damaged = bytearray(content)
        begin = random.integers(len(content)) if random.random() < 0.5 else content.rfind(b"PK\x01\x02")
        for place in begin + random.integers(0, 60, 3):
            damaged[place % len(content)] = random.integers(256)
        archive.write_bytes(damaged[: random.integers(len(content))] if random.random() < 0.2 else damaged)
        try:
            unpack(archive, root, archive.parent, published(name), reserve_bytes=0)
        except SedlabError as error:
            assert "\n" not in str(error)
            assert {path.name for path in tmp_path.rglob("*") if not path.is_dir()} == {name}
        else:
            found = {path.read_bytes() for path in root.rglob("*") if path.is_file()}
            assert found <= set(GOOD.values())
            shutil.rmtree(root)
            archive.with_name(f"{name}.unpacked.json").unlink()
