"""Clips found and expected, set by set, and the files themselves: formats, lengths, damage, and what nobody names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sedlab.data.checking.findings import ERROR, NOTE, WARNING, Findings
from sedlab.data.checking.sets import CheckedSet
from sedlab.data.corpora.audioset import audio_spellings
from sedlab.data.corpora.layout import COMPARABLE
from sedlab.data.corpora.reading import stored_stems
from sedlab.errors import count_of
from sedlab.grid import CLIP_SECONDS, SAMPLE_RATE

#: Seconds by which a clip of 10 s may be longer, as cut by programs that count frames of a codec.
LONGER = 0.05
#: Shorter clips than this hold hardly anything to learn from.
SHORT = 1.0

_ORDER = ("subset", "group", "split", "labels", "found", "named", "published", "left_out", "seconds", "audio", "state")
_AGAIN = "Get them again: delete them, then {command}"


def join_files(each: CheckedSet, files: pd.DataFrame, root: Path) -> tuple[CheckedSet, pd.DataFrame]:
    """Return the set with all its clips, and its files: those of ``files`` in its folder, with column clip_id.

    clip_id is "" for a file that the set does not name. Of two files of one name WAV is read, as everywhere.
    """
    if each.folder is None:
        return each, files.iloc[:0].assign(clip_id="")
    own = files[files["folder"] == each.folder.relative_to(root).as_posix()]
    first = own.sort_values("file", key=lambda names: ~names.str.lower().str.endswith(".wav"), kind="stable")
    first = first.drop_duplicates("stem")
    if each.subset.table is None:
        each = replace(each, clips=tuple(sorted(first["stem"])))
    by_stem = {stem: clip for clip, stem in _stored(each, set(first["stem"])).items() if stem}
    clip_ids = own["stem"].map(by_stem).fillna("").where(own.index.isin(first.index), "")
    return each, own.assign(clip_id=clip_ids)


def set_row(each: CheckedSet, own: pd.DataFrame) -> dict[str, object]:
    """Return the numbers of a set: a row of the table of sets."""
    subset = each.subset
    named = own[own["clip_id"] != ""]
    left_out = sum(map(each.excludes, named["clip_id"])) if subset.split == "train" else 0
    state = ""
    if not each.is_there:
        lacking = [
            what for what, there in (("audio", each.folder), ("table", each.has_table or not subset.table)) if not there
        ]
        state = "not there" if len(lacking) == 2 or subset.table is None else f"no {lacking[0]}"
    values = (
        subset.name,
        subset.group,
        subset.split,
        subset.label_kind,
        len(named),
        len(each.clips),
        subset.published_count,
        left_out,
        round(float(named["duration"].sum()), 1),
        "" if each.folder is None else str(own["folder"].iloc[0]) if len(own) else subset.audio,
        state,
    )
    return dict(zip(_ORDER, values, strict=True))


def check_counts(
    each: CheckedSet, own: pd.DataFrame, findings: Findings, *, published: bool, shared: bool, how: str
) -> None:
    """Report missing clips, and sets of another size than the published one if ``published`` is to be compared with.

    ``shared``: whether another set that is there keeps its audio in the same folder. ``how`` gets the rest.
    """
    subset, total = each.subset, len(each.clips)
    if each.folder is None and not each.has_table:
        return
    if not each.is_there:
        there, lacking = (subset.table, subset.audio) if each.folder is None else (subset.audio, subset.table)
        if each.folder is None or not shared:
            said = f"{there} is there, but not {lacking}: the set is left out"
            findings.add(WARNING, each.name, "half a set", said, how, count=1)
        return
    if subset.table and not total:
        return  # a split of few clips may leave none; tables that cannot be read are told of as such
    found = set(own.loc[own["clip_id"] != "", "clip_id"])
    missing = [clip for clip in each.clips if clip not in found]
    if not found:
        said = f"the audio of 0 of {total:,} clips is there" if total else f"{subset.audio} holds no clips"
        findings.add(ERROR, each.name, "no clips", said, how, examples=missing, count=max(total, 1))
        return
    if missing:
        scores = "; scores are not comparable with published ones" if subset.split == "test" else ""
        said = f"the audio of {len(found):,} of {total:,} clips is there{scores}"
        findings.add(WARNING, each.name, "missing clips", said, how, examples=missing)
    expected = subset.published_count
    if published and expected and total != expected and total > COMPARABLE * expected:
        said = f"its table names {total:,} clips" if subset.table else f"its folder holds {total:,} clips"
        said += f", the published set has {expected:,}"
        remedy = how if total < expected else "Take out what does not belong to it."
        findings.add(WARNING, each.name, "another size", said, remedy, count=abs(total - expected))


def check_files(each: CheckedSet, own: pd.DataFrame, findings: Findings, command: str) -> None:
    """Report what the headers of a set's own clips say: damage, rates, channels, lengths."""
    clips, name = own[own["clip_id"] != ""], each.name
    again = _AGAIN.format(command=command) if command else "Copy these files again, or take them out of the table."
    for problem, said in (
        ("empty", "files without a sample"),
        ("truncated", "files that were broken off: sound is missing at the end"),
        ("unreadable", "files that are not readable as sound"),
    ):
        bad = clips[clips["problem"] == problem]
        findings.add(ERROR, name, problem, said, again, examples=bad["file"])
    good = clips[clips["problem"] == ""]
    if good.empty:
        return
    _check_rates(each, good, findings)
    stereo = good[good["channels"] > 1]
    said = f"{count_of(len(stereo), 'clip has', 'clips have')} more than one channel; their mean is used"
    findings.add(NOTE, name, "channels", said, "Nothing to do.", examples=stereo["file"], clips=stereo["clip_id"])
    if each.subset.family == "maestro":
        return  # windows have lengths of their own
    long = good[good["duration"] > CLIP_SECONDS + LONGER].sort_values("duration", ascending=False)
    said = f"longer than {CLIP_SECONDS:g} s: training takes 10 s at random, scores are of the first 10 s"
    findings.add(
        NOTE, name, "long", said, "Nothing to do, or cut them.", examples=_with_seconds(long), clips=long["clip_id"]
    )
    short = good[good["duration"] < SHORT].sort_values("duration")
    said = f"shorter than {SHORT:g} s: little more than silence is trained on"
    findings.add(WARNING, name, "short", said, again, examples=_with_seconds(short), clips=short["clip_id"])
    cut = good[good["duration"].between(SHORT, CLIP_SECONDS - LONGER, inclusive="left")].sort_values("duration")
    said = f"shorter than {CLIP_SECONDS:g} s: silence is added"
    findings.add(NOTE, name, "shorter", said, "Nothing to do.", examples=_with_seconds(cut), clips=cut["clip_id"])


