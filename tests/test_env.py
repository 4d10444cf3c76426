"""What a run is and where its files are."""

import platform
import random
import subprocess
import sys

import numpy as np
import pretend
import pytest
import torch
from helpers import refused

from course import data, env


def test_one_seed_fixes_every_stream():
    def draw(seed):
        generator = env.seed_all(seed)
        return random.random(), np.random.rand(), torch.rand(()).item(), torch.rand((), generator=generator).item()

    assert draw(3) == draw(3)
    assert all(a != b for a, b in zip(draw(3), draw(4), strict=True))


def test_the_generator_of_a_seed_is_independent_of_the_global_stream():
    generator = env.seed_all(0)
    first = torch.rand(3)
    torch.rand(3, generator=generator)
    env.seed_all(0)
    assert torch.rand(3).equal(first)


def test_the_device_can_compute():
    assert torch.ones(2, device=env.device()).sum() == 2
    assert env.device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("capabilities", "answer"),
    [
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": False, "avx512_f": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_a_processor_trains_in_bfloat16_only_where_its_hardware_has_it(capabilities, answer, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert env.precision("cpu") == env.precision(torch.device("cpu")) == answer
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert env.precision("cpu") == torch.float32


def test_a_torch_that_cannot_be_asked_for_its_processor_trains_in_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert env.precision("cpu") == torch.float32


@pytest.mark.parametrize(("has", "answer"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_trains_in_bfloat16_or_else_in_float16(has, answer, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has or including_emulation)
    assert env.precision("cuda:0") == answer


@pytest.mark.parametrize(("chosen", "answer"), [("quick", 1), ("full", 2)])
def test_course_budget_decides(chosen, answer, monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", chosen)
    assert env.budget(quick=1, full=2) == answer


@pytest.mark.parametrize(("kind", "answer"), [("cpu", 1), ("cuda", 2)])
@pytest.mark.parametrize("unset", [True, False])
def test_without_course_budget_a_gpu_decides(kind, answer, unset, monkeypatch):
    monkeypatch.setattr(env, "device", lambda: torch.device(kind))
    if unset:
        monkeypatch.delenv("COURSE_BUDGET", raising=False)
    else:
        monkeypatch.setenv("COURSE_BUDGET", "")
    assert env.budget(quick=1, full=2) == answer


def test_another_budget_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "fast")
    with refused(ValueError, "'fast'.*'quick' or 'full'"):
        env.budget(quick=1, full=2)


def test_threads_reads_and_sets():
    before = env.threads()
    try:
        assert env.threads(1) == 1
        assert torch.get_num_threads() == 1
        assert env.threads() == 1
    finally:
        torch.set_num_threads(before)


def test_shipped_files_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    assert env.shipped("data/photos/camera.png").is_file()
    assert data.load("mnist_mini")[0].shape == (1000, 1, 28, 28)


def test_an_installed_package_ships_its_own_files(tmp_path, monkeypatch):
    package = tmp_path / "site" / "course"
    (package / "_shipped" / "data").mkdir(parents=True)
    (package / "_shipped" / "data" / "x.txt").write_text("x")
    monkeypatch.setattr(env, "PACKAGE", package)
    assert env.checkout() is None
    assert env.shipped("data/x.txt").read_text() == "x"


def test_a_missing_shipped_file_is_named():
    with refused(FileNotFoundError, r"data/nothing\.npz should have come with the course.*install it again"):
        env.shipped("data/nothing.npz")


def test_downloads_go_where_course_data_says_else_to_the_checkout_else_to_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert env.data_root() == tmp_path
    monkeypatch.setenv("COURSE_DATA", "~/pictures")
    assert "~" not in str(env.data_root())
    monkeypatch.delenv("COURSE_DATA")
    assert env.data_root() == env.checkout() / "data"
    monkeypatch.setattr(env, "PACKAGE", tmp_path / "site" / "course")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "noise-to-images" in str(env.data_root())
    assert not env.data_root().exists()  # asking creates nothing


def test_the_package_names_its_parts_and_imports_none_of_them_before_they_are_asked_for():
    code = (
        "import sys, course; print('torch' in sys.modules, course.schedules.linear(9).T, 'course.viz' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "9", "False"]


def test_an_unknown_part_lists_the_known_ones():
    import course

    with refused(AttributeError, "'sampler'; it has .*exact.*forward.*models"):
        _ = course.sampler
    assert {"schedules", "forward", "NULL"} <= set(dir(course))
    assert course.NULL == -1


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_device_is_named_by_the_environment(monkeypatch, kind):
    with pretend.device(kind):
        monkeypatch.delenv("COURSE_DEVICE", raising=False)
        assert env.device() == torch.device("cuda" if kind == "cuda" else "cpu")
        for name in (kind, "cpu"):
            monkeypatch.setenv("COURSE_DEVICE", name)
            assert env.device() == torch.device(name)
        monkeypatch.setenv("COURSE_DEVICE", "")
        assert env.device() == torch.device("cuda" if kind == "cuda" else "cpu")
        assert env.precision(kind) == (torch.float16 if kind == "cuda" else torch.float32)
        assert env.machine(kind) == ("Pretend T4" if kind == "cuda" else f"{platform.machine()} MPS")
    assert env.machine("cpu") == f"{platform.machine()} CPU"


@pytest.mark.parametrize("name", ["nonsense", "cuda:99", "cuda:1", "mps", "meta", "cpu:3", "xpu", "60 of them"])
def test_a_device_that_is_not_there_is_one_line(monkeypatch, name):
    monkeypatch.setenv("COURSE_DEVICE", name)
    with pretend.device("cuda"):
        for call in (env.device, lambda: env.usable(name)):
            with refused(ValueError, f"the device {name} cannot be used here; there is cpu, cuda:0$"):
                call()


def test_float64_becomes_float32_on_mps_alone():
    x = torch.arange(3.0, dtype=torch.float64)
    assert env.moved(x, "cpu") is x
    assert (env.float64_home("cpu"), env.float64_home("mps")) == (torch.device("cpu"),) * 2
    with pretend.device("mps"):
        assert (env.moved(x, "mps").dtype, env.moved(x.long(), "mps").dtype) == (torch.float32, torch.int64)
    with pretend.device("cuda"):
        assert env.moved(x, "cuda").dtype == torch.float64
        assert env.float64_home("cuda:0") == torch.device("cuda:0")


def test_torch_is_as_usual_in_its_block_and_as_it_was_after():
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            with env.torch_as_usual():
                inside = torch.ones(2)
            after = torch.ones(2)
        with pytest.raises(KeyError), env.torch_as_usual():
            raise KeyError
        assert (inside.dtype, inside.device.type, after.dtype, after.device.type) == (
            *(torch.float32, "cpu"),
            *(torch.float64, "meta"),
        )
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
