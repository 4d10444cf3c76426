"""A worker process for what students wrote, shut in by bubblewrap: no network, nothing to write to, nobody to see.

In sight are Python, torch and what torch needs, read only; not the course, its questions or its data, no home, no other
submission. A filter of system calls lets it start no process. It is ended when it does not answer, and when it is gone
there is nothing left of it.
"""

import json
import os
import platform
import selectors
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from course import env
from course.teaching.language import say

STARTING = 120  # seconds for torch to be imported, on a busy machine
ANSWERING = 15  # seconds for a job; its processor time is limited in the worker
LONGEST = 2 << 20  # bytes of a reply
SCRATCH = 16 << 20  # bytes of the only folder that can be written to, in memory
HERE = Path(__file__).parent
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")
ENVIRONMENT = {
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
# The numbers of system calls: those that start processes, and those that a kernel should not be asked by a stranger.
CALLS = {
    "x86_64": {
        "arch": 0xC000003E,
        "clone": 56,
        "clone3": 435,
        "no": (57, 58, 101, 165, 155, 248, 249, 250, 272, 298, 308, 321, 323, 425, 426, 427),
    },
    "aarch64": {
        "arch": 0xC00000B7,
        "clone": 220,
        "clone3": 435,
        "no": (117, 40, 41, 217, 218, 219, 97, 241, 268, 280, 282, 425, 426, 427),
    },
}


class Stopped(Exception):
    """A worker that had to be ended. `slug` says why: "time", "reply" (too long, or none that can be read), "gone"."""

    def __init__(self, slug):
        super().__init__(slug)
        self.slug = slug


def no_processes(machine):
    """The filter of system calls for a `machine` such as "x86_64", as the kernel reads it: no new processes, but
    threads."""
    calls, errno = CALLS[machine], 0x00050000
    refused, absent, killed, allowed = errno | 1, errno | 38, 0x80000000, 0x7FFF0000
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    lines = [(load, 0, 0, 4), (equal, 1, 0, calls["arch"]), (answer, 0, 0, killed), (load, 0, 0, 0)]
    lines += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, refused)]  # another table of numbers, of x86 only
    for number in calls["no"]:
        lines += [(equal, 0, 1, number), (answer, 0, 0, refused)]
    lines += [(equal, 0, 1, calls["clone3"]), (answer, 0, 0, absent)]  # the C library then takes clone
    lines += [(equal, 0, 3, calls["clone"]), (load, 0, 0, 16), (any_bit, 1, 0, 0x10000), (answer, 0, 0, refused)]
    lines += [(answer, 0, 0, allowed)]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _site():
    """The folders in which torch, numpy and what they need lie."""
    places = {Path(find_spec(name).origin).resolve().parents[1] for name in ("torch", "numpy")}
    return sorted(map(str, places))


def _in_sight():
    """The folders that a worker may read, outermost first."""
    places = [*SYSTEM, os.path.realpath(sys.base_prefix), sysconfig.get_paths()["stdlib"], *_site()]
    return [*dict.fromkeys(sorted(place for place in places if os.path.exists(place)))]


def hidden():
    """The course's own folders, which must not be in sight even where they lie in a folder that is."""
    return [str(env.shipped(name)) for name in ("quizzes", "data")] + [str(HERE.parents[1])]


def command(calls):
    """A Python in bubblewrap, as a command line that goes on with its arguments; `calls` is the open
    file of the filter."""
    seen = _in_sight()
    line = [shutil.which("bwrap"), "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"]
    line += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
    for place in seen:
        line += ["--symlink", os.readlink(place), place] if os.path.islink(place) else ["--ro-bind", place, place]
    for place in hidden():
        line += ["--tmpfs", place] if any(_inside(place, other) for other in seen) else []
    for part in (HERE / "worker.py", HERE / "wire.py", HERE.parent / "exercises/answers.py"):
        line += ["--ro-bind", str(part), f"/box/{part.name}"]
    line += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--size", str(SCRATCH), "--tmpfs", "/tmp"]
    for name, value in ENVIRONMENT.items():
        line += ["--setenv", name, value]
    return [*line, "--remount-ro", "/", "--chdir", "/tmp", "--seccomp", str(calls.fileno()), "--", *_python()]


