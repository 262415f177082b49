"""What the next iteration took up of pseudo-labels, in words."""

from __future__ import annotations

from sedlab.runs.history import histories
from sedlab.runs.run import Run
from sedlab.scoring.names import model_name

_LOSS, _OBJECTIVE = "loss/pseudo", "val/objective"


def told_uptake(run: Run, iteration: int) -> str:
    """Return how far stage 1 of the next iteration came to agree with the pseudo-labels of this one.

    With the best objective on validation clips beside that of the same stage without them. A run that has not trained
    the next iteration is told so.
    """
    after, before = histories(run, "stage1", iteration + 1), histories(run, "stage1", iteration)
    lines = []
    for arch, table in after.items():
        if _LOSS not in table or arch not in before:
            continue
        losses = table[_LOSS].dropna()
        # Single steps jump with what the batch holds.
        tenth = max(1, len(losses) // 10)
        line = f"{model_name(arch)}: loss from {losses[:tenth].mean():.3f} to {losses[-tenth:].mean():.3f}"
        best, without = (one[_OBJECTIVE].max() for one in (table, before[arch]) if _OBJECTIVE in one)
        lines.append(
            f"{line}; best objective {best:.3f}, in iteration {iteration} {without:.3f} ({best - without:+.3f})"
        )
    if not lines:
        return (
            f"Nobody has learnt from them yet: stage 1 of iteration {iteration + 1} does. Once it is trained, this "
            "says how far each model came to agree with them, and what its objective is beside that of this iteration."
        )
    told = ".\n".join(lines).replace("(-", "(−")
    return f"Stage 1 of iteration {iteration + 1}, taught by these pseudo-labels (one training each):\n{told}."
