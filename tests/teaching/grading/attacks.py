"""What hostile students hand in: a table of attacks, and what must come of each. Nothing here runs any of it.

In the texts VICTIM is a folder that must stay as it is, PORT a listening socket, UNIX another, TOKEN a name that
nothing else has, ROOT the project, HOME the home of who marks.
"""

import json
from dataclasses import dataclass
from textwrap import indent

from course import __version__
from course.teaching.grading import submission

RIGHT = "def my_negative(x):\n    return -x\n"


@dataclass(frozen=True)
class Attack:
    """Cells for one lesson, and the mark that they must have: one of the `words` stands in a reason, `remarks` are the
    slugs; no status is "error" or "not yet", whichever it comes to be."""

    slug: str
    cells: tuple
    words: str
    points: int = 0
    status: str = "error"
    remarks: tuple = ()
    seconds: float = 60  # a worker starts in 2 to 5 seconds, on a busy machine
    lesson: str = "00"
    exercise: str = "00-negative"
    head: tuple = ()  # of the packed file, besides or instead of what stands there


def function(body):
    """The function of lesson 00 with a body."""
    return f"def my_negative(x):\n{indent(body, '    ')}\n"


def tries(*actions):
    """A function that tries statements, and says which of them went well: none must."""
    body = "import os, sys, ctypes, socket, glob\ndone = []\n"
    for k, action in enumerate(actions):
        body += f"try:\n{indent(action, '    ')}\n    done.append({k})\nexcept Exception:\n    done.append('no')\n"
    return function(body + "raise LookupError(f'done: {sorted({*map(str, done)})}')")


def looks(*places):
    """A function that reads files and folders, and says whether it has seen anything."""
    body = "import glob, os\nseen = []\nfor place in [p for q in PLACES for p in glob.glob(q)]:\n    try:\n"
    body += "        seen.append(os.listdir(place) if os.path.isdir(place) else open(place, 'rb').read(99))\n"
    body += "    except OSError:\n        pass\n"
    return function(body.replace("PLACES", repr(places)) + "raise LookupError(f'seen: {[s for s in seen if s]}')")


def replies(data):
    """A function that writes bytes to every descriptor, where the worker's reply belongs, and ends the worker."""
    body = f"import os\nfor fd in range(3, 64):\n    try:\n        os.write(fd, {data})\n"
    body += "    except OSError:\n        pass\n"
    return function(body + "os._exit(0)")


def call(**said):
    """A reply that says the same of each of the three calls; what stands in it is JSON, or nearly."""
    parts = ", ".join(f'"{key}": {value}' for key, value in said.items())
    return repr(b'{"calls": [%s]}\n' % b", ".join([b"{%s}" % parts.encode()] * 3))


def tensor(dtype, shape, data):
    return f'[{{"dtype": "{dtype}", "shape": {shape}, "data": "{data}"}}]'


def _attacks(words, texts, **options):
    for slug, text in texts.items():
        yield Attack(slug, text if isinstance(text, tuple) else (text,), words, **options)


NOT_THERE = [
    *_attacks("no function my_negative", {"no-cell": (), "another": "y = 1"}, status="not attempted"),
    *_attacks("was it renamed?", {"renamed": RIGHT.replace("my_negative", "my_negatives")}, status="not attempted"),
    *_attacks("Nothing is filled in", {"stub": "def my_negative(x):\n    ..."}, status="not attempted"),
    *_attacks(
        "no function", {"in-an-if": "if True:\n    def my_negative(x):\n        return -x"}, status="not attempted"
    ),
    *_attacks(
        "is not Python",
        {
            "syntax": "def my_negative(x):\n    return -",
            "null-byte": RIGHT + "\0",
            "half-a-letter": RIGHT + "'\ud800 \udfff'(",
            "deep-brackets": RIGHT + "(" * 90_000,
            "deep-signs": RIGHT + "-" * 90_000 + "1",
            "long-sum": RIGHT + "1+" * 40_000 + "1",
            "vast-number": RIGHT + "9" * 90_000,
            "spaces": "def my_negative(x) " + " " * 90_000 + "x (",
            "long-cell": RIGHT + "#" * 200_000,
            "form-feed": "def my_negative(x):\n\f\n  return (\n",
        },
        status="not attempted",
        seconds=30,
    ),
]

