"""What was published of each corpus (`records.yaml`): where it is, on which terms, and what becomes of it here.

Sizes and checksums of Zenodo's files are not written down but asked for when they are downloaded (`zenodo.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sedlab.errors import SedlabError, nearest

CORPORA: tuple[str, ...] = ("desed", "maestro", "audioset")
#: Where a licence is not known here.
SEE_PAGE = "see the page"


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Destination(_Facts):
    """Which files of an archive go where."""

    to: str
    """Folder under the data root."""
    under: str = ""
    """The folder of the archive they are in, wherever that is: what is above it does not matter. Empty: all."""
    only: str = "*"
    """Pattern of the file name."""
    flat: bool = False
    """Leave out the folders between."""
    strip: str = ""
    """Beginning of the file name to leave out."""
    optional: bool = False
    """The archive may have none."""

    def target(self, parts: tuple[str, ...]) -> str | None:
        """Return the path under the data root of the archive's file ``parts``, None if it does not belong here."""
        name = parts[-1]
        if not fnmatchcase(name, self.only):
            return None
        above, wanted = parts[:-1], tuple(filter(None, self.under.split("/")))
        begins = (k for k in range(len(above) - len(wanted) + 1) if above[k : k + len(wanted)] == wanted)
        begin = next(begins, None)
        if begin is None:
            return None
        between = () if self.flat else above[begin + len(wanted) :]
        return "/".join((self.to, *between, name.removeprefix(self.strip)))


class PublishedFile(_Facts):
    """One published file: an archive with the places of what it holds, or a file that goes ``to`` a folder."""

    file: str
    to: str = ""
    rename: str = Field(default="", alias="as")
    """What the file is called there; as published unless given."""
    places: tuple[Destination, ...] = ()
    fills: tuple[str, ...] = ()
    """Subsets of the layout whose clips it brings: where all of them are there, from elsewhere, it need not come."""
    made: str = ""
    """What `prepare` makes of it, under the data root: where that is there, the file itself may be gone."""

    @model_validator(mode="after")
    def _goes_somewhere(self) -> PublishedFile:
        if bool(self.to) == bool(self.places):
            raise ValueError("give either `to` or `places`")
        return self

    @property
    def target(self) -> str:
        """Path under the data root of a file that is no archive; empty for an archive."""
        return f"{self.to}/{self.rename or self.file}" if self.to else ""

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders under the data root that it fills."""
        return (self.to,) if self.to else tuple(dict.fromkeys(place.to for place in self.places))


class PublishedRecord(_Facts):
    """Files that were published together: what `--only NAME` means."""

    corpus: str
    name: str
    what: str
    files: tuple[PublishedFile, ...]
    zenodo: int | None = None
    """Number of the Zenodo record, which knows names, sizes, checksums and licence."""
    url: str = ""
    """Folder of the files on another host."""
    page: str = ""
    """For people."""
    licence: str = SEE_PAGE
    terms: str = ""
    by_hand: str = ""
    """Why it cannot be downloaded, and what to do instead."""
    md5: dict[str, str] = {}
    """Of files that it becomes: another one is a warning."""

    @model_validator(mode="after")
    def _has_an_address(self) -> PublishedRecord:
        if [bool(self.zenodo), bool(self.url), bool(self.by_hand)].count(True) != 1:
            raise ValueError(f"{self.name}: give one of zenodo, url and by_hand")
        return self

    @property
    def address(self) -> str:
        """The page that describes it."""
        return self.page or f"https://zenodo.org/records/{self.zenodo}"


@cache
def records(corpus: str) -> tuple[PublishedRecord, ...]:
    """Return what was published of a corpus, in the order of the registry."""
    import yaml

    text = resources.files(__package__).joinpath("records.yaml").read_text(encoding="utf-8")
    return tuple(PublishedRecord(corpus=corpus, **row) for row in yaml.safe_load(text)[corpus])


def select(corpus: str, names: Iterable[str] = ()) -> tuple[PublishedRecord, ...]:
    """Return the records of a corpus that ``names`` (of records or files) stand for, all without names.

    Raises
    ------
    SedlabError
        When nothing of a name was published.
    """
    every = records(corpus)
    chosen = []
    for name in names:
        found = [one for one in every if name == one.name or name in (file.file for file in one.files)]
        if not found:
            known = [one.name for one in every]
            raise SedlabError(
                f"--only {name}: {corpus} has nothing of this name.{nearest(name, known)} It has {', '.join(known)}."
            )
        # Of a single file only that file.
        chosen += [one if name == one.name else one.model_copy(update={"files": (_file(one, name),)}) for one in found]
    return tuple(chosen) if chosen else every


def _file(record: PublishedRecord, name: str) -> PublishedFile:
    return next(file for file in record.files if file.file == name)
