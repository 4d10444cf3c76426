"""`doctor`: each probe on this machine, and on simulated faults; it must survive them all and say what to do."""

import importlib.metadata
import json
import os
import re
import shutil
import sys
import time
import tomllib
from collections import namedtuple
from functools import cache
from types import SimpleNamespace

import pytest
import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from project import ROOT, tracked

import course
from course.__main__ import main
from course.commands import doctor
from course.commands.doctor import Finding, findings, installation, kept, machine, report, shipped
from course.data import DOWNLOADS, DataError
from course.teaching import events

Version = namedtuple("Version", "major minor micro releaselevel serial")


@pytest.fixture(scope="module")
def here():
    """What is found on this machine, once."""
    return {finding.name: finding for finding in findings()}


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Put a package in place of an installed one whose import raises, as a broken installation does."""

    def put(name, error):
        (tmp_path / f"{name}.py").write_text(f"raise {error}\n")
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.syspath_prepend(tmp_path)

    return put


def test_this_machine_runs_the_quick_lessons(here):
    assert not [finding for finding in here.values() if finding.stops]
    assert here["torch"].text == importlib.metadata.version("torch")
    assert "torch uses" in here["processor"].text
    assert here["data sets"].text == "digits (1,797) and mnist_mini (1,000)"
    assert here["course files"].text.endswith("files, all whole")
    assert set(DOWNLOADS) <= set(here)
    assert {"Python", "torchvision", "JupyterLab", "GPU", "memory", "disk", "network", "answers"} <= set(here)


def test_whether_a_class_can_be_marked_here(here, monkeypatch):
    from course.teaching.grading import sandbox

    monkeypatch.setattr(sandbox, "trouble", lambda: "")
    (finding,) = kept.marking()
    assert finding.status == "ok"
    monkeypatch.setattr(sandbox, "trouble", lambda: "no bubblewrap")
    (finding,) = kept.marking()
    assert (finding.status, finding.stops) == ("note", False)
    assert finding.text.endswith("no bubblewrap")
    assert "marking" in here


def test_every_finding_is_well_formed(here):
    for finding in here.values():
        assert finding.status in ("ok", "note", "fault")
        assert "\n" not in finding.text + finding.fix
        assert finding.fix or finding.status != "fault"


def test_it_looks_and_does_not_print(capsys):
    assert findings()
    assert capsys.readouterr().out == ""


def test_a_probe_that_breaks_itself_is_a_finding(monkeypatch):
    def unheard_of():
        raise KeyError("what nobody thought of")

    monkeypatch.setattr(doctor, "PROBES", (unheard_of, installation.python))
    broken, python = findings()
    assert (broken.status, python.name) == ("note", "Python")
    assert "what nobody thought of" in broken.text


def test_report_shows_fixes_below_and_a_verdict():
    ok, note = Finding("Python", "ok", "3.12"), Finding("GPU", "note", "none")
    fault = Finding("torchvision", "fault", "does not fit", "install both")
    stop = Finding("torch", "fault", "missing", "install it", stops=True)
    assert report([ok, note]).endswith("\n\nThe quick lessons run here.")
    assert report([ok, fault]).endswith("run here; 1 fault can wait.")
    lines = report([ok, stop, fault]).splitlines()
    assert lines[:3] == [
        "ok     Python       3.12",
        "fault  torch        missing",
        "                    fix: install it",
    ]
    assert lines[-1] == "1 fault to mend before the quick lessons run; begin with the first."


@pytest.mark.parametrize(("stops", "status"), [(True, 1), (False, 0)])
def test_exit_status_is_1_where_a_fault_stops_the_lessons(monkeypatch, capsys, stops, status):
    monkeypatch.setattr(doctor, "findings", lambda: [Finding("torch", "fault", "missing", "install it", stops)])
    assert main(["doctor"]) == status
    assert "fix: install it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("version", "status", "stops"),
    [((3, 10, 9), "fault", True), ((3, 11, 0), "ok", False), ((3, 13, 2), "ok", False), ((3, 14, 0), "note", False)],
)
def test_python_is_judged_by_its_version(monkeypatch, version, status, stops):
    monkeypatch.setattr(installation.sys, "version_info", Version(*version, "final", 0))
    (finding,) = installation.python()
    assert (finding.status, finding.stops) == (status, stops)


KNOWN = cache(installation._distributions)


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    """Which module is of which package is looked up once: it takes a second, and does not change."""
    monkeypatch.setattr(installation, "_distributions", KNOWN)


def packages():
    return {finding.name: finding for finding in installation.packages()}


def test_every_requirement_of_the_project_is_looked_at():
    """pyproject.toml in a parser of its own: nothing is forgotten, neither here nor in the extra `lab`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, texts in {"": project["dependencies"], "lab": project["optional-dependencies"]["lab"]}.items():
        known = {requirement.name: requirement.specifier for requirement in map(Requirement, texts)}
        found = installation.required(extra)
        assert found.keys() == known.keys()
        for name, bounds in found.items():
            assert SpecifierSet(",".join(sign + bound for sign, bound in bounds)) == known[name]
    assert packages().keys() == installation.required().keys() - {"torchvision"} | {"course"}


