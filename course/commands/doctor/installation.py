"""Probes of the installation; each returns a list of Finding, and survives what is broken."""

import importlib
import importlib.metadata
import platform
import sys

from course.commands.doctor.finding import BROKEN, INSTALL, Finding, why

OLDEST, NEWEST = (3, 11), (3, 13)  # Pythons that the course is tested with
NEEDED = ("torch", "numpy", "matplotlib", "ipywidgets", "scikit-learn", "tqdm", "platformdirs")
IMPORTED_AS = {"scikit-learn": "sklearn"}
LAB = ("jupyterlab", "ipykernel", "nbclient", "nbconvert", "math-core")  # to open lessons, and for `run`


def _version(name):
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def python():
    """Is this Python one that the course is tested with?"""
    this, text = sys.version_info[:2], f"{platform.python_version()} at {sys.executable}"
    tested = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    if this < OLDEST:
        return [Finding("Python", "fault", f"{text}; the course needs {tested}", f"install one, then {INSTALL}", True)]
    if this > NEWEST:
        return [Finding("Python", "note", f"{text}; newer than those the course is tested with ({tested})")]
    return [Finding("Python", "ok", text)]


def packages():
    """Does everything that a quick lesson imports import?"""
    found = []
    for name in NEEDED:
        try:
            importlib.import_module(IMPORTED_AS.get(name, name))
        except BROKEN as error:
            found.append(Finding(name, "fault", f"does not import: {why(error)}", INSTALL, stops=True))
        else:
            found.append(Finding(name, "ok", _version(name) or "imports, but its version is not recorded"))
    return found


def torchvision():
    """Does torchvision fit this torch? Only downloads need it."""
    version = _version("torchvision")
    try:
        importlib.import_module("torchvision")
    except BROKEN as error:
        text, fix = f"does not import: {why(error)}", INSTALL
        if version:
            text = (
                f"{version} does not fit torch {_version('torch')}: the two were built apart, often a CPU-only torch "
                f"beside a torchvision from elsewhere ({why(error)}). MNIST and CIFAR-10 cannot be read"
            )
            fix = "install both in one go: uv pip install --reinstall torch torchvision --torch-backend=auto"
        return [Finding("torchvision", "fault", text, fix)]
    return [Finding("torchvision", "ok", f"{version}, fits torch {_version('torch')}")]


def lab():
    """Is there what opens the lessons in a browser, and what `run` needs?"""
    missing = [name for name in LAB if _version(name) is None]
    if missing:
        text = f"{', '.join(missing)} missing: needed to open lessons in JupyterLab and for `python -m course run`"
        return [Finding("JupyterLab", "note", text, INSTALL)]
    return [Finding("JupyterLab", "ok", f"{_version('jupyterlab')}, and what `python -m course run` needs")]
