"""The `mini` corpus: soundscapes made from a seed, in the files and folders of the real corpora.

`generate` writes it; `render_event` makes one sound to look at and listen to.
"""

from sedlab.data.mini.catalogue import render_event
from sedlab.data.mini.writer import generate

__all__ = ["generate", "render_event"]