RIGHT_STILL = [
    *_attacks(
        "Equal to the truth",
        {
            "doubled-right-last": ("def my_negative(x):\n    return x * 7", RIGHT),
            "odd-line-ends": "a = 'x\u2028y\x85z\x1c'\n\f\n" + RIGHT,
            "prints-a-lot": function("for _ in range(300):\n    print('x' * 100_000)\nreturn -x"),
            "closes-the-outputs": function("import os\nos.closerange(1, 3)\nreturn -x"),
        },
        points=3,
        status="correct",
    ),
    *_attacks(
        "Equal",
        {"redefined-check": ("def check(*a):\n    return 'correct'\nask = use = check", RIGHT)},
        points=3,
        status="correct",
        remarks=("redefined",),
    ),
    Attack("old-version", (RIGHT,), "Equal", 3, "correct", ("other-version",), head=(("version", "0.0.1\n{key}"),)),
]
WRONG = [
    *_attacks("", {"doubled-wrong-last": (RIGHT, "def my_negative(x):\n    return x * 7")}, status="not yet"),
    *_attacks(
        "Right numbers|dtype|float",
        {
            # what is said of plain numbers must not make another dtype pass
            "forged-plainness": function(
                "import sys\nworker, plain = sys.modules['__main__'], sys.modules['__main__'].sent\n"
                "worker.sent = lambda *a: plain(*a) | {'bare': [0, -1]}\nreturn -x.half()"
            ),
        },
        points=2,
        status="not yet",
    ),
    *_attacks(
        "",
        {
            "patched-torch": function(
                "import torch\ntorch.equal = torch.allclose = torch.Tensor.__eq__ = lambda *a, **k: True\nreturn x * 7"
            ),
            "patched-builtins": function(
                "import builtins\nbuiltins.all = builtins.any = lambda *a: True\n"
                "builtins.len = lambda _: 3\nreturn x * 7"
            ),
            "patched-json": function(
                'import json\njson.dumps = lambda *_: \'{"calls": [{"value": [], "bare": []}, {}, {}]}\'\nreturn x * 7'
            ),
            "patched-numpy": function(
                "import numpy\nnumpy.ndarray = object\nnumpy.allclose = lambda *a: True\nreturn x * 7"
            ),
            "patched-worker": function(
                "import sys\nsys.modules['__main__'].same = lambda *a: True\n"
                "sys.modules['answers'].read = lambda v: ((), (), None)\nsys.modules['wire'].encoded = str\n"
                "return x * 7"
            ),
            "replaced-modules": function(
                "import sys, types\nfor name in ('wire', 'answers', 'json', 'torch'):\n"
                "    sys.modules[name] = types.ModuleType(name)\nreturn x * 7"
            ),
            "frames": function(
                "import sys, gc\nframe = sys._getframe()\nwhile frame:\n"
                "    for value in [*frame.f_locals.values()]:\n"
                "        if isinstance(value, dict) and {'truth', 'right', 'points'} & {*map(str, value)}:\n"
                "            raise LookupError('found it')\n    frame = frame.f_back\n"
                "known = [o for o in gc.get_objects() if isinstance(o, type(x)) and o.shape == x.shape]\n"
                "assert all((o == x).all() for o in known) and 'course' not in sys.modules\nreturn x * 7"
            ),
            "torch-function": function(
                "import torch\nclass Yes(torch.Tensor):\n    @classmethod\n"
                "    def __torch_function__(cls, *a, **k):\n        return True\nreturn x.as_subclass(Yes)"
            ),
            "evil-equality": function(
                "class Yes:\n    shape = property(lambda s: 1 / 0)\n    __class__ = property(lambda s: type(x))\n"
                "    __eq__ = lambda *a: True\n    __len__ = lambda s: 1 << 62\n    __hash__ = None\nreturn Yes()"
            ),
            "evil-length": function(
                "class L(list):\n    __len__ = lambda s: -5\n    __iter__ = lambda s: 1 / 0\nreturn L()"
            ),
            "evil-number": function("class F(float):\n    __float__ = lambda s: 'x'\nreturn F(3)"),
            "pickled": function(
                "import io, torch\nclass P:\n    def __reduce__(self):\n        return print, ('ran',)\n"
                "made = io.BytesIO()\ntorch.save(P(), made)\nreturn made.getvalue()"
            ),
            "nan": function("return x * float('nan')"),
            "empty": function("return x[:0]"),
            "no-shape": function("import torch\nreturn torch.empty(0, 1 << 31, 0)"),
            "many-parts": function("return [0.5] * 9000"),
            "meta": function("return (-x).to('meta')"),
            "changes-it": function("return x.neg_()"),
        },
        status="",
    ),
]

