"""What the commands of `sedlab review` have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, such as runs/mini.")]
Reviewer = Annotated[str, typer.Option(metavar="NAME", help="Only this person's decisions. Default: everybody's.")]