def check_strays(folder: str, files: pd.DataFrame, owners: Mapping[str, set[str]], findings: Findings) -> None:
    """Report files of a folder that no set names, damaged ones among them, and names that occur twice.

    ``owners`` are the sets that have their audio there, with the file names that each knows.
    """
    sets, known = ", ".join(owners), set().union(*owners.values())
    twins = files[files.duplicated("stem", keep=False)]
    said = f"{folder}: files of one name and several formats; WAV is read"
    findings.add(WARNING, sets, "twice", said, "Delete those you do not mean.", examples=twins["file"])
    strays = files[~files["file"].isin(known) & ~files["file"].isin(twins["file"])]
    said = f"{folder}: files that no table names; nothing reads them"
    findings.add(NOTE, sets, "not named", said, "Nothing to do, or delete them.", examples=strays["file"])


def _check_rates(each: CheckedSet, good: pd.DataFrame, findings: Findings) -> None:
    rates = good["sample_rate"].value_counts()
    told = ", ".join(f"{count:,} at {rate:,} Hz" for rate, count in rates.items())
    other = good[good["sample_rate"] != SAMPLE_RATE]
    prepare = f"sedlab data {each.subset.family} prepare" if each.subset.family != "own" else "Import the corpus again."
    if str(good["folder"].iloc[0]).endswith("_16k") and len(other):
        said = f"its folder ends in _16k, but not all clips have 16,000 Hz ({told}); sedlab resamples, others stop"
        findings.add(WARNING, each.name, "sample rate", said, prepare, examples=other["file"])
    elif len(rates) > 1:
        said = f"sample rates are mixed ({told}); all are resampled to 16,000 Hz"
        findings.add(NOTE, each.name, "sample rate", said, "Nothing to do.", examples=other["file"])


def _with_seconds(clips: pd.DataFrame) -> list[str]:
    return [f"{row.file} ({row.duration:.3g} s)" for row in clips.itertuples()]


def _stored(each: CheckedSet, present: Collection[str]) -> dict[str, str]:
    """Return under which of ``present`` each clip of a set is stored, as its reader finds it; "" for none."""
    if each.subset.family == "audioset":
        return {clip: next((name for name in audio_spellings(clip) if name in present), "") for clip in each.clips}
    clips = pd.Series(each.clips, dtype=str)
    stems = stored_stems(clips, present) if present and len(clips) else clips
    return {clip: stem if stem in present else "" for clip, stem in zip(clips, stems, strict=True)}
