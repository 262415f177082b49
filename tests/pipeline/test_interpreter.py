"""Kernels are of this interpreter, and nothing takes the place of its modules, whatever the surroundings offer."""

import json
import signal
import socket
import subprocess
import sys

import nbformat
import pytest
from jupyter_client.provisioning.local_provisioner import LocalPortCache
from nbclient import NotebookClient
from tiny_project import write_notebook

import sedlab
from sedlab.pipeline.interpreter import KERNEL_NAME, JobKernelManager, JobKernelSpecs, OwnKernelSpecs
from sedlab.pipeline.notebooks import execute_notebook

WHO = "import sys, random, queue, sedlab; print(sys.executable, sedlab.__file__)"
CHILD = "import subprocess; print(subprocess.check_output([sys.executable, '-c', 'import queue'], text=True))"


class LabKernelManager(JobKernelManager):
    """Starts kernels as `sedlab lab` does."""

    def _kernel_spec_manager_default(self):
        return OwnKernelSpecs(parent=self)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder full of modules of a person's own, and kernels of other environments before ours."""
    for place in ("cluster/kernels/python3", "home/.local/share/jupyter/kernels/python3", "ipython/kernels/python3"):
        (tmp_path / place).mkdir(parents=True)
        other = {"argv": ["/bin/false", "{connection_file}"], "display_name": "other", "language": "python"}
        (tmp_path / place / "kernel.json").write_text(json.dumps(other))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "cluster"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", ":")
    work = tmp_path / "work"
    (work / "sedlab").mkdir(parents=True)
    for name in ("random", "queue", "torch", "sedlab/__init__"):
        (work / f"{name}.py").write_text("raise RuntimeError('not this one')")
    (work / "neighbour.py").write_text("print('hello from the neighbour')")
    return work


def test_job_notebook_runs_in_this_interpreter_and_imports_nothing_from_its_folder(folder):
    beside = "try:\n    import neighbour\nexcept ImportError as error:\n    print(error)"
    path = write_notebook(folder / "a.ipynb", "run = 1", WHO, CHILD, beside)
    execute_notebook(path, folder / "out.ipynb", {}, folder=folder)
    printed = [cell.outputs[0].text for cell in nbformat.read(folder / "out.ipynb", 4).cells if cell.outputs]
    assert printed == [f"{sys.executable} {sedlab.__file__}\n", "\n", "No module named 'neighbour'\n"]


def test_a_kernel_whose_port_somebody_else_took_meanwhile_gets_others(folder, monkeypatch):
    path = write_notebook(folder / "a.ipynb", "run = 1", "print(run)")
    with socket.create_server(("127.0.0.1", 0)) as quicker:
        chosen, choose = [quicker.getsockname()[1]], LocalPortCache.find_available_port
        monkeypatch.setattr(
            LocalPortCache, "find_available_port", lambda self, ip: chosen.pop() if chosen else choose(self, ip)
        )
        execute_notebook(path, folder / "out.ipynb", {"run": 2}, folder=folder)
    assert chosen == []
    assert [cell.outputs[0].text for cell in nbformat.read(folder / "out.ipynb", 4).cells if cell.outputs] == ["2\n"]


def test_notebook_opened_by_a_person_may_import_its_neighbours_but_they_shadow_nothing(folder):
    notebook = nbformat.read(write_notebook(folder / "a.ipynb", WHO, "import neighbour"), 4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, kernel_manager_class=LabKernelManager, resources=resources).execute()
    printed = [cell.outputs[0].text for cell in notebook.cells]
    assert printed == [f"{sys.executable} {sedlab.__file__}\n", "hello from the neighbour\n"]


def test_this_interpreter_is_offered_first_and_others_stay(folder, tmp_path):
    (tmp_path / "cluster/kernels/another").mkdir()
    other = (tmp_path / "cluster/kernels/python3/kernel.json").read_text()
    (tmp_path / "cluster/kernels/another/kernel.json").write_text(other)
    specs = OwnKernelSpecs().get_all_specs()
    assert next(iter(specs)) == KERNEL_NAME and "another" in specs
    assert specs[KERNEL_NAME]["spec"]["argv"][0] == sys.executable
    assert specs["another"]["spec"]["argv"][0] == "/bin/false"


def test_a_job_that_slurm_ends_keeps_its_kernel_and_the_kernels_own_processes_can_be_ended(monkeypatch):
    assert not any("signal" in word for word in JobKernelSpecs().command)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    (line,) = [word.partition("exec_lines=")[2] for word in JobKernelSpecs().command if "exec_lines" in word]
    code = f"{line}; import os, subprocess as s, signal, time; child = s.Popen(['sleep', '600'])\n"
    code += "os.kill(os.getpid(), signal.SIGTERM); child.terminate(); print('here', child.wait())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == f"here -{signal.SIGTERM.value}\n", done.stderr
