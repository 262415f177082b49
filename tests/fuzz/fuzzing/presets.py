"""Presets and `--set`: YAML of other types and depths, other texts."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random

import yaml

from fuzzing.case import ODD_TEXTS, Case
from fuzzing.material import Material
from fuzzing.trees import ODD_VALUES, add_key, change_value, drop_value, paths

_BAD_TEXTS: tuple[bytes, ...] = (
    b"", b"\x00", b"- a\n- b\n", b"3", b"null", b"x", b"name: [", b"name: {", b"a: b: c", b"\tname: x",
    b"name: !!python/object:os.system x",
    b"!!python/object/apply:os.system ['touch pwned']", b"name: \xff\xfe", "name: é".encode("latin-1"),
    "name: x".encode("utf-16"),
    b"[" * 20_000, b"{a: " * 20_000, b"- " * 20_000, b"a: " * 5000, b"name: " + b"9" * 5000,
    b"seed: " + b"9" * 5000, b"&a [*a]", b"*a",
    b"a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: &d [*c, *c, *c]",
    b"name: x\nname: y\nunknown: 1", b"%YAML 9.9\n---\nx",
    b"name: x\n---\nname: y\n", b"? [a, b]\n: c", b"1: 2", b"name: 2026-99-99", b"2026-01-01: x", b"<<: x",
    b"<<: {unknown: 1}", b"name: \x07",
    b"seed: 0o9", b"seed: .nan", b"seed: 1e400", b"? {a: 1}\n: 2", b"~: 1", b"true: 1", b"&a {a: *a}",
    b"seed: !!int x", b"seed: !!binary x",
)  # fmt: skip

_BAD_SETTINGS = (
    "", "=", "x", "=3", "x=", "x=[", "x={", "stage1=", "stage1.=3", ".seed=1", "seed..x=1", "seed=x", "seed=[1",
    "seed=" + "9" * 5000, "seed=\0",
    "stage1.epochs=-1", "stage1.epochs=1e400", "stage1.epochs=.nan", "stage1.epochs=" + "9" * 5000,
    "stage1.epoch=3", "stage9.epochs=3",
    "archs=passt", "archs=[passt, passt]", "archs=[]", "archs=[resnet]", "iterations=0", "iterations=1.5",
    "iterations=" + "9" * 30,
    "seed=!!python/name:os.system", "seed=*a", "seed=&a [*a]", "seed=" + "[" * 20_000, "stage1=3", "stage1=[1]",
    "data=3", "data.mini=3",
    "data.mini.num_devtest=-1", "models.passt=3", "models=[]", "rules=3", "rules=[3]", "rules=[{}]",
    "rules=[{when: 3, set: 4}]", "x" * 5000 + "=1",
    "a." * 5000 + "a=1", "seed=2026-99-99", "\u202e=1", "é=1", "stage1.optim.lr_transformer=x",
    "stage2.loss.weak=.inf", "stage1.batch=3",
    "--x=1", "name=3", "name=[a]", "name=a/b", "name=..", "name=''", "name=.", "name=.x", "name=" + "x" * 5000,
    'name="a\\nb"', "name=\"a\\0b\"",
    "data.root=3", "data.root=[a]", "seed=<<", "seed=@", "seed=`", "seed=%", "seed=\t", "seed=? x", "seed=- ",
    "seed: 1=2", "stage1.augment=x",
    "stage1.augment.mixup=7", "data.root=\"a\\0b\"", "models.passt.transformer.depth=0",
    "models.passt.transformer.heads=7",
)  # fmt: skip

_GOOD_SETTINGS = (
    "seed=3", " seed = 3 ", "stage1.epochs=2", "archs=[atst]", "iterations=1", "name=x", "name='a b'", "name=é",
    "data.root=/tmp/x y", "description='[/b] {a}'",
    "stage2.loss.weak=2", "data.mini.seed=4", "seed=0x10", "threads_per_job=2",
)  # fmt: skip


def preset_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Change a preset in a file."""
    way = index % 4
    if way == 0:
        content, idea, bad = random.choice(_BAD_TEXTS), "odd text", True
        idea += f" {content[:40]!r}"
    elif way == 1:
        return _file_case(random, folder, material)
    else:
        tree = yaml.safe_load(material.text("preset.yaml"))
        tree = copy.deepcopy(tree)
        changed = random.choice([change_value, change_value, add_key, drop_value])
        idea, bad = f"{changed.__name__} at {changed(random, tree)}", True if changed is add_key else None
        if bad and idea.endswith("."):
            bad = None
        bad = None if ".when" in idea or "mini" in idea else bad
        content = yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass")
    (folder / "preset.yaml").write_bytes(content)
    return Case(("python", "load_experiment", "preset.yaml"), idea, bad)


def _file_case(random: Random, folder: Path, material: Material) -> Case:
    name = random.choice(["preset.yaml", "nothing.yaml", "x" * 300 + ".yaml", "nano ", "Nano", "nano.yaml", "", ".",
        "..", "/dev/null", "x.yml", "-",
                          "é", "{a}", "[/b]", "nano\n", "x" * 5000, "a/b", "mini.YAML", "../preset"])  # fmt: skip
    if name == "preset.yaml":
        if random.random() < 0.5:
            (folder / name).mkdir()
        else:
            (folder / name).symlink_to(random.choice([name, "nothing"]))
    return Case(
        ("run", name, "--dry-run"), "a preset that is not there", True, names=(name.strip()[:40] or "preset", "preset")
    )


def setting_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Give `--set` an odd text."""
    way = index % 3
    if way == 0:
        setting = random.choice(_GOOD_SETTINGS)
        return Case(("python", "load_experiment", "nano", setting), f"--set {setting}", False)
    if way == 1:
        setting, bad = random.choice(_BAD_SETTINGS), True
    else:
        tree = yaml.safe_load(material.text("preset.yaml"))
        path = random.choice([path for path in paths(tree) if all(isinstance(key, str) for key in path)])
        value = random.choice([*ODD_TEXTS, *map(str, ODD_VALUES)])
        setting, bad = f"{'.'.join(path)}={value}", None
    known = (
        setting.partition("=")[0].strip()[:40] or "--set",
        "--set",
        setting.partition("=")[0].rpartition(".")[2][:40],
    )
    if bad and "\0" not in setting and "\ud800" not in setting:
        return Case(("run", "nano", "--dry-run", "--set", setting), f"--set {setting[:60]}", bad, names=known)
    return Case(("python", "load_experiment", "nano", setting), f"--set {setting[:60]}", bad, names=known)
