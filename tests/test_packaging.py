"""Ranges in pyproject.toml, pins in requirements.lock, conda's names in environment.yml: three files, one truth."""

import ast
import importlib.metadata
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from project import ROOT, run

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}  # the registry's name: conda-forge's
NOT_ON_CONDA = {"math-core"}
IMPORTED_AS = {"sklearn": "scikit-learn", "PIL": "pillow", "yaml": "pyyaml"}
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][\w.]*)( ; .+)?")


def requirements(*extras):
    """The project's requirements and those of some extras, as {name: Requirement}."""
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in PROJECT["optional-dependencies"][extra])]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, texts)}


def conda_complaints(environment):
    """What an environment.yml (parsed) says otherwise than pyproject.toml."""
    *listed, last = environment["dependencies"]
    *from_pip, project = last["pip"]
    said = {Requirement(text).name: Requirement(text).specifier for text in (*listed, *from_pip)}
    wished = {CONDA.get(name, name): requirement.specifier for name, requirement in requirements("lab").items()}
    complaints = [f"{name}: {said.get(name)}, not {wished[name]}" for name in wished if said.get(name) != wished[name]]
    complaints += [f"{name} is not asked for" for name in said.keys() - wished.keys() - {"python", "pip"}]
    complaints += [f"{text} is on conda-forge" for text in from_pip if Requirement(text).name not in NOT_ON_CONDA]
    if PROJECT["requires-python"] not in str(said["python"]).split(","):
        complaints.append(f"python {said['python']} does not begin at {PROJECT['requires-python']}")
    if project != "-e .":
        complaints.append(f"the project itself is missing: {project}")
    return complaints


def lock_complaints(lock):
    """Lines of a lock file that are no pins, and pins that pyproject.toml does not allow."""
    pins, complaints = {}, []
    for line in lock.splitlines():
        if match := PIN.fullmatch(line):
            pins.setdefault(match["name"], []).append(match["version"])
        else:
            complaints.append(f"no pin: {line}")
    for name, requirement in requirements(*PROJECT["optional-dependencies"]).items():
        if name not in pins:
            complaints.append(f"{name} is not locked")
        complaints += [
            f"{name}=={pin} is outside {requirement.specifier}"
            for pin in pins.get(name, [])
            if not requirement.specifier.contains(pin)
        ]
    return complaints


def read_pins(path):
    """A list of package versions, `name==version` a line, as {canonical name: version}."""
    lines = [line.split("==") for line in path.read_text(encoding="utf-8").splitlines() if "==" in line]
    return {canonicalize_name(name): version for name, version in lines}


def install_into(uv, listed, python, project, folder):
    """What installing `project` (a pyproject.toml) beside a runtime's listed packages would do: (pins, error).

    The list holds the runtime's own builds of torch and torchvision, which bring CUDA their own way; the registry's
    builds of the same versions ask for other CUDA packages, so their metadata is replaced by what all builds need.
    """
    pins = read_pins(listed)
    (folder / "uv.toml").write_text(
        f'[[dependency-metadata]]\nname = "torch"\nversion = "{pins["torch"]}"\nrequires-dist = []\n'
        f'[[dependency-metadata]]\nname = "torchvision"\nversion = "{pins["torchvision"]}"\n'
        f'requires-dist = ["numpy", "pillow", "torch=={pins["torch"]}"]\n'
    )
    done = run(
        *(uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", project),
        *("--constraints", listed, "--config-file", folder / "uv.toml"),
        *("--python-version", python, "--python-platform", "linux", "--output-file", folder / "resolved.txt"),
    )
    return (read_pins(folder / "resolved.txt"), "") if done.returncode == 0 else ({}, done.stderr)


def colab_lists():
    folder = Path(os.environ.get("COURSE_DATA", "")) / "colab"
    return sorted(folder.glob("*.txt")) if os.environ.get("COURSE_DATA") else []


def python_of(listed):
    """The Python of a runtime, from its list's name (py312); those that name none are of the current one."""
    named = re.search(r"py(3)(\d+)", listed.stem)
    return f"{named[1]}.{named[2]}" if named else "3.13"


def test_environment_yml_says_what_pyproject_says():
    assert conda_complaints(yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))) == []