ENDLESS = [
    *_attacks(
        "took too long",
        {
            "loop": function("while True:\n    pass"),
            "loop-in-a-need": ("K = [k for k in iter(int, 1)]", function("return K")),
            "sleeps": function("import time\ntime.sleep(10**6)"),
            "ignores-the-limit": function(
                "import signal, time\nfor s in (24, 15, 14, 1, 2):\n    signal.signal(s, signal.SIG_IGN)\n"
                "time.sleep(10**6)"
            ),
            "drips": function(
                "import os, time\nwhile True:\n    for fd in range(3, 9):\n        try:\n"
                "            os.write(fd, b' ')\n"
                "        except OSError:\n            pass\n    time.sleep(0.01)"
            ),
            "reads-the-jobs": function("import sys\nreturn sys.stdin.buffer.read()"),
        },
    ),
]

GONE = [
    *_attacks(
        "ended without an answer|took too long",
        {
            "exits": function("import os\nos._exit(0)"),
            "kills-itself": function("import os\nos.kill(os.getpid(), 9)"),
            "kills-all": function(
                "import os\nfor pid in (os.getppid(), 1, -1, 0):\n    try:\n        os.kill(pid, 9)\n"
                "    except OSError:\n        pass\nos.abort()"
            ),
            "closes-everything": function("import os\nos.closerange(0, 64)\nreturn -x"),
            "deep-recursion": function("import sys\nsys.setrecursionlimit(10**9)\nf = lambda: f()\nf()"),
            "becomes-another": function("import os\nos.execv('/usr/bin/env', ['env'])"),
            "segfault": function("import ctypes\nctypes.string_at(1)"),
        },
    ),
]
TOO_MUCH = [
    *_attacks(
        "MemoryError|RuntimeError|ValueError|ended without|took too long|MiB",
        {
            "10-GB": function("import torch\nreturn torch.zeros(10 * 2**30, dtype=torch.uint8)"),
            "10-GB-of-nothing": function("import torch\nreturn torch.zeros(1).expand(10 * 2**30)"),
            "many-small": function("kept = []\nwhile True:\n    kept.append(bytearray(10_000))"),
            "mapped": function(
                "import mmap\nkept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 1 << 26))\n"
                "    kept[-1].write(bytes(1 << 26))"
            ),
            "huge-message": function("raise ValueError('x' * 10**9)"),
            "shared-memory": function(
                "import ctypes\nlib = ctypes.CDLL(None)\nlib.shmat.restype = ctypes.c_void_p\nfor k in range(40):\n"
                "    n = lib.shmget(k + 5, 1 << 28, 0o1777)\n    if n < 0:\n        raise MemoryError\n"
                "    at = lib.shmat(n, None, 0)\n    ctypes.memset(at, 1, 1 << 28)\n    lib.shmdt(ctypes.c_void_p(at))"
            ),
        },
    ),
]