@pytest.mark.parametrize("name", sorted(installation.required().keys() - {"torchvision"}))
def test_a_missing_package_stops_the_lessons(monkeypatch, name):
    version = importlib.metadata.version

    def without(asked):
        if asked == name:
            raise importlib.metadata.PackageNotFoundError(asked)
        return version(asked)

    monkeypatch.setattr(importlib.metadata, "version", without)
    found = packages()
    assert (found[name].status, found[name].stops) == ("fault", True)
    assert re.match(f"missing; the course needs {name}[<>]", found[name].text)
    assert "make lab" in found[name].fix
    assert [other for other, finding in found.items() if finding.status != "ok"] == [name]


@pytest.mark.parametrize("module", ["ipywidgets", "yaml", "diffusers", "transformers", "safetensors", "jsonschema"])
def test_a_package_whose_files_are_gone_stops_the_lessons(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)  # makes its import raise ModuleNotFoundError
    (fault,) = [finding for finding in installation.packages() if finding.status != "ok"]
    assert fault.stops
    assert fault.name == {"yaml": "pyyaml"}.get(module, module)
    assert f"does not import: import of {module} halted" in fault.text


@pytest.mark.parametrize(
    ("bounds", "version", "fits"),
    [
        ([(">=", "0.35")], "0.35.0", True),
        ([(">=", "0.35")], "0.34.9", False),
        ([(">=", "0.4")], "0.10", True),  # by numbers, not by letters
        ([(">=", "2.6")], "2.6.0+cu124", True),
        ([(">=", "2.6")], "2.5.1+cu999", False),
        ([("<", "9"), (">=", "7.7.1")], "7.7.1", True),
        ([("<", "9"), (">=", "7.7.1")], "7.7.0", False),
        ([("<", "9"), (">=", "7.7.1")], "9.0.1", False),
    ],
)
def test_versions_are_compared_as_packaging_compares_them(monkeypatch, bounds, version, fits):
    assert SpecifierSet(",".join(sign + bound for sign, bound in bounds)).contains(version) == fits
    monkeypatch.setattr(installation, "_version", lambda name: version)
    fault = installation._misfit("tqdm", bounds)
    assert bool(fault) != fits
    assert fits or fault.startswith(f"{version} does not do; the course needs tqdm")


def test_a_course_that_is_not_installed_or_does_not_import_is_found(monkeypatch):
    monkeypatch.setattr(course, "__getattr__", lambda name: importlib.import_module("no_such_package"))
    assert "a lesson cannot begin: No module named 'no_such_package'" in packages()["course"].text
    assert packages()["course"].stops
    monkeypatch.setattr(installation, "PROJECT", "no-such-project")
    (finding,) = installation.packages()
    assert finding.stops
    assert installation.lab() == []


def test_a_library_that_cannot_be_loaded_stops_the_lessons(broken):
    broken("tqdm", "OSError('libomp.so: cannot open shared object file')")
    assert packages()["tqdm"].stops
    assert "libomp.so" in packages()["tqdm"].text


@pytest.mark.parametrize("error", ["ValueError('numpy.dtype size changed')", "TypeError('x')", "KeyError('y')"])
def test_whatever_an_import_raises_is_a_fault_and_no_end(broken, error):
    broken("tqdm", error)
    assert packages()["tqdm"].stops


def test_what_windows_lacks_is_named(broken):
    broken("tqdm", "OSError('[WinError 126] The specified module could not be found. Error loading c10.dll')")
    assert "Visual C++" in packages()["tqdm"].fix


@pytest.mark.parametrize(
    "error",
    [
        "RuntimeError('operator torchvision::nms does not exist')",
        "AttributeError(\"partially initialized module 'torchvision' has no attribute 'extension'\")",
        "ImportError('undefined symbol: _ZN3c10')",
    ],
)
def test_a_torchvision_of_another_torch_is_said_in_plain_words(broken, error):
    broken("torchvision", error)
    (finding,) = installation.torchvision()
    assert finding.status == "fault"
    assert not finding.stops  # quick lessons go without it
    assert f"does not fit torch {importlib.metadata.version('torch')}" in finding.text
    assert "torch torchvision" in finding.fix
    (finding,) = machine.downloads()
    assert finding.status == "note"
    assert "not looked at" in finding.text


