"""Which files of a folder are sound files: those with a suffix of a format that libsndfile reads."""

from __future__ import annotations

#: By the names of `soundfile.available_formats`. Not here: headerless samples (RAW), a format of two files (SD2), and
#: MATLAB's files (MAT4, MAT5), which seldom hold sound. A file that is named itself is read whatever its suffix.
FORMAT_SUFFIXES: dict[str, tuple[str, ...]] = {
    "WAV": (".wav", ".wave", ".bwf"),
    "WAVEX": (".wav",),
    "RF64": (".rf64",),
    "W64": (".w64",),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3", ".mp2"),
    "AIFF": (".aiff", ".aif", ".aifc"),
    "AU": (".au", ".snd"),
    "CAF": (".caf",),
    "NIST": (".sph", ".nist"),
    "VOC": (".voc",),
    "SVX": (".8svx", ".svx", ".iff"),
    "IRCAM": (".sf", ".ircam"),
    "PAF": (".paf",),
    "PVF": (".pvf",),
    "AVR": (".avr",),
    "HTK": (".htk",),
    "SDS": (".sds",),
    "WVE": (".wve",),
    "XI": (".xi",),
    "MPC2K": (".mpc2k",),
}

AUDIO_SUFFIXES: tuple[str, ...] = tuple(dict.fromkeys(s for suffixes in FORMAT_SUFFIXES.values() for s in suffixes))


def is_audio_name(name: str) -> bool:
    """Return whether a file of this name is a sound file, by its suffix in upper or lower case.

    Names that begin with a dot are what file managers and killed programs leave behind, such as the "._a.wav" of macOS.
    """
    return name.lower().endswith(AUDIO_SUFFIXES) and not name.startswith(".")
