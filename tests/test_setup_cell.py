"""The setup cell: nothing in a checkout, one line where no repository is known, else a clone that imports at once."""

import ast
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from project import NOTEBOOKS, ROOT, copy_tracked, execute, run

sys.path.append(str(ROOT / "tools"))
import stamp

CELL = stamp.setup_cell(stamp.repository((ROOT / "pyproject.toml").read_text(encoding="utf-8")))

# A build backend inside the repository, so that `pip install --editable` needs no network.
BACKEND = """
import pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "stand_in-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("stand_in.pth", str(pathlib.Path.cwd()) + "\\n")
        info = "stand_in-1.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: stand-in\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def commit(folder):
    """Make a git repository of a folder and give its address."""
    me = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet"), ("add", "--all"), (*me, "commit", "--quiet", "--message=all")):
        done = run("git", *command, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder.as_uri()


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stand_in")
    (folder / "course/teaching").mkdir(parents=True)
    (folder / "course/teaching/__init__.py").write_text("")
    (folder / "course/__init__.py").write_text("where = 'clone'\n")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return commit(folder)


def attempt(bare, folder, cells, monkeypatch, repository):
    """Run cells in the kernel that has no course, from `folder`: the notebook, and whether it came to its end."""
    monkeypatch.setenv("JUPYTER_PATH", str(bare.parents[2] / "jupyter"))
    monkeypatch.setenv("COURSE_REPO", repository)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    try:
        execute(notebook, folder, kernel="bare")
    except CellExecutionError:
        return notebook, False
    return notebook, True


def texts(notebook):
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


def test_a_checkout_is_left_alone(tmp_path):
    done = run(sys.executable, "-c", CELL, cwd=tmp_path, env={**os.environ, "COURSE_REPO": "file:///nowhere"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())


def test_fetches_the_course_and_the_next_cell_imports_it(bare, stand_in, tmp_path, monkeypatch):
    cells = [CELL, "import course\nprint(course.where, course.__file__)"]
    notebook, ended = attempt(bare, tmp_path, cells, monkeypatch, stand_in)
    assert ended
    assert texts(notebook) == ["", f"clone {tmp_path}/noise-to-images/course/__init__.py\n"]
    assert (tmp_path / "noise-to-images/.git/shallow").exists(), "the clone brought the whole history"
    # After a restart the editable install is found, and the cell does nothing.
    notebook, ended = attempt(bare, tmp_path, cells, monkeypatch, "file:///nowhere")
    assert ended
    assert texts(notebook)[1].startswith("clone")
    assert run(bare, "-m", "pip", "uninstall", "--yes", "stand-in").returncode == 0


@pytest.mark.parametrize(
    ("repository", "line"),
    [
        ("", r"Setup stopped: no course here; set COURSE_REPO .*"),
        ("file:///nowhere/at/all", r"Setup stopped: `git clone .*` said: .*not.*"),
    ],
)
def test_says_in_one_line_what_is_missing(bare, tmp_path, monkeypatch, repository, line):
    if not repository:
        assert stamp.UNKNOWN in stamp.setup_cell("")
    cell = stamp.setup_cell("")
    notebook, ended = attempt(bare, tmp_path, [cell, "print('went on')"], monkeypatch, repository)
    assert not ended
    shown = [line for output in notebook.cells[0].outputs for line in output.get("traceback", [output.get("text")])]
    assert len(shown) == 1
    assert re.fullmatch(line, shown[0]), shown
    assert notebook.cells[1].outputs == []
    assert not list(tmp_path.iterdir())


# The cell as a kernel would run it where no course is installed: this Python, whose path leads only to where it stands.
ALONE = """
import sys
sys.path[:] = ["", *(place for place in sys.path if "site-packages" not in place)]
try:
    exec(sys.argv[1])
except Exception as error:
    print(type(error).__name__, ascii(str(error)))