def test_no_torchvision_at_all(broken, monkeypatch):
    broken("torchvision", "ModuleNotFoundError(\"No module named 'torchvision'\")")
    monkeypatch.setattr(installation, "_version", lambda name: None)
    (finding,) = installation.torchvision()
    assert finding.status == "fault"
    assert "does not import: No module named 'torchvision'" in finding.text


def test_all_probes_survive_a_missing_torch(monkeypatch):
    ours = [name for name in sys.modules if name.startswith("course.") and "commands" not in name]
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
        if (short := name.removeprefix("course.")) in vars(course):
            monkeypatch.setattr(course, short, getattr(course, short))  # put back with the rest
    monkeypatch.setitem(sys.modules, "torch", None)
    found = {finding.name: finding for finding in findings()}
    assert found["torch"].stops
    assert found["course"].stops
    assert found["course files"].status == "ok"
    assert found["GPU"].status == found["network"].status == "note"
    assert found["disk"].status == "ok"
    assert "to mend before the quick lessons run" in report(list(found.values()))


def test_missing_lab_packages_are_named(monkeypatch):
    monkeypatch.setattr(installation, "required", lambda extra: {"nbconvert": [], "no-such-package": [(">=", "1")]})
    (finding,) = installation.lab()
    assert finding.status == "note"
    assert finding.text.endswith(": no-such-package missing; the course needs no-such-package>=1")


def test_gpu_name_and_memory(monkeypatch):
    card = SimpleNamespace(name="Great Card", total_memory=24 * 2**30)  # no total_mem: torch has none
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    assert machine.gpu() == [Finding("GPU", "ok", "Great Card, 24.0 GiB (full runs use it)")]


def test_a_gpu_that_torch_cannot_use(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    (finding,) = machine.gpu()
    assert finding.status == "note"
    assert "NVIDIA driver" in finding.text
    assert finding.fix


def test_a_failing_driver_is_a_note(monkeypatch):
    def fail():
        raise RuntimeError("CUDA driver initialization failed\nmore")

    monkeypatch.setattr(torch.cuda, "is_available", fail)
    assert machine.gpu() == [Finding("GPU", "note", "not looked at, as torch fails: CUDA driver initialization failed")]


def test_memory_heeds_the_limit_of_a_container(tmp_path):
    proc = tmp_path / "meminfo"
    proc.write_text("MemTotal:       8388608 kB\nMemFree: 10 kB\nMemAvailable:   4194304 kB\n")
    assert machine._memory(proc, tmp_path / "none") == (8 * 2**30, 4 * 2**30)
    (tmp_path / "memory.max").write_text(f"{2 * 2**30}\n")
    (tmp_path / "memory.current").write_text(f"{2**29}\n")
    assert machine._memory(proc, tmp_path) == (2 * 2**30, 1.5 * 2**30)
    (tmp_path / "memory.max").write_text("max\n")
    assert machine._memory(proc, tmp_path) == (8 * 2**30, 4 * 2**30)


def test_memory_is_asked_of_psutil_where_the_system_has_no_meminfo(tmp_path, monkeypatch):
    psutil = pytest.importorskip("psutil")
    total, free = machine._memory(tmp_path / "none", tmp_path)
    known = psutil.virtual_memory()
    assert total == known.total
    assert free == pytest.approx(known.available, rel=0.2)
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert machine._memory(tmp_path / "none", tmp_path) == (None, None)


@pytest.mark.parametrize(("free", "status"), [(1, "note"), (3, "ok")])
def test_little_memory_is_a_note_with_advice(monkeypatch, free, status):
    monkeypatch.setattr(machine, "_memory", lambda: (8 * 2**30, free * 2**30))
    (finding,) = machine.memory()
    assert finding.status == status
    assert bool(finding.fix) == (status == "note")


def test_a_full_disk_and_a_read_only_one(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**28))
    (finding,) = machine.disk()
    assert (finding.status, finding.text.split(" GiB")[0]) == ("note", "0.2")
    monkeypatch.setattr(machine.os, "access", lambda *_: False)
    (finding,) = machine.disk()
    assert "cannot be written" in finding.text
    assert "COURSE_DATA" in finding.fix


def test_a_network_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("course.data.downloads.probe", lambda name: time.sleep(3))
    monkeypatch.setattr("course.data.downloads.here", lambda name: False)
    importlib.import_module("torchvision")  # on a busy machine its import takes longer than the wait
    start = time.perf_counter()
    network, *sets = machine.downloads(patience=0.2)
    assert time.perf_counter() - start < 2
    assert network.status == "note"
    assert [finding.name for finding in sets] == list(DOWNLOADS)
    assert all("not to be fetched now" in finding.text for finding in sets)


