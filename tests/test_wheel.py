"""The wheel holds the package, the quizzes and the small data, and nothing else; every lesson runs from it."""

import tomllib
import zipfile

import nbformat
import pytest
from project import BIN, NOTEBOOKS, ROOT, add_kernel, copy_tracked, execute, run

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
pytestmark = pytest.mark.slow
DOWNLOAD = "data/MNIST/raw/train-images-idx3-ubyte.gz"


@pytest.fixture(scope="module")
def wheel(uv, network, tmp_path_factory):
    """The wheel, built from a copy of this checkout in which a download lies under data/."""
    home = tmp_path_factory.mktemp("wheel")
    source = copy_tracked(home / "source")
    (source / DOWNLOAD).parent.mkdir(parents=True)
    (source / DOWNLOAD).write_bytes(b"0")
    done = run(uv, "build", "--quiet", "--wheel", "--out-dir", home, source)
    assert done.returncode == 0, done.stderr
    (built,) = home.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(uv, network, wheel, tmp_path_factory):
    """A new environment with the wheel, what it asks for, and what runs a notebook; and a kernel `clean` in it.

    It is a true installation of everything, torch too: uv links files from its cache, which takes seconds.
    """
    home = tmp_path_factory.mktemp("clean")
    python = home / "env" / BIN / "python"
    pins = ("--constraints", ROOT / "requirements.lock")
    for command in (("venv", home / "env"), ("pip", "install", "--python", python, *pins, wheel, "ipykernel")):
        done = run(uv, *command)
        assert done.returncode == 0, done.stderr
    add_kernel(home / "jupyter", "clean", python)
    return python


def test_the_wheel_holds_what_lessons_read_and_no_more(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = wheel.parent / "source"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()} - {DOWNLOAD}
    package = {name for name in files if name.startswith("course/")}
    shipped = {f"course/_shipped/{name}" for name in files if name.startswith(("quizzes/", "data/"))}
    assert names == package | shipped
    assert {"course/_shipped/data/mnist_mini.npz", "course/schedules.py"} <= names
    texts = {name.partition("/licenses/")[2] for name in zipfile.ZipFile(wheel).namelist() if "/licenses/" in name}
    assert texts == set(PROJECT["license-files"])


def test_the_command_line_works_from_the_wheel(clean, tmp_path):
    done = run(clean, "-m", "course", "sample", "digits", "--steps", "5", "-n", "4", "--out", "grid.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_runs_from_the_wheel(path, clean, tmp_path, monkeypatch):
    """From an empty folder, offline: whoever asks for a page gets a refused connection."""
    monkeypatch.setenv("JUPYTER_PATH", str(clean.parents[2] / "jupyter"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    lesson = nbformat.read(path, as_version=4)
    lesson.cells.append(nbformat.v4.new_code_cell("import course\nprint(course.__file__)"))
    execute(lesson, tmp_path, kernel="clean")
    where = lesson.cells[-1].outputs[0].text
    assert where.startswith(str(clean.parents[1])), f"the lesson ran on {where}"
