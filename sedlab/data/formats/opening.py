"""Open a sound file of any format that libsndfile reads, whatever its header says about its length."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sedlab.data.formats.decoder import DataView, silent_stderr
from sedlab.data.formats.extent import Extent, sound_extent
from sedlab.data.formats.foreign import convert, foreign_remedy
from sedlab.data.formats.names import on_disk
from sedlab.data.formats.streams import is_whole_ogg, mp3_sound_follows, mp3_start, says_mp3_length
from sedlab.errors import SedlabError
from sedlab.grid import FULL_SCALE

if TYPE_CHECKING:
    from soundfile import SoundFile

REMEDY = "Copy or download this file again, or move it elsewhere to leave it out."
#: What a recording may have, in samples a second; a header that says something else is damaged.
SAMPLE_RATES = (1_000, 1_000_000)

_HEAD_BYTES = 512
#: Samples of all channels that are decoded at once, at most.
_BLOCK_SAMPLES = 2**24
#: No coding packs more silence into a byte: a header that says so leaves the length open, as libsndfile's 2^63 does.
_MOST_FRAMES_A_BYTE = 10_000
#: Seconds by which the headers of compressed files may be off.
_COMPRESSED_SLACK = 0.1


@contextmanager
def open_sound(path: Path, *, whole: bool = False, quiet: bool = False) -> Iterator[OpenSound]:
    """Yield a sound file to decode.

    Parameters
    ----------
    whole : bool
        Refuse an uncompressed file that was broken off; otherwise what is there is read.
    quiet : bool
        Keep the MP3 decoder's remarks from the terminal.

    Raises
    ------
    SedlabError
        For a file that is missing, empty, of another format, or has an absurd sample rate.
    """
    with open_file(path) as file:
        sound = OpenSound(path, file, quiet=quiet)
        with sound.decoder:
            if whole and sound.extent:
                check_whole(sound.extent, path)
            yield sound


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """Yield an open file without buffer; SedlabError if it is missing, no plain file, or cannot be read."""
    try:
        path = on_disk(path)
        if not stat.S_ISREG(path.stat().st_mode):
            raise SedlabError(f"{path}: is no file but a folder, pipe or device. Give a sound file.")
        with path.open("rb", buffering=0) as file:
            yield file
    except (FileNotFoundError, ValueError):
        raise SedlabError(f"{path}: no such sound file. Correct its name.") from None
    except OSError as error:
        raise SedlabError(f"{path}: cannot be read ({error.strerror}). Check its permissions and disk.") from None


def check_sample_rate(rate: int, where: object) -> None:
    """Raise SedlabError for a sample rate that no recording has."""
    lowest, highest = SAMPLE_RATES
    if not lowest <= rate <= highest:
        raise SedlabError(
            f"{where}: has a sample rate of {rate} Hz, outside of {lowest} to {highest} Hz. "
            "Save it again with the rate it was recorded with."
        )


def check_whole(extent: Extent, path: Path) -> None:
    """Raise SedlabError for a file of which sound is missing."""
    if extent.broken_off:
        raise SedlabError(f"{path}: truncated, {extent.present} of {extent.claimed} bytes of audio are there. {REMEDY}")


class OpenSound:
    """A sound file that is open for decoding, from end to end and once."""

    def __init__(self, path: Path, file: BinaryIO, *, quiet: bool):
        self.path, self._file = path, file
        self._size = os.fstat(file.fileno()).st_size
        self._head = file.read(_HEAD_BYTES)
        if not self._head:
            raise SedlabError(f"{path}: is empty (0 bytes). {REMEDY}")
        self._broken_off = False
        self.num_decoded = 0
        self.extent = self._extent()
        if self.extent and self.extent.frame_bytes:
            check_sample_rate(self.extent.sample_rate, path)
        start, self._mp3 = mp3_start(file)
        self._silent = silent_stderr if quiet and self._mp3 else nullcontext
        # Of an MP3 file that does not say its length, libsndfile reads all when it sees neither the size nor a tag.
        hidden = start if self._mp3 and not says_mp3_length(self._mp3) else None
        self._data = DataView(file, self.extent.mended if self.extent else {}, hidden)
        self.decoder = self._open()
        check_sample_rate(self.decoder.samplerate, path)
        self.sample_rate: int = self.decoder.samplerate
        believable = self.decoder.frames < _MOST_FRAMES_A_BYTE * self._size
        self.num_frames: int | None = self.decoder.frames if believable else None
        """As the header says; None where it does not."""

    def blocks(self, seconds: int = 10) -> Iterator[np.ndarray]:
        """Yield the samples (frames, channels) float32, so many seconds at once.

        Raises
        ------
        SedlabError
            For a file that is damaged, or holds samples that are not finite.
        """
        most = max(1, min(seconds * self.sample_rate, _BLOCK_SAMPLES // self.decoder.channels))
        while len(samples := self._read(self._expected(most))):
            if not self._is_whole_numbers and not np.isfinite(samples).all():
                raise SedlabError(f"{self.path}: holds samples that are not finite numbers. {REMEDY}")
            self.num_decoded += len(samples)
            yield samples
        if self.decoder.format == "MP3":
            self._check_mp3_was_read()

    def _expected(self, most: int) -> int:
        """Return how many frames to read next: room for all of a clip, and little to find that nothing follows it."""
        left = most if self.num_frames is None else self.num_frames - self.num_decoded
        return min(most, max(left, 4096))

    def empty(self) -> SedlabError:
        """Return the error for a file in which no samples were found."""
        found = "truncated, it ends before its audio begins" if self._broken_off else "holds no samples"
        return SedlabError(f"{self.path}: {found}. {REMEDY}")

    def note(self) -> str:
        """Return in a sentence what is odd about the length, once all is decoded; empty if it is as the header says."""
        found = self.num_decoded / self.sample_rate
        if self.decoder.format == "OGG":
            odd = "" if is_whole_ogg(self._file) else "its end is missing"
        elif (claimed := self._claimed_seconds(found)) is None:
            odd = "its header does not say how long it is"
        else:
            slack = 0.5 / self.sample_rate if self.extent else _COMPRESSED_SLACK
            odd = f"its header claims {claimed:.7g} s" if abs(claimed - found) > slack else ""
        return f"{self.path}: {odd}; the {found:.7g} s found are read." if odd else ""

    def _claimed_seconds(self, found: float) -> float | None:
        """Return how long the header says the file is; None where it does not."""
        if self.extent is None:
            return None if self.num_frames is None else self.num_frames / self.sample_rate
        claimed, present = self.extent.claimed, self.extent.present
        return found * claimed / present if claimed is not None and present else None

    def _extent(self) -> Extent | None:
        self._file.seek(0)
        try:
            return sound_extent(self._file)
        except EOFError:
            # libsndfile has the last word: some files have chunks that only it finds.
            self._broken_off = True
            return None

    def _open(self) -> SoundFile:
        import soundfile

        class SequentialFile(soundfile.SoundFile):
            def seekable(self) -> bool:
                # soundfile seeks to where it is after each read, and MP3 decoding does not survive that to the digit.
                return False

            def flush(self) -> None:
                # Nothing was written; closing would wait for the disk all the same.
                pass

        self._data.seek(0)
        try:
            with self._silent():
                return SequentialFile(self._data if self._data.needed else self._file.fileno(), closefd=False)
        except RuntimeError as error:
            raise self._unreadable(error) from None

    def _read(self, frames: int) -> np.ndarray:
        out = np.full((frames, self.decoder.channels), np.nan, dtype=np.float32) if self.num_frames is None else None
        try:
            with self._silent():
                samples = self._decoded(frames, out)
        except RuntimeError as error:
            if out is None or self._file.tell() < self._size:
                raise self._unreadable(error) from None
            # A recorder was killed: it had not written the length, and the last frame ends half-way.
            samples = out[: int(np.argmax(np.append(np.isnan(out).any(axis=1), True)))]
        if self._data.error:
            raise SedlabError(f"{self.path}: cannot be read ({self._data.error.strerror}). Check its disk.")
        return samples

    @property
    def _is_whole_numbers(self) -> bool:
        return self.decoder.subtype in ("PCM_16", "PCM_24", "PCM_32", "PCM_S8", "PCM_U8")

    def _decoded(self, frames: int, out: np.ndarray | None) -> np.ndarray:
        if out is not None or self.decoder.subtype != "PCM_16":
            return self.decoder.read(frames, dtype="float32", always_2d=True, out=out)
        # The same numbers in a tenth of the time that libsndfile takes to scale them.
        samples = self.decoder.read(frames, dtype="int16", always_2d=True)
        return np.multiply(samples, np.float32(1 / FULL_SCALE), dtype=np.float32)

    def _unreadable(self, error: RuntimeError) -> SedlabError:
        # soundfile's errors are RuntimeErrors that repeat the path; the part that says why is in error_string.
        reason = (getattr(error, "error_string", "") or str(error)).strip().removeprefix("Error : ").rstrip(".")
        if self._mp3 and not self.num_decoded:
            reason = "its first MP3 frame is not whole"
        if remedy := foreign_remedy(self._head, self.path):
            return SedlabError(f"{self.path}: {remedy}")
        if self._broken_off:
            return self.empty()
        known = self.extent and not self.extent.frame_bytes and not self.num_decoded and "SF_INFO" not in reason
        if self._size > 2 * _HEAD_BYTES and (known or re.search("unimplemented|unsupported|unknown", reason)):
            return SedlabError(f"{self.path}: coded in a way libsndfile does not read ({reason}). {convert(self.path)}")
        if self.num_decoded:
            reason += f", after {self.num_decoded / self.sample_rate:.4g} s"
        return SedlabError(f"{self.path}: not a readable sound file ({reason}). {REMEDY}")

    def _check_mp3_was_read(self) -> None:
        """Refuse an MP3 file of which a part was read only, as its header does not count all of its frames."""
        read = self._file.tell()
        if read < 0.9 * self._size and mp3_sound_follows(self._file.read()):
            raise SedlabError(
                f"{self.path}: only {read} of {self._size} bytes could be decoded, more sound follows. "
                f"{convert(self.path)}"
            )
