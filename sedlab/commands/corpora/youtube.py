"""`sedlab data CORPUS youtube`: the clips of videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from sedlab.commands.output import format_seconds, progress_bar, resumable, say, table_console, warn
from sedlab.errors import SedlabError, count_of

if TYPE_CHECKING:
    from sedlab.data.acquisition.youtube import ClipOutcome, ClipPlan

#: What helps against reasons that are not the video's.
HINTS = {
    "age": "age: give --cookies-from-browser of a browser that is signed in as an adult.",
    "geo": "geo: YouTube shows these elsewhere; a colleague in another country, or the organisers, may have them.",
    "network": "network: tried again by the same command.",
    "no_format": 'no_format: yt-dlp could not read the player; pip install -U "yt-dlp[default,deno]" and try again.',
    "other": "other: see the messages; a newer yt-dlp may help (pip install -U yt-dlp).",
}


def youtube(
    context: typer.Context,
    root: Annotated[Path, typer.Option(help="Folder of the corpora.")] = Path("data/dcase"),
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME", help="Only this set, such as devtest; repeat. Default: all."),
    ] = None,
    cookies: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="cookies.txt of a signed-in browser."),
    ] = None,
    cookies_from_browser: Annotated[
        str, typer.Option(metavar="BROWSER", help="firefox, chrome, ...; BROWSER:PROFILE for one of its profiles.")
    ] = "",
    workers: Annotated[int, typer.Option(min=1, max=16, help="Clips at the same time.")] = 2,
    sleep: Annotated[float, typer.Option(min=0, help="Seconds between two requests, all workers together.")] = 2.0,
    limit_rate: Annotated[
        int | None, typer.Option(min=10, metavar="KB/S", help="Bandwidth; then whole sounds are fetched and cut.")
    ] = None,
    retries: Annotated[int, typer.Option(min=0, help="Of a clip whose connection failed.")] = 2,
    retry: Annotated[bool, typer.Option("--retry", help="Ask again for clips that were found to be gone.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N clips a set, for now.")] = None,
    ffmpeg: Annotated[Path | None, typer.Option(help="The program, if it is not on the path.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many clips are wanted.")] = False,
) -> None:
    """Download the clips that are parts of YouTube videos, by yt-dlp; those already there are left alone.

    Stopped (Ctrl-C) or interrupted, the same command goes on. Why a clip cannot be had: ROOT/missing/<set>.tsv.

    Example: sedlab data CORPUS youtube --cookies-from-browser firefox
    """
    from sedlab.data.acquisition.cutting import find_ffmpeg
    from sedlab.data.acquisition.wanted import sets_of
    from sedlab.data.acquisition.youtube import Pace, fetch_clips, plan_clips
    from sedlab.data.acquisition.ytdlp import YtDlp

    corpus = context.parent.info_name if context.parent else ""
    signed_in = bool(cookies or cookies_from_browser)
    plans = [
        plan_clips(root, clip_set, retry=retry, signed_in=signed_in, limit=limit)
        for clip_set in sets_of(corpus or "", root, sets or ())
    ]
    console = table_console()
    _announce(plans, sleep, root)
    if dry_run or not any(plan.to_try for plan in plans):
        return
    rate = None if limit_rate is None else limit_rate * 1000 // workers
    source = YtDlp(find_ffmpeg(ffmpeg), cookies, cookies_from_browser, rate, retries)
    warn(source.check())
    pace = Pace(workers, sleep, retries + 1)
    outcomes: dict[str, ClipOutcome] = {}
    try:
        for plan in plans:
            with resumable(), progress_bar(console, plan.clip_set.name) as progress:
                outcomes[plan.clip_set.name] = fetch_clips(root, plan, source, pace=pace, progress=progress)
            if outcomes[plan.clip_set.name].blocked:
                break
    finally:
        _tell(outcomes, root, corpus or "")
    stopped = next((outcome.blocked for outcome in outcomes.values() if outcome.blocked), "")
    if stopped:
        raise SedlabError(
            f"YouTube refused {pace.blocked_limit} clips in a row ({stopped[:90]}), so this stopped. Wait some hours, "
            "then run the same command with --cookies-from-browser BROWSER (signed in to YouTube), --workers 1 and a "
            "longer --sleep: it goes on from here."
        )


def _announce(plans: list[ClipPlan], sleep: float, root: Path) -> None:
    """Say what there is to do, before hours are spent on it."""
    table = Table("set", "wanted", "here", "gone for good", "to ask for", title=f"Clips of videos under {root}")
    for plan in plans:
        counts = (plan.wanted, plan.wanted - len(plan.absent), plan.gone, len(plan.to_try))
        table.add_row(plan.clip_set.name, *(f"{count:,}" for count in counts))
    table_console().print(table)
    total = sum(len(plan.to_try) for plan in plans)
    if not total:
        say(table_console(), "Nothing to ask for.")
    else:
        least = format_seconds(total * sleep * 1.25)
        say(table_console(), f"{count_of(total, 'clip')} to ask for, one every {sleep:g} s or more: at least {least}.")
        say(table_console(), "The videos belong to those who put them up; YouTube's terms of service apply.")


def _tell(outcomes: dict[str, ClipOutcome], root: Path, corpus: str) -> None:
    from sedlab.data.acquisition.youtube import summary_rows

    if not outcomes:
        return
    columns, rows = summary_rows(outcomes)
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    console = table_console()
    console.print(table)
    reasons = {reason for outcome in outcomes.values() for reason in outcome.missing}
    for reason in sorted(reasons & HINTS.keys()):
        say(console, f"  {HINTS[reason]}")
    if reasons:
        say(console, f"Which, and what was said: {root / 'missing'}/<set>.tsv")
        if corpus == "desed":
            say(console, f"To ask the organisers for them: sedlab data desed missing --root {root}")