def test_larger_data_sets_found_to_come_or_out_of_reach(monkeypatch, tmp_path):
    def probe(name):
        if name == "cifar10":
            raise DataError("cifar10: host.example: 503")

    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr("course.data.downloads.probe", probe)
    monkeypatch.setattr("course.data.downloads.here", lambda name: name == "mnist")
    (tmp_path / "FashionMNIST" / "raw").mkdir(parents=True)
    network, mnist, fashion, cifar = machine.downloads()
    assert network.text.startswith(
        "mnist and fashion_mnist can be downloaded, the rest cannot (cifar10: host.example: 503)"
    )
    assert mnist == Finding("mnist", "ok", f"in {tmp_path / 'MNIST' / 'raw'}")
    assert fashion.text == "corrupt or half downloaded; fetched when a lesson asks for it (31 MB)"
    assert cifar.text == "not here, and not to be fetched now; quick lessons go without it"
    monkeypatch.setattr("course.data.downloads.probe", lambda name: None)
    assert machine.downloads()[0] == Finding("network", "ok", "data sets can be downloaded")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of what ships, in the place where an installed wheel has it, its large files by links."""
    listed = json.loads((ROOT / shipped.MANIFEST).read_text(encoding="utf-8"))
    root = tmp_path / "course" / "_shipped"
    for path in [*listed, shipped.MANIFEST]:
        place = tmp_path / path if path.startswith("course/") else root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(ROOT / path, place)
    monkeypatch.setattr("course.env.PACKAGE", tmp_path / "course")
    return {path: tmp_path / path if path.startswith("course/") else root / path for path in listed}


def put(place, content):
    place.unlink()
    place.write_bytes(content)


def test_the_manifest_lists_all_that_is_read_and_a_copy_is_whole(copied):
    tracked_here = {path.relative_to(ROOT).as_posix() for path in tracked()}
    data = {name for name in tracked_here if name.startswith(("data/", "quizzes/"))}
    assert {name for name in data if not name.endswith(".md")} == {
        *(name for name in copied if not name.startswith("course/")),
        shipped.MANIFEST,
    }
    assert [finding.status for finding in shipped.files()] == ["ok"]


@pytest.mark.parametrize("how", ["missing", "cut off", "empty", "changed"])
def test_each_file_that_is_not_whole_is_named(copied, how):
    for path, place in copied.items():
        whole = place.read_bytes()
        if how == "missing":
            place.unlink()
        elif how == "changed":
            put(place, whole[:-9] + b"\0\xff\0\xff\0\xff\0\xff\0")
        else:
            put(place, whole[: len(whole) // 2 if how == "cut off" else 0])
        (finding,) = shipped.files()
        assert finding.status == "fault"
        assert finding.stops or (how == "cut off" and path.startswith("quizzes/"))  # what is left may be sound
        assert finding.text.startswith(f"{path} is ")
        place.unlink(missing_ok=True)
        os.symlink(ROOT / path, place)


def test_questions_that_somebody_has_edited_are_no_fault(copied):
    for path in ("quizzes/02_forward_process.yaml", "quizzes/words.yaml"):
        put(copied[path], copied[path].read_bytes() + b"# ours\n")
    assert [finding.status for finding in shipped.files()] == ["note", "note"]


def test_no_manifest_is_a_fault(copied, tmp_path):
    (tmp_path / "course" / "_shipped" / shipped.MANIFEST).unlink()
    (finding,) = shipped.files()
    assert finding.stops
    assert shipped.MANIFEST in finding.text


def test_a_small_set_that_cannot_be_read_stops_the_lessons(copied):
    put(copied["data/mnist_mini.npz"], b"PK\x03\x04 half a file")
    (finding,) = shipped.sets()
    assert finding.stops


def test_answers_are_kept_or_it_says_why_not(tmp_path, monkeypatch):
    place = tmp_path / "deep" / "progress"
    monkeypatch.setenv("COURSE_PROGRESS", str(place))
    assert kept.answers() == [Finding("answers", "ok", f"0 events kept in {place}")]
    assert list(tmp_path.iterdir()) == []  # it has only looked
    events.note("answer", "02-1", "b", 2, 2)
    assert kept.answers() == [Finding("answers", "ok", f"1 event kept in {place}")]
    (tmp_path / "file").write_text("")
    for bad in (tmp_path, tmp_path / "file" / "progress"):
        monkeypatch.setenv("COURSE_PROGRESS", str(bad))
        (finding,) = kept.answers()
        assert finding.status == "fault"
        assert f"cannot be kept in {bad}: " in finding.text
        assert "COURSE_PROGRESS" in finding.text
        assert "\n" not in finding.text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no user without a home folder")
def test_a_user_without_a_home_folder_is_told(monkeypatch):
    """As in a container of OpenShift: no HOME, and a uid that the system knows no name for."""
    import pwd

    def nobody(uid):
        raise KeyError(uid)

    for name in ("HOME", "COURSE_PROGRESS", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    (finding,) = kept.answers()
    assert finding.status == "fault"
    assert "no home folder was found; set COURSE_PROGRESS" in finding.text
