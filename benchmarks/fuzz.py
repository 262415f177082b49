"""Give every command bad input, and odd but good input, and count what goes wrong.

python benchmarks/fuzz.py --inputs 4000 --seed 1
python benchmarks/fuzz.py --seed 1 --case HDF5/12

The first prints a table by kind of input and writes the offending cases, with the command that repeats each, to a file;
it exits with status 1 if there are any. Interrupted, it tells what was done so far. The second runs one case, says what
it was and keeps its folder.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count, islice
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "fuzz"), str(TESTS / "material")]

#: A report takes seconds: one for this many inputs of another kind.
SELDOM = {"run folders": 8}
OFFENCES = ("traceback", "hang", "half-written", "input changed", "accepted", "refused", "status", "message", "noise")


def main() -> int:
    """Run what the options say; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=4000, help="how many, of all kinds in turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default="", help="some of them, with commas between; default: all")
    parser.add_argument("--case", default="", metavar="KIND/NUMBER", help="one case")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("fuzz.json"), help="where offending cases go")
    options = parser.parse_args()
    prepare_process()

    from fuzzing.kinds import KINDS
    from fuzzing.material import make_material

    kinds = [name for name in options.kinds.split(",") if name] or list(KINDS)
    work = Path(tempfile.mkdtemp(prefix="sedlab-fuzz-"))
    material = make_material(work / "material")
    if options.case:
        kind, _, number = options.case.rpartition("/")
        return show(run_one((kind, int(number)), seed=options.seed, work=work, material=material, keep=True), work)
    begin = time.monotonic()
    cases = list(islice(numbered(kinds), options.inputs))
    run = partial(run_one, seed=options.seed, work=work, material=material)
    found = []
    with (
        multiprocessing.get_context("fork").Pool(options.processes, _ignore_interrupts) as pool,
        suppress(KeyboardInterrupt),
    ):
        # Shells start what runs in the background without it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for record in pool.imap(run, cases):
            found.append(record)
            if record["offences"]:
                print(f"{record['repeat']}  # {record['offences'][0]}", file=sys.stderr, flush=True)
            if len(found) % 200 == 0:
                print(f"{len(found)} of {len(cases)}", file=sys.stderr, flush=True)
    offending = [record for record in found if record["offences"]]
    options.out.write_text(json.dumps(offending, indent=1))
    print(table(found))
    print(f"{len(found)} inputs, {len(offending)} offending ({options.out}), {time.monotonic() - begin:.0f} s")
    shutil.rmtree(work, ignore_errors=True)
    return int(bool(offending))


def numbered(kinds: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield kinds in turn, each with its next number; those that take long come up more seldom."""
    for turn in count():
        for kind in kinds:
            period = SELDOM.get(kind, 1) if len(kinds) > 1 else 1
            if turn % period == 0:
                yield kind, turn // period


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def prepare_process() -> None:
    """Import what commands need, once, in a process with one thread."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["MPLBACKEND"] = "agg"
    warnings.filterwarnings("ignore", "pkg_resources")
    import sedlab

    for module in pkgutil.walk_packages(sedlab.__path__, "sedlab."):
        # The graph runs in processes of its own.
        if "scheduler" not in module.name:
            importlib.import_module(module.name)
    import matplotlib.font_manager  # noqa: F401
    import sed_scores_eval  # noqa: F401
    import torch

    torch.set_num_threads(1)


def run_one(case: tuple[str, int], *, seed: int, work: Path, material, keep: bool = False) -> dict:
    """Make and run a case; return what it was and how it ended."""
    from fuzzing.harness import run_case
    from fuzzing.kinds import make_case

    kind, index = case
    folder = work / kind.replace(" ", "_") / str(index)
    try:
        made = make_case(kind, index, seed, folder, material)
    except Exception as error:
        raise RuntimeError(f"{kind}/{index}: the input could not be made") from error
    ending = run_case(made, folder)
    if not keep:
        for path in (folder, folder.with_name(folder.name + ".logs")):
            shutil.rmtree(path, ignore_errors=True)
    return {
        "kind": kind,
        "idea": made.idea[:200],
        "bad": made.bad,
        "command": [argument[:200] for argument in made.arguments],
        "status": ending.status,
        "offences": list(ending.offences),
        "place": ending.place,
        "seconds": round(ending.seconds, 2),
        "megabytes": ending.memory >> 20,
        "stderr": ending.stderr[-3000:] if ending.offences or keep else "",
        "repeat": f"python benchmarks/fuzz.py --seed {seed} --case '{kind}/{index}'",
    }


def show(record: dict, work: Path) -> int:
    """Print one case; return the exit status."""
    stderr = record.pop("stderr")
    print(json.dumps(record, indent=1), stderr, f"folder: {work}", sep="\n")
    return int(bool(record["offences"]))


def table(found: Sequence[dict]) -> str:
    """Return a row a kind: inputs, how they ended, offences of each sort."""
    head = ["kind", "inputs", "status 0", "1", "2", *OFFENCES, "seconds", "MB"]
    rows = [head]
    for kind in [*dict.fromkeys(record["kind"] for record in found), "all"]:
        chosen = [record for record in found if kind in ("all", record["kind"])]
        status = Counter(record["status"] for record in chosen)
        offences: Counter[str] = Counter()
        for record in chosen:
            offences.update({offence.partition(":")[0] for offence in record["offences"]})
        counts = [len(chosen), *(status[k] for k in (0, 1, 2)), *(offences[name] for name in OFFENCES)]
        numbers = [f"{sum(r['seconds'] for r in chosen):.0f}", max((r["megabytes"] for r in chosen), default=0)]
        rows.append([kind, *map(str, (*counts, *numbers))])
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    return "\n".join("  ".join(cell.rjust(w) if k else cell.ljust(w) for k, (cell, w) in enumerate(zip(row, widths,
        strict=True))) for row in rows)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