def test_a_different_environment_yml_is_noticed():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert len(conda_complaints(yaml.safe_load(text.replace("numpy>=1.26", "numpy>=1.25")))) == 1
    assert len(conda_complaints(yaml.safe_load(text.replace("  - tqdm>=4.66\n", "")))) == 1
    assert len(conda_complaints(yaml.safe_load(text.replace("tqdm", "tqdn")))) == 2
    assert len(conda_complaints(yaml.safe_load(text.replace("python>=3.11", "python>=3.10")))) == 1
    assert len(conda_complaints(yaml.safe_load(text.replace("-e .", "noise-to-images")))) == 1


def test_the_lock_file_holds_pins_that_pyproject_allows():
    assert lock_complaints((ROOT / "requirements.lock").read_text(encoding="utf-8")) == []


def test_a_bad_lock_file_is_noticed():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert lock_complaints("--index-url https://example.org/simple\n" + lock)[0].startswith("no pin: --index-url")
    assert lock_complaints(lock + "torch>=2\n") == ["no pin: torch>=2"]
    assert lock_complaints(re.sub("^torch==.*$", "torch==1.0", lock, flags=re.MULTILINE)) == [
        f"torch==1.0 is outside {requirements()['torch'].specifier}"
    ]
    assert lock_complaints(re.sub("^nbval==.*\n", "", lock, flags=re.MULTILINE)) == ["nbval is not locked"]


@pytest.mark.slow
@pytest.mark.parametrize("listed", colab_lists() or [None], ids=lambda path: path.stem if path else "none")
def test_installing_changes_no_package_of_colab(listed, uv, network, tmp_path):
    if listed is None:
        pytest.skip("COURSE_DATA names no folder with colab/*.txt")
    project, pins = ROOT / "pyproject.toml", read_pins(listed)
    resolved, error = install_into(uv, listed, python_of(listed), project, tmp_path)
    assert not error
    assert requirements().keys() <= resolved.keys()
    assert {name: version for name, version in resolved.items() if pins.get(name, version) != version} == {}
    # The same test must fail for a course that wants newer widgets than Colab has.
    text = project.read_text(encoding="utf-8")
    assert text.count('"ipywidgets>=7.7.1,<9"') == 1
    (tmp_path / "pyproject.toml").write_text(text.replace('"ipywidgets>=7.7.1,<9"', '"ipywidgets>=8"'))
    resolved, error = install_into(uv, listed, python_of(listed), tmp_path / "pyproject.toml", tmp_path)
    assert "ipywidgets>=8" in error
    assert not resolved


def third_party(source):
    """The packages outside the standard library and the course that a piece of Python imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"course", "__future__"}


def brought(names):
    """These packages and what each of them asks for itself, everywhere (matplotlib brings pillow)."""
    asked = [Requirement(text) for name in names for text in importlib.metadata.requires(name) or []]
    return {*names, *(canonicalize_name(requirement.name) for requirement in asked if requirement.marker is None)}


def test_what_the_package_imports_is_declared():
    """The commands may use what extras bring: they run lessons, look at memory, mark a class on many machines."""
    for path in sorted((ROOT / "course").rglob("*.py")):
        extras = ("lab", "bench", "cluster") if "commands" in path.parts else ()
        declared = brought(requirements(*extras).keys())
        imported = {IMPORTED_AS.get(name, name) for name in third_party(path.read_text(encoding="utf-8"))}
        beside = {"wire", "answers"} if path.name == "worker.py" else set()  # its parts, as they lie in the sandbox
        missing = {name for name in imported - beside if canonicalize_name(name) not in declared}
        assert not missing, f"{path.relative_to(ROOT)} imports {missing}, which pyproject.toml does not ask for"
    assert third_party("import torch.nn\nfrom sklearn import svm\nimport os") == {"torch", "sklearn"}


def test_version_is_said_once():
    init = (ROOT / "course/__init__.py").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert f'__version__ = "{PROJECT["version"]}"' in init
    assert Version(citation["version"]) == Version(PROJECT["version"])


def test_every_other_way_in_names_the_tests_that_try_it():
    """In README each bullet ends with its tests, which are there; only Windows is said to be untested."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    bullets = re.split(r"^- \*\*", text.partition("## Other ways in")[2].partition("\n## ")[0], flags=re.MULTILINE)[1:]
    assert len(bullets) >= 9
    for bullet in bullets:
        tried = re.findall(r"\]\((tests/[^)]+)\)", bullet.rpartition("Tried by")[2])
        assert tried or "(untested)" in bullet, bullet
        assert all((ROOT / name).is_file() for name in tried), bullet
