"""`doctor`: each probe on this machine, and on simulated faults; it must survive them all and say what to do."""

import importlib.metadata
import shutil
import sys
import time
from collections import namedtuple
from types import SimpleNamespace

import pytest
import torch

import course
from course.__main__ import main
from course.commands import doctor
from course.commands.doctor import Finding, findings, installation, machine, report

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
    assert "digits (1,797) and mnist_mini (1,000)" in here["course files"].text
    named = {"Python", "torchvision", "JupyterLab", "GPU", "memory", "disk", "network", "mnist", "cifar10"}
    assert named <= set(here)


def test_every_finding_is_well_formed(here):
    for finding in here.values():
        assert finding.status in ("ok", "note", "fault")
        assert "\n" not in finding.text + finding.fix
        assert finding.fix or finding.status != "fault"


def test_it_looks_and_does_not_print(capsys, monkeypatch):
    monkeypatch.setattr("course.data.reachable", lambda: False)
    assert findings()
    assert capsys.readouterr().out == ""


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


def test_a_missing_package_stops_the_lessons(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    found = {finding.name: finding for finding in installation.packages()}
    assert (found["ipywidgets"].status, found["ipywidgets"].stops) == ("fault", True)
    assert "make lab" in found["ipywidgets"].fix
    assert [name for name, finding in found.items() if finding.status != "ok"] == ["ipywidgets"]


def test_a_library_that_cannot_be_loaded_stops_the_lessons(broken):
    broken("tqdm", "OSError('libomp.so: cannot open shared object file')")
    found = {finding.name: finding for finding in installation.packages()}
    assert found["tqdm"].stops
    assert "libomp.so" in found["tqdm"].text


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
    assert machine.network()[0].status == "note"


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
    assert found["course files"].stops
    assert found["GPU"].status == found["network"].status == "note"
    assert found["disk"].status == "ok"
    assert "to mend before the quick lessons run" in report(list(found.values()))


def test_missing_lab_packages_are_named(monkeypatch):
    monkeypatch.setattr(installation, "LAB", ("nbconvert", "no-such-package"))
    (finding,) = installation.lab()
    assert finding.status == "note"
    assert finding.text.startswith("no-such-package missing")


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
    monkeypatch.setattr("course.data.reachable", lambda: time.sleep(3))
    importlib.import_module("torchvision")  # on a busy machine its import takes longer than the wait
    start = time.perf_counter()
    (finding,) = machine.network(patience=0.2)
    assert time.perf_counter() - start < 2
    assert finding.status == "note"


def test_a_network_that_answers(monkeypatch):
    monkeypatch.setattr("course.data.reachable", lambda: True)
    assert machine.network()[0].status == "ok"


def test_missing_course_files_stop_the_lessons(monkeypatch, tmp_path):
    monkeypatch.setattr("course.env.PACKAGE", tmp_path / "course")
    (finding,) = machine.shipped_files()
    assert finding.stops
    assert "quizzes" in finding.text


def test_a_corrupt_course_file_stops_the_lessons(monkeypatch, tmp_path):
    for path in machine.SHIPPED:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".npz"):
            (tmp_path / path).write_bytes(b"PK\x03\x04 half a file")
        else:
            (tmp_path / path).mkdir()
    monkeypatch.setattr("course.env.PACKAGE", tmp_path / "course")
    (finding,) = machine.shipped_files()
    assert finding.stops


def test_larger_data_sets_found_to_come_or_out_of_reach(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for k in range(4):
        (raw / f"{k}.gz").write_bytes(b"")
    found = {finding.name: finding for finding in machine.downloads(online=True)}
    assert found["mnist"] == Finding("mnist", "ok", f"in {raw}")
    assert "fetched when a lesson asks" in found["fashion_mnist"].text
    assert "neither here nor" in machine.downloads(online=False)[2].text