"""


def alone(folder, repository="file:///nowhere", **environment):
    """What the cell says, run from a folder in a Python without packages, as (kind of error, its words)."""
    (folder / "alone.py").write_text(ALONE)
    environment = {**os.environ, "COURSE_REPO": repository, **environment}
    environment.pop("PYTHONPATH", None)
    done = run(sys.executable, "-S", "alone.py", stamp.setup_cell(""), cwd=folder, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    kind, _, words = done.stdout.strip().partition(" ")
    return kind, ast.literal_eval(words)


@pytest.mark.skipif(os.name == "nt", reason="a script cannot stand in for git there")
@pytest.mark.parametrize(
    "said", ["저장소가 없습니다".encode(), "저장소".encode("cp949"), b"\xff\xfe\x81"], ids=["UTF-8", "CP949", "neither"]
)
def test_what_git_says_is_shown_under_any_code_page(tmp_path, said):
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_bytes(b"#!/bin/sh\nprintf '%s' '" + said + b"' >&2\nexit 1\n")
    git.chmod(0o755)
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # bytes above 127 are no text here
    kind, words = alone(tmp_path, "file:///강의", PATH=str(git.parent), **plain)
    assert kind == "SetupStopped"
    assert words.endswith("said: " + said.decode("utf-8", "replace"))


def test_without_git_it_says_so(tmp_path):
    kind, words = alone(tmp_path, PATH=str(tmp_path))
    assert kind == "SetupStopped"
    assert re.match(r"git cannot be run here \(.*\); install it", words)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "noise-to-images").write_text("a file in the way: git can make no folder here")
    kind, words = alone(tmp_path, tmp_path.as_uri())
    assert kind == "SetupStopped"
    assert re.match("`git clone .*` said: .*noise-to-images", words)


def test_a_mere_folder_called_course_is_no_course(bare, stand_in, tmp_path, monkeypatch):
    (tmp_path / "course" / "notebooks").mkdir(parents=True)
    cells = ["import course\nprint(course.__file__)", CELL, "import course\nprint(course.where)"]
    notebook, ended = attempt(bare, tmp_path, cells, monkeypatch, stand_in)
    assert ended, notebook.cells[1].outputs
    assert texts(notebook) == ["None\n", "", "clone\n"]
    assert run(bare, "-m", "pip", "uninstall", "--yes", "stand-in").returncode == 0


@pytest.mark.parametrize("other", ["course.py", "course/__init__.py"])
def test_another_package_of_that_name_is_named(tmp_path, other):
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("")
    kind, words = alone(tmp_path)
    assert kind == "SetupStopped"
    assert words.startswith(f"{tmp_path / other} is another `course`: rename it")


@pytest.mark.slow
def test_fetches_this_very_checkout(bare, network, tmp_path, monkeypatch):
    """The real package from a real clone, dependencies checked by pip: the first lesson's imports work."""
    address = commit(copy_tracked(tmp_path / "origin"))
    (tmp_path / "empty").mkdir()
    probe = "from course import data, env\nx, y = data.load('digits', 'all')\nprint(tuple(x.shape), env.checkout())"
    notebook, ended = attempt(bare, tmp_path / "empty", [CELL, probe], monkeypatch, address)
    assert ended, notebook.cells[0].outputs
    assert texts(notebook)[1] == f"(1797, 1, 8, 8) {tmp_path}/empty/noise-to-images\n"
    assert run(bare, "-m", "pip", "uninstall", "--yes", "noise-to-images").returncode == 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_lesson_holds_what_stamp_writes(path):
    address = stamp.repository((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    notebook = nbformat.read(path, as_version=4)
    name = path.relative_to(ROOT / "notebooks").as_posix()
    assert stamp.stamped(nbformat.read(path, as_version=4), name, address) == notebook, "run tools/stamp.py"
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert "setup" in first.metadata.get("tags", []), "the setup cell must be the first code cell"
    assert not [cell.id for cell in notebook.cells if "noqa" in cell.source], "tell ruff in pyproject.toml, not readers"


def test_badges_point_at_files_that_exist():
    for path in NOTEBOOKS:
        name = path.relative_to(ROOT / "notebooks").as_posix()
        badge = stamp.badge_cell("https://github.com/someone/somewhere.git", name)
        target = re.search(r"\(https://colab[^)]*/github/someone/somewhere/blob/main/(.*)\)$", badge).group(1)
        assert (ROOT / target).is_file(), target
    assert stamp.badge_cell("", "01.ipynb") == stamp.badge_cell("https://gitlab.com/a/b", "01.ipynb")
    assert re.fullmatch("<!-- .* -->", stamp.badge_cell("", "01.ipynb")), "nothing to see, and no empty cell"


def test_stamp_fills_both_cells_and_refuses_a_lesson_without_them():
    def cell(kind, tag):
        return getattr(nbformat.v4, f"new_{kind}_cell")("old", metadata={"tags": [tag]})

    lesson = nbformat.v4.new_notebook(cells=[cell("markdown", "badge"), cell("code", "setup")])
    badge, setup = stamp.stamped(lesson, "01.ipynb", "https://github.com/a/b").cells
    assert "colab" in badge.source
    assert '"COURSE_REPO", "https://github.com/a/b"' in setup.source
    assert stamp.repository('[project]\nurls = {Repository = "https://github.com/a/b/"}') == "https://github.com/a/b"
    with pytest.raises(ValueError, match="exactly one code cell tagged 'setup'"):
        stamp.stamped(nbformat.v4.new_notebook(cells=[cell("markdown", "badge")]), "01.ipynb", "")


def test_the_setup_cell_is_short_and_needs_only_the_standard_library():
    assert len(CELL.splitlines()) <= 25
    imported = set(re.findall(r"^import (\w+)", CELL, re.MULTILINE))
    assert imported <= sys.stdlib_module_names
    assert Path(ROOT / "tools/setup_cell.py").read_text(encoding="utf-8").isascii()
