#!/usr/bin/env bash
# Make .venv with the versions of constraints.txt and sedlab itself in it. Quick when nothing has changed.
# PYTHON=python3.12 ./setup.sh chooses the interpreter, VENV=.venv-3.12 the folder. Without PYTHON an environment that is
# there keeps its interpreter.
set -euo pipefail
cd "$(dirname "$0")"

venv=${VENV:-.venv}
remembered=$("$venv/bin/python" -c 'import sys; print(sys._base_executable)' 2>/dev/null || true)
python=${PYTHON:-${remembered:-python3}}
stamp=$venv/.setup-stamp

fail() {
    echo "setup: $1" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "$python: not found. Install Python 3.11 to 3.13, or name one: PYTHON=python3.12 make setup."
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    fail "$("$python" --version): sedlab needs Python 3.11 to 3.13. Name one: PYTHON=python3.12 make setup."

# A virtual environment holds absolute paths, so a moved checkout is made anew.
fingerprint=$("$python" - <<'PYTHON'
import hashlib, pathlib, sys
parts = [pathlib.Path(name).read_bytes() for name in ("pyproject.toml", "constraints.txt", "setup.sh")]
parts += [str(pathlib.Path.cwd()).encode(), repr(sys.version_info[:3]).encode()]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
PYTHON
)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi

# sed_scores_eval comes as Cython source.
command -v "${CC:-cc}" >/dev/null || command -v gcc >/dev/null ||
    fail "no C compiler found, and sed_scores_eval is built from source. Install gcc (Debian: apt-get install gcc python3-dev)."
"$python" -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").is_file())' ||
    fail "Python.h not found, and sed_scores_eval is built from source. Install the Python headers (Debian: apt-get install python3-dev)."

echo "setup: making $venv with $("$python" --version) (a few minutes the first time)"
rm -f "$stamp"
# An environment of another interpreter or place is replaced; a matching one is updated.
mine=$("$python" -c 'import os, sys; print(sys.version_info[:3], os.path.abspath(sys.argv[1]))' "$venv")
if [ "$("$venv/bin/python" -c 'import sys; print(sys.version_info[:3], sys.prefix)' 2>/dev/null || true)" != "$mine" ]; then
    "$python" -m venv --clear "$venv" || fail "python -m venv failed. On Debian: apt-get install python3-venv."
fi

# uv is several times faster than pip but does not read pip's configuration: pass on a local folder of wheels, if there is one.
find_links=()
for folder in $("$venv/bin/python" -m pip config get global.find-links 2>/dev/null || true); do
    find_links+=(--find-links "$folder")
done
uv_install() {
    "$venv/bin/python" -m uv pip install --python "$venv/bin/python" ${find_links[@]+"${find_links[@]}"} \
        --constraints constraints.txt --editable '.[dev]' "$@"
}
# The public build of torch for Linux brings NVIDIA's libraries, whether there is a GPU or not.
check_space() {
    local plan needed=3 free
    plan=$(uv_install --dry-run 2>&1) || return 0 # the installation will say what is wrong
    case "$plan" in *" + nvidia-"*) needed=7 ;; *" + torch=="*) ;; *) return 0 ;; esac
    [ "$needed" = 3 ] ||
        echo "setup: this takes 6 GB in $venv, most of it NVIDIA's libraries, which the public build of torch brings"
    free=$(df -Pk "$venv" | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge "$needed" ] || fail "$venv: $free GB free, $needed GB are needed. Free space, or clone to another disk."
}
install_with_uv() {
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check uv && check_space &&
        uv_install --quiet --compile-bytecode
}
install_with_pip() {
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
}
if ! install_with_uv; then
    echo "setup: uv did not work here, trying pip (slower)" >&2
    install_with_pip || fail "installing failed, see above. Check the network and the space on this disk, then run it again."
fi

"$venv/bin/python" -W ignore - <<'PYTHON' || fail "the environment was installed but does not import, see above. Remove $venv and run it again."
from importlib.metadata import version

import sed_scores_eval
import torch

import sedlab

names = ("sedlab", "torch", "torchaudio", "numpy", "pandas", "sed_scores_eval", "papermill", "snakemake", "jupyterlab")
print("setup: " + ", ".join(f"{name} {version(name)}" for name in names))
print(f"setup: CUDA {'available' if torch.cuda.is_available() else 'not available, training runs on the CPU'}")
PYTHON
# Every job of a run is a process of its own; where Python is told to keep no bytecode (PYTHONDONTWRITEBYTECODE, as in many
# containers) each of them would compile sedlab anew.
"$venv/bin/python" -m compileall -q sedlab || true
echo "$fingerprint" >"$stamp"
echo "setup: ready; put its commands on the PATH: . $venv/bin/activate (then: sedlab doctor says what works here)"
