"""The project as its tests see it: where things are, commands, files, copies, kernels. Nothing here imports torch."""

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FURTHER = sorted((ROOT / "notebooks/further").glob("*.ipynb"))  # for those who want to know more
NOTEBOOKS = LESSONS + FURTHER
BIN = "Scripts" if os.name == "nt" else "bin"


def run(*command, **options):
    """Run a command to its end and return it with its output as text."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


def module(path):
    """A Python file anywhere in the project, as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def tracked():
    """Every file that is in git or would be added to it; skips where this is no checkout."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def copy_tracked(folder):
    """Copy those files to `folder`, as a fresh clone would have them."""
    for path in tracked():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


def add_kernel(folder, name, python):
    """Describe a kernel that runs `python`; Jupyter finds it where JUPYTER_PATH holds `folder`."""
    spec = folder / "kernels" / name
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}))


def execute(notebook, folder, kernel="python3", seconds=120):
    """Run all cells from `folder`, in place; CellExecutionError at the first that fails, CellTimeoutError if slow."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=seconds, kernel_name=kernel, resources=resources).execute()
    return notebook
