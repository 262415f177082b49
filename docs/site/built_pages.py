"""What is wrong with a built site: links, anchors, pictures that are not there; anything from another machine."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: What a browser fetches without being asked, by element.
_FETCHED = {
    "img": "src",
    "script": "src",
    "iframe": "src",
    "audio": "src",
    "video": "src",
    "source": "src",
    "embed": "src",
    "object": "data",
}
_LOADED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "modulepreload", "dns-prefetch", "manifest"}
_IN_STYLE = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\s\"')]+)")


class _Page(HTMLParser):
    """The anchors of a page, what it links to and what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.faults: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name, value in attrs if name in ("id", "name") and value}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "link" and _LOADED_LINKS & set((given.get("rel") or "").split()):
            self.fetched.append(given["href"] or "")
        if given.get(_FETCHED.get(tag, "")):
            self.fetched.append(given[_FETCHED[tag]])
        if tag == "img" and "alt" not in given:
            self.faults.append("a picture without a text for those who do not see it")
        if given.get("style"):
            self.fetched += _IN_STYLE.findall(given["style"])


def problems(site: Path) -> list[str]:
    """Return what is wrong, a line each, first the page it stands on."""
    texts = {path.relative_to(site): path.read_text(encoding="utf-8") for path in sorted(site.rglob("*.html"))}
    pages = {path: _Page(text) for path, text in texts.items()}
    found = []
    for path, page in pages.items():
        found += [f"{path}: {fault}" for fault in dict.fromkeys(page.faults)]
        # 404.html is shown at any address, so its own are from the root.
        for target in dict.fromkeys(page.fetched + page.links if path.name != "404.html" else ()):
            if fault := _fault(target, path, site, pages, fetched=target in page.fetched):
                found.append(f"{path}: {fault}")
        found += [f"{path}: style from {address}" for address in _IN_STYLE.findall(_styles(texts[path]))]
    for path in sorted(site.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(site)}: style from {address}" for address in _IN_STYLE.findall(text)]
    return found


def _fault(target: str, path: Path, site: Path, pages: dict[Path, _Page], *, fetched: bool) -> str:
    parts = urlsplit(target)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        return f"fetches {target} from another machine" if fetched else ""
    there = (path.parent / unquote(parts.path)) if parts.path else path
    file = Path(*_normal(there.parts))
    if (site / file).is_dir():
        file = file / "index.html"
    if not (site / file).is_file():
        return f"{target} leads nowhere"
    if parts.fragment and file in pages and unquote(parts.fragment) not in pages[file].anchors:
        return f"{target}: no such place on that page"
    return ""


def _normal(parts: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    for part in parts:
        if part == ".." and kept:
            kept.pop()
        elif part != ".":
            kept.append(part)
    return kept


def _styles(text: str) -> str:
    return "\n".join(re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL))
