"""The rows of a list of clips: a table of `itables` (DataTables), which sorts, searches and pages in the browser."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sedlab.views.explorers.controls.clip_values import column_kind, digits_of, shown_values

PAGE_ROWS = 50
#: Columns that are there when asked for.
_HIDDEN = ("group", "seconds", "gained s", "lost s")
_RENDER_NUMBER = (
    "function(data, type) {{ const known = typeof data === 'number' && data === data;"
    " if (type === 'display') return known ? data.toFixed({digits}) : '';"
    " return known ? data : type === 'filter' ? '' : -1e99; }}"
)
# An API of DataTables is had only inside its callbacks: the filters find it on the table.
_TELL_DRAWN = (
    "function(settings) { settings.nTable.sedlabApi = this.api();"
    " settings.nTable.dispatchEvent(new CustomEvent('sedlab-draw', { bubbles: true })); }"
)


def clip_rows(clips: pd.DataFrame) -> widgets.DOMWidget:
    """Return a new table of clips (`itables.widget.ITable`), whose first column, the key, is not shown."""
    from itables.javascript import JavascriptFunction
    from itables.widget import ITable

    shown = pd.DataFrame({name: shown_values(clips[name]) for name in clips})
    shown["place"] = np.arange(len(shown))  # sorts clips as `Explorer.narrow` was given them
    kinds = {name: column_kind(clips[name]) for name in clips}
    definitions: list[dict[str, Any]] = [
        {"targets": [0, len(clips.columns)], "visible": False, "searchable": False, "className": "noVis"}
    ]
    # What is the same everywhere, and what the chooser above says, need not take the width of the window.
    same = [at for at, name in enumerate(clips) if (at and name in _HIDDEN) or _is_same(clips[name])]
    definitions.append({"targets": same, "visible": False})
    for at, (name, kind) in enumerate(kinds.items()):
        if kind == "number":
            render = JavascriptFunction(_RENDER_NUMBER.format(digits=digits_of(clips[name])))
            definition = {"type": "num", "render": render, "orderSequence": ["desc", "asc", ""]}
            definitions.append({"targets": at, **definition})
    table = ITable(
        shown,
        columnDefs=definitions,
        select={"style": "single", "info": False},
        paging=True,
        pageLength=PAGE_ROWS,
        lengthMenu=[25, 50, 100, 500],
        layout={
            "topStart": {
                "buttons": [{"extend": "colvis", "text": "Columns", "columns": ":not(.noVis)"}, _tsv_button()]
            },
            "topEnd": "search",
            "bottomStart": "info",
            "bottomEnd": {"paging": {"numbers": 3}},
        },
        drawCallback=JavascriptFunction(_TELL_DRAWN),
        classes="compact",
        style="table-layout:auto;width:100%;margin:0",
        # All rows are needed: a part of the clips would be sorted as if it were all.
        maxBytes=0,
        maxRows=0,
        maxColumns=0,
        showIndex=False,
        text_in_header_can_be_selected=False,
        autoWidth=False,
        language={
            "search": "Search",
            "info": "_START_ to _END_ of _TOTAL_",
            "infoFiltered": "",
            "emptyTable": "no clips",
            "zeroRecords": "no clip is left",
        },
        warn_on_undocumented_option=False,
    )
    table.add_class("sedlab-clip-table")
    return table


def _is_same(values: pd.Series) -> bool:
    return column_kind(values) == "choice" and values.nunique() == 1 and len(values) > 1


def _tsv_button() -> dict[str, Any]:
    return {
        "extend": "csv",
        "text": "TSV",
        "fieldSeparator": "\t",
        "extension": ".tsv",
        "fieldBoundary": "",
        "exportOptions": {"columns": ":not(.noVis)"},
        "filename": "clips",
        "titleAttr": "Write the list, as it is sorted and filtered, to a file",
    }
