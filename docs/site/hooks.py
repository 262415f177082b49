"""What MkDocs asks while it builds the site: pages that are made, links that lead out of docs/, formulas.

The notebooks are shown as `make_site.py` has executed them; without it (`mkdocs serve -f docs/site/mkdocs.yml`) as they
were executed last, or as they are committed, without pictures.
"""

from __future__ import annotations

import command_pages
import links
import named
import notebook_pages
import python_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that are no files of docs/."""
    made: dict[str, str | bytes] = {"reference/cli.md": command_pages.reference()}
    made |= {f"reference/python/{name}.md": text for name, text in python_pages.pages().items()}
    for path, uri in links.elsewhere().items():
        if path.endswith(".ipynb"):
            made |= notebook_pages.page(path, uri)
        else:
            made[uri] = (links.CHECKOUT / path).read_text(encoding="utf-8")
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files of the repository to their pages, and names to where they are described."""
    uri = page.file.src_uri
    if uri == "glossary.md":
        # Who searches for a word wants to know what it means, before all places that use it.
        page.meta["search"] = {"boost": 8}
    markdown = links.for_the_site(markdown, uri, config.repo_url)
    return markdown if uri.startswith("reference/") else named.with_links(markdown, uri)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put formulas, and what notebooks print as HTML, where the page has places for them."""
    return notebook_pages.finished(html, page.file.src_uri)