def _inside(place, other):
    return Path(place).is_relative_to(other)


def _python():
    """The interpreter without the environment: no folder of the user, and no file that runs at its start."""
    return [os.path.realpath(sys.executable), "-I", "-S", "-B"]


def trouble():
    """Why no sandbox can be had here, in one line; "" where one can."""
    if not shutil.which("bwrap"):
        return say("marking.no-bwrap")
    if platform.machine() not in CALLS:
        return say("marking.no-filter", machine=platform.machine())
    with _filter() as calls:
        line = [*command(calls), "-c", "print(1)"]
        tried = subprocess.run(line, capture_output=True, text=True, pass_fds=[calls.fileno()], timeout=STARTING)
    if tried.returncode == 0 and tried.stdout == "1\n":
        return ""
    return say("marking.no-sandbox", reason=" ".join(tried.stderr.split())[-200:])


@contextmanager
def _filter():
    """An open file that holds the filter of system calls."""
    with tempfile.TemporaryFile() as file:
        file.write(no_processes(platform.machine()))
        file.seek(0)
        yield file


class Worker:
    """One worker process, for the functions of one submission. Use it in a `with`.

    `trusted` leaves the sandbox away: then only the worker's own limits hold. Raises Stopped.
    """

    def __init__(self, trusted=False):
        self.folder = None
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "bufsize": 0}
        if trusted:
            self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            line, pipes["cwd"], pipes["env"] = self._bare(), self.folder.name, ENVIRONMENT | {"HOME": self.folder.name}
            self.process = subprocess.Popen(line, start_new_session=True, **pipes)
        else:
            with _filter() as calls:
                line, fds = [*command(calls), "/box/worker.py", *_site()], [calls.fileno()]
                self.process = subprocess.Popen(line, start_new_session=True, pass_fds=fds, **pipes)
        os.set_blocking(self.process.stdin.fileno(), False)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b""
        try:
            self._exchange(b"", STARTING)
        except Stopped:
            self.close()
            raise

    def _bare(self):
        """The command line without bubblewrap; the worker finds its parts where they are."""
        for part in (HERE / "wire.py", HERE.parent / "exercises/answers.py"):
            shutil.copy(part, self.folder.name)
        return [*_python(), str(HERE / "worker.py"), self.folder.name, *_site()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the process, and all that it may have started, and wait until it is gone."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has ended already
            self.process.poll()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        if self.folder:
            self.folder.cleanup()

    def ask(self, job):
        """The reply to a job, as JSON gives it. Raises Stopped, and the worker is of no use then."""
        return self._exchange(json.dumps(job).encode() + b"\n", ANSWERING)

    def _exchange(self, data, seconds):
        """Send `data`, and read one line in so many seconds."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            if data:
                ready.register(self.process.stdin, selectors.EVENT_WRITE)
            while b"\n" not in self.rest:
                left = end - time.monotonic()
                if left <= 0:
                    raise Stopped("time")
                for key, _ in ready.select(left):
                    if key.fileobj is self.process.stdin:
                        data = self._write(data)
                        if not data:
                            ready.unregister(self.process.stdin)
                    else:
                        self._read()
        line, _, self.rest = self.rest.partition(b"\n")
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise Stopped("reply") from None

    def _write(self, data):
        try:
            return data[os.write(self.process.stdin.fileno(), data[: 1 << 16]) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            raise Stopped(self._end()) from None

    def _read(self):
        part = os.read(self.process.stdout.fileno(), 1 << 16)
        if not part:
            raise Stopped(self._end())
        self.rest += part
        if len(self.rest) > LONGEST:
            raise Stopped("reply")

    def _end(self):
        """Why a worker that is gone has gone: the kernel ends it when its time is used up."""
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:  # it has closed its end of the line, and goes on
            return "gone"
        return "time" if code in (128 + signal.SIGXCPU, -signal.SIGXCPU) else "gone"
