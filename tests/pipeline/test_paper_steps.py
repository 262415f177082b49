"""Every stage of the paper preset makes a step at base size on the CPU, in less memory than a laptop has.

Data and weights are stand-ins in the real layouts. Each stage once, as a step at this size takes a minute: ATST goes
through pre-training and stage 1 of the second iteration, with pseudo-labels; BEATs, which has the most tokens, through
stage 2 of the first. The other pairs are the same code with other sizes, and go through `midi` and `nano` elsewhere.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from published_files import transformer_files, transformer_state
from shell import python
from standin_corpus import build_standin

from sedlab.weights import WEIGHTS_FOLDER, local_path

pytestmark = pytest.mark.slow

MATERIAL = Path(__file__).parents[1] / "material"
MEMORY_LIMIT = 16 * 2**30
#: Registered file that the preset starts stage 1 or pre-training from -> which of the synthetic contents it has.
CONTENT = {
    "passt": {"passt_as_strong": "strong", "fpasst_weak": "pretrainedsed"},
    "beats": {"beats_as": "fine-tuned"},
    "atst": {"atst_as_strong": "strong", "ATST-F_weak": "pretrainedsed"},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    build_standin(folder / "data" / "dcase")
    return folder


@pytest.mark.parametrize(
    ("arch", "iteration", "stages"), [("beats", 1, ["stage2"]), ("atst", 2, ["pretrain", "stage1"])]
)
def test_every_stage_makes_a_step_within_the_memory_of_a_laptop(project, arch, iteration, stages, record_property):
    written = _write_weights(project / WEIGHTS_FOLDER, arch)
    out = project / f"{arch}.json"
    python(MATERIAL / "paper_steps.py", project, arch, iteration, ",".join(stages), out)
    for path in written:
        path.unlink()
    result = json.loads(out.read_text())
    nodes = [row["node"] for row in result["rows"]]
    assert nodes == [
        f"pretrain_{arch}" if stage == "pretrain" else f"iteration{iteration}_{stage}_{arch}" for stage in stages
    ]
    assert [row["steps"] for row in result["rows"]] == [1] * len(stages)
    assert all(math.isfinite(row["loss"]) for row in result["rows"]), result["rows"]
    record_property("peak_gib", round(result["peak_bytes"] / 2**30, 2))
    print(f"\n{arch}: peak {result['peak_bytes'] / 2**30:.1f} GiB")
    for row in result["rows"]:
        print(f"  {row['node']:<28} loss {row['loss']:8.4f}  {row['seconds']:5.1f} s")
    assert result["peak_bytes"] < MEMORY_LIMIT


def _write_weights(folder: Path, arch: str) -> list[Path]:
    contents = transformer_files(arch, transformer_state(arch, full=True), wrapper_dim=527)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in CONTENT[arch].items():
        paths.append(local_path(name, folder))
        torch.save(contents[content], paths[-1])
    return paths
