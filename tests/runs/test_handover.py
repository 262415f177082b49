"""Where a stage's result lies, and who reads it, as the graph has it."""

import pandas as pd
import pytest

from sedlab.config.loading import load_experiment
from sedlab.pipeline.graph import graph_of
from sedlab.runs import create_run, handed_on

READERS = {"stage1": "stage 1 of atst", "stage2": "stage 2 of atst", "scores": "scores", "compare": "07_compare"}


@pytest.mark.parametrize("node", [("pretrain", "atst", 0), ("stage1", "atst", 1), ("stage2", "atst", 2)], ids=str)
def test_the_readers_named_are_those_of_the_graph(node, tmp_path):
    run = create_run(load_experiment("nano"), tmp_path / "runs" / "trial")
    folder = run.node_dir(*node)
    folder.mkdir(parents=True)
    (folder / "best.pt").write_bytes(b"x" * 20_000)

    table = handed_on(run, *node)

    where = folder.relative_to(run.project).as_posix()
    assert table.loc[f"{where}/best.pt", "MB"] == 0.02 and table["MB"].isna().sum() == len(table) - 1
    widest = max(table[column].str.len().max() for column in ("what it is", "read by"))
    assert widest < pd.get_option("display.max_colwidth") and "..." not in table.to_html()
    for name in table.index:
        relative = (run.project / name).relative_to(run.path).as_posix()
        kinds = {job.kind for job in graph_of(run) if relative in job.inputs}
        told = table.loc[name, "read by"]
        assert all(READERS[kind] in told for kind in kinds), (name, kinds, told)
        if name.endswith("best.pt"):
            assert kinds == {kind for kind, words in READERS.items() if words in told}
