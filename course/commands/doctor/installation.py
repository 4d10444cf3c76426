"""Probes of the installation; each returns a list of Finding, and survives what is broken."""

import importlib
import importlib.metadata
import platform
import re
import sys

from course.commands.doctor.finding import BROKEN, INSTALL, Finding, why

PROJECT = "noise-to-images"
OLDEST, NEWEST = (3, 11), (3, 13)  # Pythons that the course is tested with
APART = "torchvision"  # only downloads need it; it has a probe of its own
RUNTIME = "install Microsoft's Visual C++ runtime (vc_redist.x64.exe), which torch needs on Windows"


def python():
    """Is this Python one that the course is tested with?"""
    this, text = sys.version_info[:2], f"{platform.python_version()} at {sys.executable}"
    tested = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    if this < OLDEST:
        return [Finding("Python", "fault", f"{text}; the course needs {tested}", f"install one, then {INSTALL}", True)]
    if this > NEWEST:
        return [Finding("Python", "note", f"{text}; newer than those the course is tested with ({tested})")]
    return [Finding("Python", "ok", text)]


def required(extra=""):
    """What the installed course requires, or an extra of it: {package: [(">=", "1.26"), ...]}, by its metadata.

    Raises PackageNotFoundError where the course is not installed. Read without the package packaging, which may be
    what is missing: a requirement of ours is a name and versions from and below.
    """
    found = {}
    for text in importlib.metadata.requires(PROJECT) or []:
        wanted, _, marker = text.partition(";")
        named = re.search(r"""extra\s*==\s*["']([^"']+)""", marker)
        if (named[1] if named else "") == extra:
            found[re.match(r"[\w.-]+", wanted)[0]] = re.findall(r"(>=|<)\s*([\d.]+)", wanted)
    return found


def _version(name):
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version):
    """A version as numbers that compare: "2.6.0+cu124" is (2, 6, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))


def _misfit(name, bounds):
    """What is wrong with the installed version of a package, or "": it is missing, too old, or too new."""
    version = _version(name)
    wish = ",".join(sign + bound for sign, bound in bounds)
    if version is None:
        return f"missing; the course needs {name}{wish}"
    older = [_numbers(version) < _numbers(bound) for _, bound in bounds]
    fits = all(old == (sign == "<") for old, (sign, _) in zip(older, bounds, strict=True))
    return "" if fits else f"{version} does not do; the course needs {name}{wish}"


def _modules(name, known):
    """The modules of a distribution to import, by `known`, {module: distributions}: the one called as it, or all."""
    found = [module for module, names in known.items() if name in names and module.isidentifier() and module[0] != "_"]
    return [name] if name in found else found


def packages():
    """Is all there that the course requires, new enough, and does it import?"""
    try:
        wanted = required()
    except importlib.metadata.PackageNotFoundError:
        text = f"{PROJECT} is not installed in this Python: lessons do not find it, and nothing says what it needs"
        return [Finding("course", "fault", text, INSTALL, stops=True)]
    known, found = _distributions(), []
    for name, bounds in wanted.items():
        if name == APART:
            continue
        fault = _misfit(name, bounds)
        try:
            for module in [] if fault else _modules(name.lower(), known):
                importlib.import_module(module)
        except BROKEN as error:
            fault = f"does not import: {why(error)}"
        fix = RUNTIME if "WinError 126" in fault or "vcruntime" in fault.lower() else INSTALL
        found.append(Finding(name, "fault", fault, fix, stops=True) if fault else Finding(name, "ok", _version(name)))
    return [*found, *_course()]


def _distributions():
    """The distributions that each module belongs to, in lower case: {module: {distribution}}."""
    known = importlib.metadata.packages_distributions()
    return {module: {str(name).lower() for name in names} for module, names in known.items()}


def _course():
    """Does the course itself import, with what every lesson takes from it?"""
    try:
        for name in ("ask", "check", "solution", "pretrained"):
            getattr(importlib.import_module("course"), name)
    except BROKEN as error:
        return [Finding("course", "fault", f"a lesson cannot begin: {why(error)}", INSTALL, stops=True)]
    return [Finding("course", "ok", _version(PROJECT))]


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
    try:
        faults = {name: _misfit(name, bounds) for name, bounds in required("lab").items()}
    except importlib.metadata.PackageNotFoundError:  # `packages` says so
        return []
    missing = [f"{name} {fault}" for name, fault in faults.items() if fault]
    if missing:
        text = f"to open lessons in JupyterLab and for `python -m course run`: {'; '.join(missing)}"
        return [Finding("JupyterLab", "note", text, INSTALL)]
    return [Finding("JupyterLab", "ok", f"{_version('jupyterlab')}, and what `python -m course run` needs")]
