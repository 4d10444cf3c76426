"""The setup cell: nothing in a checkout, one line where no repository is known, else a clone that imports at once."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from project import LESSONS, ROOT, copy_tracked, execute, run

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
    (folder / "course").mkdir()
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


@pytest.mark.slow
def test_fetches_this_very_checkout(bare, network, tmp_path, monkeypatch):
    """The real package from a real clone, dependencies checked by pip: the first lesson's imports work."""
    address = commit(copy_tracked(tmp_path / "origin"))
    (tmp_path / "empty").mkdir()
    probe = "from course import data, env\nx, y = data.load('digits')\nprint(tuple(x.shape), env.checkout())"
    notebook, ended = attempt(bare, tmp_path / "empty", [CELL, probe], monkeypatch, address)
    assert ended, notebook.cells[0].outputs
    assert texts(notebook)[1] == f"(1797, 1, 8, 8) {tmp_path}/empty/noise-to-images\n"
    assert run(bare, "-m", "pip", "uninstall", "--yes", "noise-to-images").returncode == 0


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_holds_what_stamp_writes(path):
    address = stamp.repository((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    notebook = nbformat.read(path, as_version=4)
    assert stamp.stamped(nbformat.read(path, as_version=4), path.name, address) == notebook, "run tools/stamp.py"
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert "setup" in first.metadata.get("tags", []), "the setup cell must be the first code cell"


def test_badges_point_at_files_that_exist():
    for path in LESSONS:
        badge = stamp.badge_cell("https://github.com/someone/somewhere.git", path.name)
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
