"""Where the thresholds stand on each curve, as a table one reads."""

from __future__ import annotations

import html
from collections.abc import Sequence
from math import isinf, isnan

from sedlab.views.figures.curves.drawn import DrawnCurve


def told_points(drawn: Sequence[DrawnCurve], what: str) -> str:
    """Return a table, in HTML, of what the thresholds give: a row a curve; ``what`` is counted."""
    rows = []
    for one in drawn:
        if one.at is None:
            continue
        at, beyond = one.at, isinf(one.at.rate)
        threshold = "one for each class" if isnan(at.threshold) else f"{at.threshold:.3f}"
        false = "beyond the curve" if beyond else f"{at.false_alarms:.1f}"
        cells = [one.name, threshold, f"{at.hits} of {at.num_positive}", false]
        rows.append("".join(f"<td style='padding:1px 10px 1px 0'>{html.escape(cell)}</td>" for cell in cells))
    if not rows:
        return ""
    heads = ("system", "threshold", f"{what} found", "false alarms an hour")
    head = "".join(f"<th scope='col' style='text-align:left;padding-right:10px'>{name}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
