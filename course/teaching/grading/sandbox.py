"""A worker process for what students wrote, shut in by bubblewrap: no network, nothing to write to, nobody to see.

In sight are Python, torch and what torch needs, read only; not the course, its questions or its data, no home, no other
submission. A filter of system calls lets it start no process and no thread, open no socket, and keep no memory outside
of itself. It is ended when it does not answer, and when it is gone there is nothing left of it.
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
# Numbers of system calls that are refused: those that start processes and threads (a hundred thousand of which leave
# no room for anybody's), or reach into another process, be it bubblewrap's own; that hold memory when they are done
# (queues, shared memory, memfd); sockets, of which some are shut in by no namespace; those that change whose a file is
# and who may use it (where root marks, /dev/null would obey, which is the machine's own); and those that a kernel
# should not be asked by a stranger.
CALLS = {
    "x86_64": {
        "arch": 0xC000003E,
        "no": {29, 41, 56, 57, 58, 64, 68, 101, 103, 155, 165, 240, 248, 249, 250, 253, 272, 294}
        | {298, 308, 310, 311, 319, 321, 323}
        | {90, 91, 92, 93, 94, 132, 188, 189, 190, 197, 198, 199, 235, 260, 261, 268, 280},
    },
    "aarch64": {
        "arch": 0xC00000B7,
        "no": {26, 40, 41, 97, 116, 117, 180, 186, 190, 194, 198, 217, 218, 219, 220, 241, 268, 270}
        | {271, 279, 280, 282}
        | {5, 6, 7, 14, 15, 16, 52, 53, 54, 55, 88},
    },
}
EVERYWHERE = {425, 426, 427, 434, 438, 447, 452, 463, 466, 469}  # as well: newer ones have one number on all machines
CLONE3 = 435  # is not there for who asks: the C library then takes another, and is refused that


class Stopped(Exception):
    """A worker that had to be ended. `slug` says why: "time", "reply" (too long, or none that can be read), "gone"."""

    def __init__(self, slug):
        super().__init__(slug)
        self.slug = slug


def no_processes(machine):
    """The filter of system calls for a `machine` such as "x86_64", as the kernel reads it: no new processes or
    threads."""
    calls, errno = CALLS[machine], 0x00050000
    refused, absent, killed, allowed = errno | 1, errno | 38, 0x80000000, 0x7FFF0000
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    lines = [(load, 0, 0, 4), (equal, 1, 0, calls["arch"]), (answer, 0, 0, killed), (load, 0, 0, 0)]
    lines += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, refused)]  # another table of numbers, of x86 only
    for number, said in (*((number, refused) for number in sorted(calls["no"] | EVERYWHERE)), (CLONE3, absent)):
        lines += [(equal, 0, 1, number), (answer, 0, 0, said)]
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
    line += ["--size", str(SCRATCH), "--tmpfs", "/tmp"]  # first: an environment may lie below it
    for place in seen:
        line += ["--symlink", os.readlink(place), place] if os.path.islink(place) else ["--ro-bind", place, place]
    for place in hidden():
        line += ["--tmpfs", place] if any(_inside(place, other) for other in seen) else []
    for part in (HERE / "worker.py", HERE / "wire.py", HERE.parent / "exercises/answers.py"):
        line += ["--ro-bind", str(part), f"/box/{part.name}"]
    line += ["--proc", "/proc", "--tmpfs", "/proc/1"]  # bubblewrap's own: its memory and environment can be read there
    line += ["--dev", "/dev", "--remount-ro", "/dev"]
    for name, value in ENVIRONMENT.items():
        line += ["--setenv", name, value]
    for place in ("/proc/1", "/proc", "/"):  # where root marks, /proc/sys would take orders
        line += ["--remount-ro", place]
    line += ["--chdir", "/tmp", "--seccomp", str(calls.fileno())]
    return [*line, "--", *_python()]


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


def started(trusted=False, tries=3):
    """A Worker. Raises OSError where none can be had any more: that is trouble of this machine, and no student's."""
    for left in reversed(range(tries)):
        try:
            return Worker(trusted)
        except (Stopped, BlockingIOError) as error:
            if not left:
                raise OSError("no sandbox can be started any more") from error
            time.sleep(1)


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
                pipes["env"] = {}  # of bubblewrap, which hides it only from what it starts
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