NO = "done: ['no']"
FORBIDDEN = [
    *_attacks(
        NO,
        {
            "forks": tries("os.fork()", "os.forkpty()", "import pty\npty.fork()"),
            "subprocess": tries(
                "import subprocess\nsubprocess.run(['/bin/true'])", "os.posix_spawn('/bin/true', ['x'], {})"
            ),
            "threads": tries("import threading\nfor _ in range(9000):\n    threading.Thread(target=print).start()"),
            "sockets": tries(
                "socket.create_connection(('127.0.0.1', PORT), 1)",
                "socket.socket(socket.AF_UNIX).connect('UNIX')",
                "socket.socket(40, socket.SOCK_STREAM)",  # to the host of a virtual machine
                "socket.socket(16, socket.SOCK_RAW, 0)",
                "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:PORT', timeout=1)",
            ),
            "writes": tries(
                "open('VICTIM/file', 'w')",
                "os.remove('VICTIM/file')",
                "import shutil\nshutil.rmtree('VICTIM')",
                "os.symlink('VICTIM', '/x')",
                "open('/dev/shm/TOKEN', 'w')",
                "open('/box/wire.py', 'a')",
                "os.chmod('/box/wire.py', 0o777)",
                "open('/usr/TOKEN', 'w')",
                "os.mkdir('/TOKEN')",
                "open('/proc/1/mem', 'r+b')",
                "open('/proc/sys/kernel/core_pattern', 'r+')",
                "os.chmod('/dev/null', 0o666)",
                "os.utime('/dev/zero')",
                "os.mknod('/tmp/TOKEN', 0o60666, 0x800)",
            ),
            "asks-the-kernel": tries(
                "os.memfd_create('x')",
                "assert ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0",
                "assert ctypes.CDLL(None).unshare(0x10000000) == 0",
                "assert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0",
                "assert ctypes.CDLL(None).syscall(310, 1, 0, 0, 0, 0, 0) == 0",  # process_vm_readv
                "assert ctypes.CDLL(None).syscall(425, 1, 0) >= 0",
                "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
                "os.setuid(0)",
                "os.nice(-5)",
            ),
        },
    ),
    *_attacks(
        "seen: []",
        {
            "reads-the-system": looks(
                "/etc/passwd", "/etc/shadow", "/etc/hosts", "/var/*", "/run/*", "/home/*", "/sys/*"
            ),
            "reads-the-home": looks("HOME/.bash*", "HOME/.profile", "HOME/.ssh/*", "HOME/.config/*", "HOME/.cache/*"),
            "reads-the-course": looks("ROOT/course", "ROOT/quizzes/*", "ROOT/data", "ROOT/tests", "ROOT/README.md"),
            "reads-the-others": looks("VICTIM", "VICTIM/*", "VICTIM/../*"),
            "reads-processes": looks("/proc/1/*", "/proc/1/environ", "/proc/1/root/*"),
        },
    ),
    Attack(
        "environment",
        (function("import os\nraise LookupError(sorted(os.environ))"),),
        "['HOME', 'LANG', 'MKL_NUM_THREADS', 'OMP_NUM",
    ),
    Attack("imports-the-course", (function("import course\nreturn course"),), "No module named 'course'"),
    Attack(
        "fills-the-scratch",
        (function("data = bytes(1 << 20)\nfor k in range(99):\n    open(f'/tmp/TOKEN{k}', 'wb').write(data)"),),
        "No space left",
    ),
    Attack(
        "many-files", (function("for k in range(10**9):\n    open(f'/tmp/TOKEN{k}', 'w').close()"),), "took too long"
    ),
]

EVIL_ERROR = "class E(Exception):\n    def __str__(self):\n        {}\nraise E"
SAYS = [
    *_attacks("stopped with E", {"evil-message": function(EVIL_ERROR.format("1 / 0"))}),
    *_attacks(
        "stopped with E", {"braces": function("class E(Exception): pass\nraise E('{key} {0.__class__} {} %s {{')")}
    ),
    *_attacks("took too long", {"endless-message": function(EVIL_ERROR.format("while True: pass"))}),
    *_attacks(
        "stopped with E|ended without",
        {"odd-name": function("E = type('E\\n<script>{0}' + 'x' * 9**5, (Exception,), {})\nraise E('\\ud800\\x00')")},
    ),
    *_attacks(
        "stopped with SystemExit", {"sys-exit": function("import sys\nsys.exit(0)"), "quits": function("quit()")}
    ),
]

