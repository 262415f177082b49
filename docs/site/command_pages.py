"""The reference of the command line, made from the commands themselves."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import click
import typer

from sedlab.cli import app

_EXAMPLE = re.compile(r"(?:^|(?<=\s))([A-Z][\w ]*): (?=sedlab )")
_HEAD = """# Command line

Every command with its options, as `--help` shows them. What they are for: [commands](../commands.md).
Exit status: 0 when it is done, 1 with one line that says what to do, 2 when the call is wrong.

"""


def reference() -> str:
    """Return the page, in Markdown."""
    return _HEAD + "\n".join(_described(name, command) for name, command in commands())


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command and group of commands with its full name: `sedlab data mini`."""
    yield from _within("sedlab", typer.main.get_command(app))


def _within(name: str, group: click.Command) -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        yield f"{name} {word}", command
        if hasattr(command, "commands"):
            yield from _within(f"{name} {word}", command)


def _described(name: str, command: click.Command) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    said, examples = _told(command.help or "")
    lines = [f"## {name}\n", said]
    if hasattr(command, "commands"):
        listed = [f"[{word}](#{f'{name} {word}'.replace(' ', '-')})" for word in command.commands]
        return "\n".join([*lines, examples, f"Commands: {', '.join(listed)}.\n"])
    lines += ["```text", " ".join([name, *command.collect_usage_pieces(context)]), "```\n", examples]
    arguments = [part for part in command.params if part.param_type_name == "argument"]
    for title, parts in (("argument", arguments), ("option", [p for p in command.params if p not in arguments])):
        rows = [_row(part, context) for part in parts if part.name != "help"]
        if rows:
            lines += [f"| {title} | meaning | default |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


def _row(part: click.Parameter, context: click.Context) -> str:
    record = part.get_help_record(context)
    names, said = record if record else (part.human_readable_name, "")
    said, _, extra = said.partition("  [")
    facts = [fact for fact in extra.rstrip("]").split("; ") if fact]
    default = next((fact.removeprefix("default: ") for fact in facts if fact.startswith("default: ")), "")
    others = [fact for fact in facts if not fact.startswith("default: ")]
    if "required" in others:
        default, others = "*required*", [fact for fact in others if fact != "required"]
    elif default:
        default = f"`{default}`"
    if range_ := " and ".join(f"`{fact}`" for fact in others):
        said = f"{said} ({range_})"
    cells = (f"`{names}`", _text(said), default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _told(text: str) -> tuple[str, str]:
    """Return what help says, in Markdown, and its examples as blocks."""
    said, shown = [], []
    for paragraph in text.split("\n\n"):
        before, *examples = _EXAMPLE.split(paragraph)
        if before.strip():
            said.append(_text(" ".join(before.split())))
        for title, command in zip(examples[::2], examples[1::2], strict=True):
            shown.append(f"{title}:\n```sh\n{' '.join(command.split())}\n```\n")
    return "\n\n".join(said) + "\n", "\n".join(shown)


def _text(said: str) -> str:
    """Return a sentence of help in Markdown: options as code, everything else as it is."""
    parts = re.split(r"(`[^`]*`|(?<![\w-])--[a-z][\w-]*|(?<!\w)[A-Z]{2,}_[A-Z_]+)", said)
    return "".join(
        (part if part.startswith("`") else f"`{part}`") if number % 2 else _plain(part)
        for number, part in enumerate(parts)
    )


def _plain(text: str) -> str:
    return re.sub(r"([*_\[\]{}\\])", r"\\\1", html.escape(text, quote=False))
