"""What pytest itself needs: the settings of a test run, and environments that hold everything but the course itself."""

import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from decks import find_chromium
from project import BIN, add_kernel, module, run

# Before torch is imported: small networks run many times slower on several threads, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("COURSE_BUDGET", "quick")
# What tests answer is not what the person at this machine has learned.
os.environ.pop("COURSE_VARIANT", None)
os.environ["COURSE_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="course-progress-")) / "progress.sqlite3")


@pytest.fixture(scope="module")
def solution(request):
    """The filled exercises of a lesson, for the test_lesson.py beside them."""
    return module(request.path.parent / "solution.py")


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium; without one, browser tests skip, and fail where a skip would hide them."""
    found = find_chromium()
    if not found:
        (pytest.fail if os.environ.get("CI") or os.environ.get("COURSE_CI") else pytest.skip)(
            "no Chromium here: apt-get install chromium, or name one in COURSE_CHROMIUM"
        )
    return found


@pytest.fixture(scope="session")
def bubblewrap():
    """Skips where no sandbox can be had, and fails where a skip would hide that."""
    from course.teaching.grading import sandbox

    if trouble := sandbox.trouble():
        (pytest.fail if os.environ.get("CI") or os.environ.get("COURSE_CI") else pytest.skip)(trouble)


@pytest.fixture(scope="session")
def uv():
    """The path of uv: the environment's own, else the machine's."""
    found = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if not found:
        pytest.skip("uv is neither in this environment nor on the PATH")
    return found


@pytest.fixture(scope="session")
def network(uv, tmp_path_factory):
    """Skips where uv cannot reach the package registry it is set up for."""
    cache = tmp_path_factory.mktemp("cache")  # empty: what was fetched earlier proves nothing
    probe = run(
        *(uv, "pip", "compile", "--quiet", "--no-deps", "--cache-dir", cache, "-"),
        input="wheel\n",
        env={**os.environ, "UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "0"},
    )
    if probe.returncode:
        pytest.skip(f"no package registry can be reached: {' '.join(probe.stderr.split())[:200]}")


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A Python with pip and all that this environment holds except the course, and a kernel named `bare` that runs it.

    The packages come by a .pth line: Python adds that folder but does not read the .pth files inside it, and the
    editable course is one of those. pip is borrowed from the interpreter below, as the environment has none.
    """
    home = tmp_path_factory.mktemp("bare")
    done = run(sys.executable, "-m", "venv", "--without-pip", home / "env")
    assert done.returncode == 0, done.stderr
    python = home / "env" / BIN / Path(sys.executable).name
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
    (site / "parent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    below = run(sys._base_executable, "-c", "import pip; print(pip.__path__[0])")
    if below.returncode:
        pytest.skip(f"{sys._base_executable} has no pip to borrow")
    (site / "pip").symlink_to(below.stdout.strip())
    add_kernel(home / "jupyter", "bare", python)
    assert "No module named 'course'" in run(python, "-c", "import course", cwd=home).stderr
    return python
