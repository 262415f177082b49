"""What Zenodo says of a record: the name, size, MD5 and address of its files, and the licence.

Both forms of its answer are understood: `files` as a list of `key`, `size`, `checksum` and `links` (the present API),
and `files.entries` as a mapping of names (that of InvenioRDM, on which it runs).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, NonNegativeInt

from sedlab.download import Patience, download
from sedlab.errors import SedlabError
from sedlab.files import write_json

#: Fewer attempts than for a file: without a connection every record would wait.
_PATIENCE = Patience(attempts=3)
API = "https://zenodo.org/api/records"


class ZenodoFile(BaseModel):
    """One file of a record."""

    size: NonNegativeInt | None = None
    """bytes"""
    md5: str = ""
    url: str


class ZenodoRecord(BaseModel):
    """What is remembered of a record."""

    record: int
    title: str = ""
    licence: str = ""
    """As Zenodo names it, such as cc-by-4.0; empty if it says none."""
    files: dict[str, ZenodoFile]


def ask_zenodo(record: int, address: str, folder: Path, patience: Patience | None = None) -> ZenodoRecord:
    """Return what the API at ``address`` says of a record; the answer stays in ``folder``.

    Raises
    ------
    SedlabError
        When there is no answer, or one that names no files.
    """
    path = folder / f"zenodo-{record}.answer.json"
    path.unlink(missing_ok=True)  # what it said earlier may be outdated
    download(address, path, reserve_bytes=0, patience=patience or _PATIENCE)
    try:
        answer = json.loads(path.read_bytes())
        found = ZenodoRecord(
            record=record,
            title=str(_inside(answer, "metadata", "title") or ""),
            licence=_licence(answer.get("metadata") or {}),
            files=_files(answer, record),
        )
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise SedlabError(
            f"{address}: the answer is not that of Zenodo's records ({type(error).__name__}). Try again later; what "
            "you have already can be given with --mirror FOLDER."
        ) from None
    finally:
        path.unlink(missing_ok=True)
    if not found.files:
        raise SedlabError(
            f"{address}: Zenodo names no files of record {record}; access may be restricted. See "
            f"https://zenodo.org/records/{record}, and give what you have with --mirror FOLDER."
        )
    write_json(folder / f"zenodo-{record}.json", found)
    return found


def remembered(record: int, folder: Path) -> ZenodoRecord | None:
    """Return what Zenodo said of a record when it was last asked, None if it never was."""
    try:
        return ZenodoRecord.model_validate_json((folder / f"zenodo-{record}.json").read_bytes())
    except (OSError, ValueError):
        return None


def _files(answer: dict[str, Any], record: int) -> dict[str, ZenodoFile]:
    listed = answer.get("files") or []
    if isinstance(listed, dict):
        entries = listed.get("entries") or {}
        listed = [{"key": key} | entry for key, entry in entries.items()] if isinstance(entries, dict) else entries
    files = {}
    for entry in listed:
        name = str(entry.get("key") or entry.get("filename"))
        links = entry.get("links") or {}
        # `links.self` of InvenioRDM describes the file; its bytes are under `links.content`.
        url = links.get("content") or links.get("download") or links.get("self")
        checksum = re.fullmatch("(?:md5:)?([0-9a-f]{32})", str(entry.get("checksum", "")).lower())
        files[name] = ZenodoFile(
            size=entry.get("size", entry.get("filesize")),
            md5=checksum[1] if checksum else "",
            url=url or f"https://zenodo.org/records/{record}/files/{name}",
        )
    return files


def _licence(metadata: dict[str, Any]) -> str:
    licence = metadata.get("license") or metadata.get("rights") or ""
    licence = licence[0] if isinstance(licence, list) and licence else licence
    return str(licence.get("id") or "") if isinstance(licence, dict) else str(licence or "")


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
