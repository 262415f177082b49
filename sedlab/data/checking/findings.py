"""What a check says: findings, how grave each is, and which clips or lines of tables show it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sedlab.errors import printable

ERROR, WARNING, NOTE = "error", "warning", "note"
#: The gravest first. An error: training or scores would be wrong. A warning: other than with the published set, or
#: worth a look. A note: for your information.
SEVERITIES = (ERROR, WARNING, NOTE)
#: How many clips or lines a finding names.
NUM_EXAMPLES = 5

#: A command in a remedy that would work under the usual root.
_COMMAND = re.compile(
    r"sedlab data (?:import FOLDER --labels FILE|[a-z]+ (?:download|youtube|prepare|exclude)(?: --only [a-z]+)?)(?! --)"
)

COLUMNS = ("severity", "set", "kind", "count", "finding", "examples", "remedy")


@dataclass(frozen=True)
class Finding:
    """One kind of fault in one set."""

    severity: str
    subset: str
    kind: str
    """A stable word for what was found, such as "truncated"."""
    count: int
    said: str
    """What was found, in a line."""
    examples: tuple[str, ...]
    """The first few: clips, or files with lines."""
    remedy: str
    """What to do about it, in a line."""
    clips: tuple[str, ...] = ()
    """The first few clips to look at, by clip id."""


@dataclass
class Findings:
    """Findings as they are gathered; the commands in their remedies are those for this root."""

    root: Path
    found: list[Finding] = field(default_factory=list)

    def add(
        self,
        severity: str,
        subset: str,
        kind: str,
        said: str,
        remedy: str,
        *,
        examples: Iterable[object] = (),
        count: int | None = None,
        clips: Iterable[str] = (),
    ) -> None:
        """Add one, unless it counts nothing.

        ``count`` None: as many as there are ``examples``; ``clips``: those to look at.
        """
        remedy = _COMMAND.sub(lambda command: f"{command[0]} --root {shlex.quote(str(self.root))}", remedy)
        shown = [printable(str(example)) for example in examples]
        number = len(shown) if count is None else count
        if number:
            first = tuple(dict.fromkeys(clips))[:NUM_EXAMPLES]
            self.found.append(
                Finding(severity, subset, kind, number, printable(said), tuple(shown[:NUM_EXAMPLES]), remedy, first)
            )

    def sorted(self) -> tuple[Finding, ...]:
        """Return them, the gravest first."""
        return tuple(sorted(self.found, key=lambda finding: SEVERITIES.index(finding.severity)))


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return a row a finding: severity, set, kind, count, finding, examples (a text), remedy."""
    rows = [(f.severity, f.subset, f.kind, f.count, f.said, ", ".join(f.examples), f.remedy) for f in findings]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"count": int})
