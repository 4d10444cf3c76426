"""The sandbox: what runs in it sees torch and nothing of ours, does no harm, and is gone when it is closed."""

import json
import os
import shutil
import socket
import struct
import time
from pathlib import Path

import psutil
import pytest
import torch
from project import ROOT

from course.teaching.grading import sandbox, wire


@pytest.fixture(scope="module")
def worker(bubblewrap):
    with sandbox.Worker() as one:
        yield one


def job(body, *args, needs=("import os, torch",)):
    """A job for the function my_f(x) with this body."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return {
        "name": "my_f",
        "source": f"def my_f(x):\n{lines}",
        "needs": list(needs),
        "course": [],
        "stand_ins": False,
        "calls": [[wire.encoded(arg)] for arg in args or (torch.zeros(2),)],
    }


def said(worker, body):
    """What a body that raises what it has found tells us."""
    (call,) = worker.ask(job(f"raise ValueError({body})"))["calls"]
    assert call["error"] == "ValueError", call
    return call["message"]


def test_functions_answer_with_numbers(worker):
    x = torch.arange(3.0)
    (one, two) = worker.ask(job("return 2 * x, len(x)", x, x + 1))["calls"]
    assert torch.equal(wire.decoded(one["value"][0]), 2 * x)
    assert torch.equal(wire.decoded(two["value"][0]), 2 * (x + 1))
    assert wire.decoded(one["value"][1]).item() == 3
    assert (one["bare"], one["changed"]) == ([1], [])


@pytest.mark.parametrize(
    ("body", "call"),
    [
        ("x.mul_(2)\nx.fill_(1)\nreturn x + 1", {"changed": [0]}),
        ("x.resize_(5)\nreturn 1", {"changed": [0]}),
        ("return None", {"nothing": True}),
        ("return x.numpy()", {"odd": ["array", {}]}),
        ("return x.to_sparse()", {"odd": ["layout", {"kind": "sparse_coo"}]}),
        ("return torch.zeros(300_000)", {"huge": 1_200_000}),
        ("return x +", {"error": "SyntaxError"}),
        ("quit()", {"error": "SystemExit"}),
        ("return undefined", {"error": "NameError", "line": [2, "return undefined"]}),
        ("return torch.ones(10**10)", {"error": "RuntimeError"}),
        ("return [0] * 10**10", {"error": "MemoryError"}),
    ],
)
def test_what_comes_of_other_bodies(worker, body, call):
    (found,) = worker.ask(job(body))["calls"]
    assert call.items() <= found.items()


def test_a_line_of_the_notebook_that_fails_leaves_the_function(worker):
    reply = worker.ask(job("return x + K", needs=["import torch", "raise KeyError(1)", "K = 1"]))
    assert torch.equal(wire.decoded(reply["calls"][0]["value"][0]), torch.ones(2))


def test_it_sees_python_and_torch_and_nothing_of_ours(worker):
    assert sorted(json.loads(said(worker, "__import__('json').dumps(os.listdir('/box'))"))) == [
        "answers.py",
        "wire.py",
        "worker.py",
    ]
    seen = "[p for p in {} if os.path.exists(p)]"
    ours = [str(ROOT / name) for name in ("course", "quizzes", "data", "tests", "README.md", ".git")]
    ours += [str(Path(os.environ["COURSE_PROGRESS"]).parent), "/etc/passwd", "/var", "/run", "/home"]
    assert [place for place in ours if os.path.exists(place)] != []
    assert said(worker, seen.format(ours)) == "[]"
    needed = ["/usr", os.path.realpath(torch.__path__[0])]
    assert said(worker, seen.format(needed)) == str(needed)
    assert worker.ask(job("import course"))["calls"][0]["error"] == "ModuleNotFoundError"
    assert said(worker, "sorted(os.environ)") == str(sorted([*sandbox.ENVIRONMENT, "PWD"]))
    # nothing but the way to an environment that lies below it
    below = {Path(place).parts[2] for place in sandbox._in_sight() if Path(place).parts[:2] == ("/", "tmp")}
    assert said(worker, "sorted(os.listdir('/tmp'))") == str(sorted(below))
    assert int(said(worker, "max(int(p) for p in os.listdir('/proc') if p.isdigit())")) < 20  # its own three


@pytest.mark.parametrize(
    "body",
    [
        "os.fork()",
        "os.posix_spawn('/usr/bin/true', ['true'], {})",
        "__import__('subprocess').run(['true'])",
        "__import__('multiprocessing').get_context('spawn').Process().start()",
        "open('/box/x', 'w')",
        "open('/usr/x', 'w')",
        "open('/dev/shm/x', 'w')",
        "open('/x', 'w')",
        "os.remove('/box/wire.py')",
        "__import__('socket').create_connection(('127.0.0.1', PORT), 2)",
        "__import__('socket').socket(__import__('socket').AF_VSOCK)",
        "__import__('threading').Thread(target=x.sum).start()",
        "os.memfd_create('x')",
        "open('/proc/1/environ').read()",
        "open('/proc/1/mem', 'r+b')",
        "open('/proc/1/x', 'w')",
        "__import__('resource').setrlimit(__import__('resource').RLIMIT_AS, (-1, -1))",
        "open('/tmp/x', 'wb').write(bytes(2 << 20))",
    ],
)
def test_what_is_forbidden_raises(worker, body):
    with socket.create_server(("127.0.0.1", 0)) as server:
        (call,) = worker.ask(job(body.replace("PORT", str(server.getsockname()[1]))))["calls"]
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert call["error"] in (
        "PermissionError",
        "OSError",
        "ConnectionRefusedError",
        "ValueError",
        "FileNotFoundError",
        "RuntimeError",  # of a thread
    ), call


WRITTEN = "for fd in range(3, 30):\n    try:\n        os.write(fd, {})\n    except OSError:\n        pass"


@pytest.mark.parametrize(
    ("body", "slug", "most"),
    [
        ("while True:\n    pass", "time", 12),
        ("os._exit(0)", "gone", 5),
        ("os.kill(os.getpid(), 9)", "gone", 5),
        ("import ctypes\nctypes.string_at(0)", "gone", 5),
        (WRITTEN.format("b'[' * (3 << 20)"), "reply", 8),
        (WRITTEN.format(r"b'no\n'"), "reply", 5),
    ],
)
def test_what_does_not_come_back_is_stopped(bubblewrap, body, slug, most):
    with sandbox.Worker() as worker:
        began = time.monotonic()
        with pytest.raises(sandbox.Stopped) as stopped:
            worker.ask(job(body))
        assert (stopped.value.slug, time.monotonic() - began < most) == (slug, True)


def test_one_that_waits_is_stopped_too_and_nothing_is_left(bubblewrap, monkeypatch):
    monkeypatch.setattr(sandbox, "ANSWERING", 1)
    with sandbox.Worker() as worker:
        mine = {worker.process.pid, *(one.pid for one in psutil.Process(worker.process.pid).children(recursive=True))}
        assert len(mine) > 1
        with pytest.raises(sandbox.Stopped, match="time"):
            worker.ask(job("import time\ntime.sleep(1000)"))
    gone = time.monotonic() + 5
    while mine & {*psutil.pids()} and time.monotonic() < gone:
        time.sleep(0.05)
    assert not mine & {*psutil.pids()}


@pytest.mark.parametrize("failures", [0, 2, 3])
def test_a_worker_that_does_not_start_is_trouble_of_this_machine(monkeypatch, failures):
    left = [sandbox.Stopped("gone"), BlockingIOError(11, "no more processes"), sandbox.Stopped("time")][:failures]

    def worker(trusted):
        if left:
            raise left.pop()
        return "a worker"

    monkeypatch.setattr(sandbox, "Worker", worker)
    monkeypatch.setattr(sandbox.time, "sleep", lambda _: None)
    if failures < 3:
        assert sandbox.started() == "a worker"
    else:
        with pytest.raises(OSError, match="no sandbox can be started any more"):
            sandbox.started()


def test_the_course_is_out_of_sight_even_in_a_folder_that_is_seen(bubblewrap, monkeypatch):
    seen = sandbox._in_sight()
    monkeypatch.setattr(sandbox, "_in_sight", lambda: [*seen, str(ROOT)])
    with sandbox.Worker() as worker:
        listed = said(worker, f"[os.listdir(p) for p in {sandbox.hidden()} if os.path.exists(p)]")
        assert listed == str([[], [], []])


def test_trusted_work_runs_without_it_within_the_same_limits():
    with sandbox.Worker(trusted=True) as worker:
        (call,) = worker.ask(job("open('x', 'w').close()\nreturn x"))["calls"]
        assert "value" in call
        assert Path(worker.folder.name, "x").exists()
        with pytest.raises(sandbox.Stopped, match="time"):
            worker.ask(job("while True:\n    pass"))
    assert not Path(worker.folder.name).exists()


def test_the_filter_is_one_for_the_kernel():
    """Eight bytes a line, and no jump past the end."""
    for machine in sandbox.CALLS:
        lines = [*struct.iter_unpack("HBBI", sandbox.no_processes(machine))]
        for place, (code, yes, no, _) in enumerate(lines):
            if code & 0x07 == 0x05:
                assert place + 1 + max(yes, no) < len(lines)
        assert lines[-1] == (0x06, 0, 0, 0x7FFF0000)


def test_no_sandbox_is_said_in_one_line(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions\nto create' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(broken))
    assert "No permissions to create" in sandbox.trouble()
    assert "\n" not in sandbox.trouble()
    monkeypatch.setattr(sandbox.platform, "machine", lambda: "vax")
    assert "vax" in sandbox.trouble()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "--trust" in sandbox.trouble()
