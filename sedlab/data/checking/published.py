"""Which tables are the published ones, by their MD5."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sedlab.data.acquisition.records import CORPORA, records
from sedlab.data.checking.findings import NOTE, Findings
from sedlab.data.checking.sets import CheckedSet
from sedlab.data.corpora.layout import COMPARABLE
from sedlab.files import file_md5

PUBLISHED, OTHER = "published", "other version"


@cache
def published_md5() -> Mapping[str, str]:
    """Return the MD5 of each table of which the registry of published files knows one."""
    return {table: md5 for corpus in CORPORA for record in records(corpus) for table, md5 in record.md5.items()}


def table_version(root: Path, table: str | None) -> str:
    """Return "published", "other version", or "" for a table that is not there or of which no MD5 is known."""
    expected = published_md5().get(table or "")
    if expected is None or not (root / str(table)).is_file():
        return ""
    return PUBLISHED if file_md5(root / str(table)) == expected else OTHER


def check_versions(root: Path, each: CheckedSet, findings: Findings) -> None:
    """Report tables of about the published size that are not the published ones, to the byte."""
    expected, subset = each.subset.published_count, each.subset
    if not expected or len(each.clips) < COMPARABLE * expected or subset.name == "weak_val":
        return
    for table in (subset.table, subset.durations):
        if table_version(root, table) == OTHER:
            said = f"{table}: another version than the published one (MD5 {published_md5()[str(table)]})"
            remedy = "Nothing to do if you changed it; line ends and the order of rows count, too."
            findings.add(NOTE, each.name, "table", said, remedy, count=1)
