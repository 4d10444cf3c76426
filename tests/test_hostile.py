"""Lessons where things are against them: no home, a checkout nobody may write to, Hangul in a path, other devices."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from project import LESSONS, NOTEBOOKS, ROOT, copy_tracked

NOBODY = 12345  # has no line in the system's list of users, so that there is no home folder to be looked up
PLACES = [path.relative_to(ROOT / "notebooks").as_posix() for path in NOTEBOOKS]
each_lesson = pytest.mark.parametrize("name", PLACES)


@pytest.fixture(scope="module")
def checkouts():
    """Makes copies of the project that everybody may read: checkouts(folder, writable). They go away at the end."""
    made = []

    def checkout(folder, writable=True):
        root = Path(tempfile.mkdtemp())
        made.append(root)
        root.chmod(0o755)
        copy = copy_tracked(root / folder)
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o777 if path.is_dir() and writable else 0o755)
        return copy

    yield checkout
    for root in made:
        shutil.rmtree(root)


def visit(checkout, name, *options, home=True):
    """Run a lesson there as somebody who is not root, with a home folder or without; returns what is printed, or ""."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o777)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("COURSE_", "XDG_", "HOME"))}
        places = dict.fromkeys(("TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR"), scratch)
        env = kept | places | {"PYTHONPATH": str(checkout), "COURSE_BUDGET": "quick", "PYTHONDONTWRITEBYTECODE": "1"}
        if home:
            env["HOME"] = scratch
        path = checkout / "notebooks" / name
        command = [*other_user(), sys.executable, checkout / "tests/hostile.py", path, *options]
        done = subprocess.run(command, cwd=path.parent, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == bool(done.stdout.strip()), done.stderr
    return done.stdout.strip()


def other_user(user=NOBODY):
    """What makes a command run as somebody else: root may write everywhere."""
    if os.getuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and setpriv, which makes another user of it, is not here")
    return ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"]


@pytest.mark.parametrize("name", [LESSONS[0].name, "further/00_planted.ipynb"])
def test_what_fails_is_named(checkouts, name):
    copy = checkouts("plain")
    path = copy / "notebooks" / name
    path.parent.mkdir(exist_ok=True)
    cell = nbformat.v4.new_code_cell("from course import data\n1 / 0", id="planted")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    for part in (path.parent, path):
        part.chmod(0o755)
    assert visit(copy, name) == "planted: ZeroDivisionError: division by zero"


def test_nobody_may_write_there(checkouts):
    probe = [*other_user(), sys.executable, "-c", "import sys; open(sys.argv[1], 'w')"]
    for writable, status in ((True, 0), (False, 1)):
        done = subprocess.run([*probe, checkouts("plain", writable) / "x"], capture_output=True, check=False)
        assert done.returncode == status


# What each of them does: copies to work in, a lesson run, a question answered, and a look at what is kept.
STUDENT = """
set -e
python -m course lessons --to "$HOME/lessons"
python "$COURSE/tests/hostile.py" "$HOME/lessons/00_welcome.ipynb"
python -c "from course import ask; ask('00-1', answer='$ANSWER')"
python -m course progress
"""


@pytest.mark.slow
def test_two_users_of_a_hub_at_once(checkouts):
    """The course belongs to another and cannot be written; each has a home, and a record of their own."""
    course, started = checkouts("course", writable=False), []
    own = os.getuid() == 0
    for user, answer in ((NOBODY, "b"), (NOBODY + own, "a")):
        home = Path(tempfile.mkdtemp())
        if own:
            os.chown(home, user, user)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("COURSE_", "XDG_"))}
        env = kept | {"HOME": str(home), "TMPDIR": str(home), "ANSWER": answer, "COURSE": str(course)}
        env |= {"PYTHONPATH": str(course), "PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
        env |= {"COURSE_BUDGET": "quick", "PYTHONDONTWRITEBYTECODE": "1"}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [*other_user(user), "sh", "-c", STUDENT]
        started.append((home, subprocess.Popen(command, cwd=home, env=env, **streams)))
    right = []
    for home, process in started:
        said, errors = process.communicate(timeout=600)
        assert process.returncode == 0, said + errors
        assert f"Kept in {home}" in said
        right.append(next(line.split()[2] for line in said.splitlines() if line.startswith("00 ")))
        shutil.rmtree(home)
    assert right == ["1", "0"]


@pytest.mark.slow
@each_lesson
def test_lessons_run_against_all_odds(checkouts, name):
    """From a checkout that is read-only, below a folder with spaces and Hangul, without a home folder."""
    assert visit(checkouts("내 강의 folder", writable=False), name, home=False) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PLACES if Path(name).stem[:2] in ("01", "05")])
def test_lessons_run_on_a_gpu_that_is_pretended(checkouts, name):
    assert visit(checkouts("plain"), name, "--on", "cuda") == ""


@pytest.mark.hostile
@each_lesson
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_every_lesson_runs_on_a_device_that_is_pretended(checkouts, name, device):
    assert visit(checkouts("plain"), name, "--on", device) == ""