REPLIED = [
    *_attacks(
        "cannot be read as an answer",
        {
            f"reply-{slug}": replies(data)
            for slug, data in {
                "of-nonsense": "bytes(range(256))",
                "deep": "b'[' * 60_000 + b'\\n'",
                "vast-number": "b'9' * 50_000 + b'\\n'",
                "without-end": "b' ' * (4 << 20)",
                "null": r"b'null\n'",
                "text": r"b'\"calls\"\n'",
                "list": r"b'[[]]\n'",
                "few": r"b'{\"calls\": []}\n'",
                "numbers": r"b'{\"calls\": [1, 2, 3]}\n'",
                "half-a-letter": r"b'{\"calls\": \"\xed\xa0\x80\"}\n'",
                "huge-infinite": call(huge="Infinity"),
                "huge-nan": call(huge="NaN"),
                "huge-text": call(huge='"x"'),
                "line-infinite": call(error='"E"', message='""', line="[Infinity, 1]"),
                "line-text": call(error='"E"', message='""', line='"ab"'),
                "plain": call(value='[{"plain": 1}]', bare="[]"),
                "stand-in": call(value='[{"root": "torch"}]', bare="[]"),
                "value-text": call(value='["root"]', bare="[]"),
                "dtype": call(value=tensor("float8", "[1]", "AAAA"), bare="[]"),
                "shape": call(value=tensor("float32", "[2]", "AAAA"), bare="[]"),
                "shape-negative": call(value=tensor("float32", "[-1]", "AAAA"), bare="[]"),
                "shape-vast": call(value=tensor("float32", "[0, 4294967295, 4294967295, 4294967295]", ""), bare="[]"),
                "shape-true": call(value=tensor("uint8", "[true]", "AA=="), bare="[]"),
                "bool": call(value=tensor("bool", "[1]", "Ag=="), bare="[]"),
                "base64": call(value=tensor("uint8", "[1]", "!!"), bare="[]"),
                "odd-of-another": call(odd='["equal", {"count": 3}]'),
                "odd-braces": call(odd='["{key}", {}]'),
                "odd-values": call(odd='["layout", {"key": "x", "lang": "y"}]'),
                "odd-none": call(odd='["layout", {}]'),
                "deep-in-it": "b'{\"calls\": [{\"error\": ' + b'[' * 900 + b']' * 900 + b'}, 1, 2]}\\n'",
            }.items()
        },
    ),
    *_attacks(
        "",
        {
            f"reply-{slug}": replies(data)
            for slug, data in {
                "says-correct": call(status='"correct"', points="3", value="[]", bare="[]"),
                "places": call(value=tensor("float64", "[]", "AAAAAAAA8D8="), bare="[-1, 0, 9]", changed="[-1, 99]"),
                "complex": call(value=tensor("complex64", "[1]", "AAAAAAAAAAA="), bare="[0]"),
                "nothing": call(nothing="true"),
                "odd-text": call(odd='["layout", {"kind": "{0.__class__}\\ud800<b>"}]'),
            }.items()
        },
        status="not yet",
    ),
    *_attacks(
        "stopped with", {"reply-error": replies(call(error='"{0.__class__}"', message='"\\ud800{key}"', line="[]"))}
    ),
    Attack(
        "reply-two",  # the second would be the next function's
        (replies(call(value="[]", bare="[]") + "*2"),),
        "",
        status="not yet",
    ),
]


def script(body):
    """The script of lesson 06 with a body."""
    return f"def my_script(diffusers, torch, seed):\n{indent(body, '    ')}\n"


def noted(*steps, returned="None"):
    """A script that writes the notes on it by itself."""
    return script(f"import wire\nwire.LOG[:] = {[*steps]!r}\nreturn {returned}")


