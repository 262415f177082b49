"""The line that shows a view again: what stays of it in a notebook, and that it is Python."""

import numpy as np
import traitlets

from sedlab.views.explorers.copying import CopyCall
from sedlab.views.player.call import python_call


class Source(traitlets.HasTraits):
    call = traitlets.Unicode("first()")


def test_a_call_is_python_that_gives_its_arguments_back():
    arguments = ('devtest/Yé\'s "clip".wav', np.float32(0.25))
    options = {"thresholds": {np.str_("Dog"): np.float64(1) / 3}, "span": (np.int64(1), 2.5), "panel": None}
    line = python_call("given", *arguments, **options)
    got = eval(line, {"given": lambda *args, **kwargs: (args, kwargs)})
    assert got == (arguments, {"thresholds": {"Dog": 1 / 3}, "span": (1, 2.5)})


def test_copy_call_follows_its_source_and_stays_in_a_saved_notebook():
    source = Source()
    copy = CopyCall(source=source)
    source.call = "explore(subset='<all>')"
    assert copy.call == source.call
    assert list(copy.still()) == ["<code>explore(subset=&#x27;&lt;all&gt;&#x27;)</code>"]
    assert list(CopyCall().still()) == []
