"""Documents link to files of the repository, as the forge shows it; on the site these are pages, or only names."""

from __future__ import annotations

import posixpath
import re
from functools import cache, partial
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
#: Documents outside of docs/ that are pages of the site.
_INCLUDED = {"data/README.md": "data.md", "benchmarks/README.md": "benchmarks.md", "CHANGELOG.md": "changelog.md"}
#: A fenced block; to split a document into running text, at even places, and blocks.
BLOCK = re.compile(r"(^ *`{3,}.*?^ *`{3,} *$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_OUTSIDE = re.compile(r"[a-z]+:|/|#")


@cache
def elsewhere() -> dict[str, str]:
    """Return which file of the repository, outside of docs/, is which page."""
    notebooks = {f"notebooks/{path.name}": f"notebooks/{path.stem}.md" for path in CHECKOUT.glob("notebooks/*.ipynb")}
    return _INCLUDED | dict(sorted(notebooks.items()))


def for_the_site(markdown: str, uri: str, repo_url: str | None) -> str:
    """Return a page with its links to files of the repository as links to pages.

    A file that is no page becomes a link to ``repo_url``, or its name where there is none.
    """
    homes = {page: path for path, page in elsewhere().items()}
    here = posixpath.dirname(homes.get(uri, f"docs/{uri}"))

    def replaced(text: str, link: re.Match[str]) -> str:
        if _in_code(text, link) or _OUTSIDE.match(link["target"]):
            return link[0]
        path = posixpath.normpath(posixpath.join(here, link["target"]))
        anchor = link["anchor"] or ""
        page = _page_of(path)
        if page is not None:
            target = posixpath.relpath(page, posixpath.dirname(uri) or ".")
            return f"{link['picture']}[{link['text']}]({target}{anchor})"
        if not (CHECKOUT / path).exists():
            return link[0]  # MkDocs says so
        if repo_url:
            return f"[{link['text']}]({repo_url.rstrip('/')}/blob/main/{path}{anchor})"
        return link["text"] if path in link["text"] else f"{link['text']} (`{path}`)"

    return "".join(
        part if number % 2 else _LINK.sub(partial(replaced, part), part)
        for number, part in enumerate(BLOCK.split(markdown))
    )


def _page_of(path: str) -> str | None:
    if path in elsewhere():
        return elsewhere()[path]
    if path == "README.md":
        return "index.md"
    return path.removeprefix("docs/") if path.startswith("docs/") and (CHECKOUT / path).is_file() else None


def _in_code(text: str, link: re.Match[str]) -> bool:
    """Return whether a link stands between backticks; those within its own text do not count."""
    line = text[text.rfind("\n", 0, link.start()) + 1 : link.start()]
    return line.count("`") % 2 == 1