ROOTS = (["root", "diffusers"], ["root", "torch"])
PIPE = (*ROOTS, ["get", 0, "Pipe"])
DOUBLED = "pipe = diffusers.StableDiffusionPipeline.from_pretrained('x').to('cuda')\nmany = [seed]\n"
SCRIPTS = [
    *_attacks(
        "",
        {
            "script-nothing-called": script("import torch as real\nreturn real.tensor([seed, 0.0])"),
            "script-stand-in-only": script("return torch.tensor([seed, 0.0])"),
            "script-doubling": script(
                f"{DOUBLED}for _ in range(60):\n    many = torch.stack([many, many])\n"
                "return pipe(many, generator=many).images[0]"
            ),
            "script-doubling-by-a-place": script(
                f"{DOUBLED}for _ in range(60):\n    pipe.scheduler = [many, many]\n    many = pipe.scheduler\n"
                "return pipe.to(many)(many).images[0]"
            ),
            "script-vast-picture": script(
                "picture = diffusers.P('x').images[0]\nreturn picture[None][[[[0]] * 30_000, [0] * 30_000]]"
            ),
            "script-many-steps": script("for _ in range(20_000):\n    torch.zeros\nreturn torch.ones(2)"),
            "notes-none": noted(),
            "notes-no-list": script("import wire\nwire.LOG = 7\nreturn None"),
            "notes-unknown": noted(["exec", 0, "import os"]),
            "notes-private": noted(*ROOTS, ["get", 0, "__class__"], ["get", 2, "__mro__"]),
            "notes-of-a-class": noted(*ROOTS, ["get", 0, "XScheduler"], ["get", 2, "mro"], ["call", 3, [], {}]),
            "notes-negative": noted(["root", "x"], ["item", -1, {"plain": -1}], ["get", -9, "a"]),
            "notes-text": noted(*PIPE, ["call", 2, [{"path": "x" * 20_000, "folder": True}], {}]),
            "notes-nested": noted(*PIPE, ["call", 2, [{"plain": [[]] * 1000}], {"self": {"plain": 1}}]),
            "notes-seeds": noted(*ROOTS, ["get", 1, "manual_seed"], ["call", 2, [{"seed": 10**30}], {}]),
            "notes-enters": noted(*ROOTS, ["enter", 0], ["leave", 0], ["enter", 1], ["leave", 7]),
            "notes-attribute": noted(
                *ROOTS,
                ["get", 0, "XScheduler"],
                ["set", 2, "scheduler", {"plain": 1}],
                ["set", 0, "looks", {"plain": 1}],
            ),
        },
        lesson="06",
        exercise="06-script",
        status="",
    ),
]

TEXTS = [
    *_attacks(
        "no function",
        {
            "one-name-again": "x = x\n" * 16_000,
            "one-long-line": "a=a;" * 24_000,
            "many-names": ",".join(f"a{k}" for k in range(14_000)) + "=0",
            "f-strings": "f'" + "{a}" * 30_000 + "'",
            "questions": ("? " * 40_000 + "x", "    " * 20_000 + "?#"),
            "decorated": "@a\n" * 30_000 + "class B: pass",
        },
        status="not attempted",
        seconds=20,
    ),
    *_attacks(
        "no function",
        {"chain": "\n".join(f"def my_{k}(): return my_{k + 1}(my_{k - 1})" for k in range(2500))},
        status="not attempted",
        seconds=20,
    ),
    *_attacks(
        "NameError", {"needs-all": ("x = x\n" * 16_000, "a=a;" * 24_000, function("a, x\nreturn -x"))}, status=""
    ),
]

ALL = [*NOT_THERE, *RIGHT_STILL, *WRONG, *ENDLESS, *GONE, *TOO_MUCH, *FORBIDDEN, *SAYS, *REPLIED, *SCRIPTS, *TEXTS]


def file_of(attack, **values):
    """The bytes of the file that is handed in; `values` are put in for the names in capitals."""
    cells = [_filled(text, values) for text in attack.cells]
    head = {"kind": submission.MARK, "format": submission.FORMAT, "version": __version__, "lesson": attack.lesson}
    head |= {"name": "Kim Minji", "number": "7", "cells": cells, "answers": []} | dict(attack.head)
    return json.dumps(head).encode()


def _filled(text, values):
    for name, value in values.items():
        text = text.replace(name, str(value))
    return text
