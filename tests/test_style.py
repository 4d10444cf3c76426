"""The rules of the house that ruff cannot see: who may import whom, how long a thing may be, what no file may hold.

Each rule is a function that returns complaints; a second test feeds it a bad example, so that it is known to fail.
"""

import ast
import importlib
import inspect
import json
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from project import NOTEBOOKS, ROOT, run, tracked

# Imports go one way only: a room may import those before it, and within a line a name those before it.
ROOMS = """
env files checks
schedules forward exact models
samplers
nets
data scenes
pipelines
metrics
viz
training
teaching
commands
__main__
"""
ORDER = ROOMS.split()
# Which rooms alone may import what.
ONLY = {
    ("matplotlib", "IPython", "ipywidgets"): {"viz", "teaching"},
    ("torchvision",): {"data"},
    ("socket", "urllib.request", "http", "ftplib", "requests", "httpx", "urllib3"): {"data", "pipelines"},
    ("diffusers", "transformers", "tokenizers", "huggingface_hub"): {"pipelines"},
    ("nbformat", "nbclient", "nbconvert", "jupyter_client", "ipykernel", "jinja2", "traitlets"): {"commands"},
    ("pyplot", "matplotlib.pyplot"): set(),  # it keeps figures alive and needs a backend
}
SLOW = ("torchvision", "diffusers", "transformers", "tokenizers", "huggingface_hub")
LONGEST = {ast.FunctionDef: 45, ast.ClassDef: 130, ast.Module: 300}  # lines to read
SECONDS = 0.3

SOURCES = {
    path.relative_to(ROOT / "course").with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "course").rglob("*.py"))
}


def imports(source):
    """All modules that a piece of Python imports, as (name, whether at the top level)."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found += [(name, node in tree.body) for name in names]
    return found


def layering(sources):
    """Imports that go upwards, or that this module is not the one to make; `sources` is {module path: text}."""
    complaints = []
    for path, source in sources.items():
        layer = path.split("/")[0]
        if layer == "__init__":
            continue
        if layer not in ORDER:
            complaints.append(f"{path}: give it its place in ORDER")
            continue
        for name, top in imports(source):
            if name.startswith("."):
                complaints.append(f"{path}: relative import of {name}")
            if name.startswith("course."):
                other = name.split(".")[1]
                if other in ORDER and ORDER.index(other) > ORDER.index(layer):
                    complaints.append(f"{path}: imports {other}, which stands above it")
            for packages, modules in ONLY.items():
                if any(name == p or name.startswith(p + ".") for p in packages) and layer not in modules:
                    complaints.append(f"{path}: only {sorted(modules)} may import {name}")
            if top and name.split(".")[0] in SLOW:
                complaints.append(f"{path}: {name} is slow or optional; import it inside the function that needs it")
    return sorted(set(complaints))


def is_table(node):
    """Whether a piece of code is a literal table: containers of literals and of functions in one line."""
    if isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.Set):
        parts = [*node.keys, *node.values] if isinstance(node, ast.Dict) else node.elts
        return all(part is None or is_table(part) for part in parts)
    return isinstance(node, ast.Constant | ast.Lambda | ast.Name | ast.Attribute | ast.UnaryOp | ast.BinOp)


def lines_of(node):
    """How many lines of a function, a class or a module are to be read: blank ones, comments, docstrings and literal
    tables of more than three lines do not count."""
    tables = [
        n for n in ast.walk(node) if isinstance(n, ast.Assign) and n.end_lineno - n.lineno > 2 and is_table(n.value)
    ]
    texts = [
        part.body[0]
        for part in ast.walk(node)
        if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(part) is not None
    ]
    left_out = {k for part in (*tables, *texts) for k in range(part.lineno, part.end_lineno + 1)}
    holding = {k for n in ast.walk(node) if hasattr(n, "lineno") for k in (n.lineno, n.end_lineno)}
    return len(holding - left_out)


def size_and_docstrings(sources):
    """What is too long to be read at one go, and public functions and classes that do not say what they do."""
    complaints = []
    for path, source in sources.items():
        tree = ast.parse(source)
        for node in ast.walk(tree):
            name = f"{path}: {getattr(node, 'name', 'the module')}"
            kind = next((kind for kind in LONGEST if isinstance(node, kind)), None)
            if kind and (count := lines_of(node)) > LONGEST[kind]:
                complaints.append(f"{name} is {count} lines to read, {LONGEST[kind]} are enough; split it by idea")
        for node in [tree, *tree.body]:
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                name = getattr(node, "name", "the module")
                if not name.startswith("_") and not ast.get_docstring(node) and source.strip():
                    complaints.append(f"{path}: {name} has no docstring")
    return complaints


def circles(sources):
    """A circle of modules that import each other, wherever in them, or nothing. Names of a package are taken from where
    its `__init__` has them."""
    modules = {("course/" + path).removesuffix("/__init__").replace("/", ".") for path in sources}
    graph = {}
    for path, source in sources.items():
        own = ("course/" + path).removesuffix("/__init__").replace("/", ".")
        found = {name for name, _ in imports(source) if name in modules}
        deeper = {name for name in found if any(other.startswith(f"{name}.") for other in found)}
        graph[own] = (
            found - deeper - {own, "course"}
        )  # `from course.data import sets` asks for the module, not the package
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def called_alike(sources):
    """Modules of one name in different rooms, apart from commands, which are called by what they do."""
    names = {}
    for path in sources:
        if not path.startswith(("commands/", "teaching/lessons/", "__main__")) and not path.endswith("__init__"):
            names.setdefault(path.rpartition("/")[2], []).append(path)
    return [" and ".join(paths) for paths in names.values() if len(paths) > 1]


# In this order everywhere: table or schedule, pictures, times, eps, noise, the rest.
ARGUMENTS = (
    {"schedule", "alpha_bar"},
    {"x", "x0", "x_0", "x_t", "x_T", "z"},
    {"t", "s", "grid", "times"},
    {"eps"},
    {"noise"},
)


def signatures(sources):
    """Functions whose generator is not last or not optional, and public ones whose arguments come in another order."""
    complaints = []
    for path, source in sources.items():
        tree = ast.parse(source)
        methods = [node for part in tree.body if isinstance(part, ast.ClassDef) for node in part.body]
        for node in (*tree.body, *methods):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or path.startswith("teaching/"):
                continue  # the cases of an exercise are drawn by a generator that is always given
            given = node.args
            names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            defaults = [*given.defaults, *given.kw_defaults]
            if "generator" in names:
                optional = defaults and isinstance(defaults[-1], ast.Constant) and defaults[-1].value is None
                if names[-1] != "generator" or not optional:
                    complaints.append(f"{path}: {node.name} must take generator=None last")
            ranks = [rank for name in names for rank, known in enumerate(ARGUMENTS) if name in known]
            if node in tree.body and ranks != sorted(ranks):
                complaints.append(f"{path}: {node.name}({', '.join(names)}) has its arguments in another order")
    return complaints


MODES = ("w", "wb", "a", "ab", "x", "xb")


def writing(sources):
    """Calls that write files by themselves: `files.write_whole` is the one way."""
    complaints = []
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [*node.args, *(word.value for word in node.keywords)]
            to_write = name == "open" and any(getattr(word, "value", "") in MODES for word in given)
            by_nbformat = ast.unparse(node.func) == "nbformat.write"
            if to_write or by_nbformat or name in ("write_text", "write_bytes"):
                complaints.append(f"{path}:{node.lineno}: {name} writes by itself; take files.write_whole")
    return complaints


def swallowed(sources):
    """Handlers that catch everything without a name for it, or do nothing with what they caught."""
    return [
        f"{path}:{node.lineno}: a swallowed exception"
        for path, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(n, ast.Pass) for n in node.body))
    ]


def unstripped(text):
    """Whether the text of a notebook holds outputs or execution counts."""
    code = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return any(cell["outputs"] or cell["execution_count"] is not None for cell in code)


# Character classes keep these patterns from finding themselves.
FOREIGN = {
    "a registry's host": r"py[p]i\.org|python[h]osted|registry\.n[p]mjs|deb\.d[e]bian\.org|conda\.anac[o]nda",
    "a path of one machine": r"(?<![\w.$}])/(?:wor[k]|roo[t]|hom[e]/\w+|Use[r]s/\w+)/",
    "a folder outside the project": r"\.\./shar[e]d",
    "work left for later": r"\b(?:TO[D]O|FIX[M]E|XX[X])\b",
}


def foreign(text):
    """What a file of the project must not hold, as names from FOREIGN."""
    return [name for name, pattern in FOREIGN.items() if re.search(pattern, text)]


def import_seconds():
    """What `import course` adds to `import torch`, in seconds: the best of three fresh interpreters."""
    code = "import time, torch; t = time.perf_counter(); import course; print(time.perf_counter() - t)"
    return min(float(run(sys.executable, "-c", code, cwd=ROOT).stdout) for _ in range(3))


def test_imports_go_one_way():
    assert layering(SOURCES) == []
    assert circles(SOURCES) == []
    assert called_alike(SOURCES) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("forward", "from course.exact import FiniteSet", "imports exact, which stands above it"),
        ("samplers/ddim", "from course import viz", "imports viz, which stands above it"),
        ("metrics/distances", "def f():\n    import matplotlib.figure", "may import matplotlib.figure"),
        ("viz/figures", "import matplotlib.pyplot as plt", "may import matplotlib.pyplot"),
        ("viz/figures", "from matplotlib import pyplot", "may import matplotlib.pyplot"),
        ("exact", "import urllib.request", r"only \['data', 'pipelines'\] may import urllib.request"),
        ("data/sets", "import torchvision", "import it inside the function"),
        ("pipelines/hub", "from huggingface_hub import errors", "import it inside the function"),
        ("training/latent", "def f():\n    import diffusers", r"only \['pipelines'\] may import diffusers"),
        ("scenes/words", "from course.pipelines.tiny_sd import WORDS", "imports pipelines, which stands above it"),
        ("schedules", "from .env import device", "relative import"),
        ("helpers", "", "give it its place"),
    ],
)
def test_layering_sees(path, source, complaint):
    assert any(re.search(complaint, said) for said in layering({path: source}))


def test_layering_lets_pass_what_is_right():
    assert layering({"data/sets": "import urllib.parse\ndef f():\n    import torchvision.datasets"}) == []
    assert layering({"exact": "from course import NULL\nfrom course.forward import q_sample"}) == []
    assert layering({"samplers/ddim": "from course.samplers.walk import Step"}) == []


def test_circles_and_names_are_seen():
    package = {"m/__init__": "from course.m.a import f", "m/a": "from course.m import b", "m/b": ""}
    assert circles(package) == []
    assert circles({**package, "m/b": "def g():\n    from course.m.a import f"}) == [
        "course.m.a imports course.m.b imports course.m.a"
    ]
    assert circles({**package, "m/a": "from course.m import g"}) != []  # a package by its own module
    assert called_alike({"m/a": "", "n/a": "", "n/b": "", "commands/b": "", "n/__init__": "", "m/__init__": ""}) == [
        "m/a and n/a"
    ]


def test_arguments_come_in_one_order_and_the_generator_last():
    assert signatures(SOURCES) == []
    good = "def f(schedule, x_t, t, eps, noise, size=3, *, drop=1, generator=None): ...\ndef _g(t, x): ..."
    assert signatures({"a": good}) == []
    for bad in ("generator", "generator=0", "generator=None, size=3", "generator=None, *, size"):
        assert signatures({"a": f"def f(x, {bad}): ..."}) == ["a: f must take generator=None last"]
    for bad in ("x, schedule", "t, x_t", "eps, t", "noise, eps", "schedule, noise, x"):
        assert signatures({"a": f"def f({bad}): ..."}) == [f"a: f({bad}) has its arguments in another order"]


SIGNATURES = """
forward.q_sample(schedule, x0, t, eps)
forward.q_step(schedule, x, t, noise)
forward.q_posterior(schedule, x0, x_t, t, s)
forward.convert(schedule, x_t, t, value, old, new)
forward.level(value, old, new)
forward.reframe(x, sigma, old, new)
forward.rename(value, x, sigma, old, new, frame='x')
forward.to_flow(schedule, x_t, t, eps)
schedules.flow(T=1000, top=157.4)
models.as_eps(model, schedule, kind)
models.cfg(model, scale, null=None)
models.clip_x0(model, schedule, limit=1.0)
models.from_diffusers(net, schedule, kind='eps')
models.in_parts(model, size=256)
models.retimed(model, schedule, own)
samplers.ddim(model, schedule, x_T, grid, cond=None, eta=0.0, generator=None)
samplers.ddpm(model, schedule, x_T, grid, cond=None, variance=0.0, generator=None)
samplers.invert(model, schedule, x_0, grid, cond=None)
samplers.last(steps)
samplers.langevin(model, schedule, x_T, grid, cond=None, steps=20, rate=0.2, generator=None)
samplers.reverse_sde(model, schedule, x_T, grid, cond=None, eta=1.0, generator=None)
samplers.ancestral(model, schedule, x_T, grid, cond=None, generator=None)
metrics.log_likelihood(model, schedule, u, low=0.05, n=80, probes=1, cond=None, generator=None)
metrics.path_log_p(sigma, u, div)
metrics.straightness(path)
data.load(name, split=None)
data.batches(x, y=None, size=128, seed=0)
training.train(model, schedule, batches, steps, *, drop=0.1, dead=None, state=None, **options)
training.train_flow(model, schedule, batches, steps, *, drop=0.1, dead=inf, state=None, **options)
training.velocity_loss(model, schedule, x0, t, eps, cond=None)
training.own_pairs(model, schedule, shape, n, cond=None, calls=50, generator=None)
training.pair_batches(x0, y, eps, size=64, seed=0)
training.save_model(path, model, schedule, card=None)
training.load_model(path, device='cpu')
training.pretrained(name, device='cpu')
teaching.check(id, fn, seed=None)
teaching.quiz.marking.mark(question, answer)
"""  # what lessons, tests and graders rely on


def test_public_signatures_stay():
    for line in SIGNATURES.strip().splitlines():
        module, _, name = line.partition("(")[0].rpartition(".")
        found = getattr(importlib.import_module(f"course.{module}"), name)
        assert f"{module}.{name}{inspect.signature(found)}" == line
    loop = inspect.signature(importlib.import_module("course.training.loop").loop).parameters
    assert [*loop][:3] == ["net", "loss", "steps"]
    assert all(loop[name].default is None for name in ("wrap", "state"))
    assert loop["parts"].default == 1


def test_there_is_one_way_to_write():
    others = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for folder in ("tools", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    assert writing({path: source for path, source in SOURCES.items() if path != "files"}) == []
    assert writing(others) == []
    assert writing({"files": SOURCES["files"]}) != []
    assert writing({"a": "open('file', 'wb')"}) == ["a:1: open writes by itself; take files.write_whole"]
    assert writing({"a": "p.open(mode='a')"}) != []
    assert writing({"a": "nbformat.write(lesson, path)"}) != []
    assert writing({"a": "open('file'); p.open('rb')"}) == []


def test_everything_is_short_and_documented():
    assert size_and_docstrings(SOURCES) == []


def of_length(count):
    """A documented function with so many lines to read, its own among them."""
    return 'def f(x):\n    """Does it."""\n' + "    x = f(x)\n" * (count - 1)


def test_length_is_what_there_is_to_read():
    """Explaining costs nothing, a table is looked up and not read, and squeezing does not help much."""
    said = "a: f is 46 lines to read, 45 are enough; split it by idea"
    head = '"""A."""\n'
    assert size_and_docstrings({"a": head + of_length(45)}) == []
    assert size_and_docstrings({"a": head + of_length(46)}) == [said]
    explained = of_length(45).replace("Does it.", "Does it.\n\n    In many words.\n    ")
    explained = explained.replace("x = f(x)", "\n    # why\n    x = f(x)")
    assert size_and_docstrings({"a": head + explained}) == []
    table = "    T = {\n" + '        "a": lambda x: -x,\n' * 9 + "    }\n"
    assert size_and_docstrings({"a": head + of_length(45) + table}) == []
    assert size_and_docstrings({"a": head + of_length(45) + table.replace("lambda x: -x", "f(x)")}) != []
    methods = "".join(f"    def f{k}(self):\n        return {k}\n" for k in range(65))
    assert size_and_docstrings({"a": f'{head}class C:\n    """C."""\n{methods}'}) == [
        "a: C is 131 lines to read, 130 are enough; split it by idea"
    ]
    module = head + "".join(f"x{k} = 1\n" for k in range(301))
    assert size_and_docstrings({"a": module}) == [
        "a: the module is 301 lines to read, 300 are enough; split it by idea"
    ]
    assert size_and_docstrings({"a": '"""A."""\ndef f(): ...\ndef _g(): ...'}) == ["a: f has no docstring"]


def test_no_exception_is_swallowed():
    files = {str(path): path.read_text(encoding="utf-8") for path in tracked() if path.suffix == ".py"}
    assert swallowed(files) == []
    assert swallowed({"a": "try:\n    f()\nexcept OSError:\n    pass"}) == ["a:3: a swallowed exception"]
    assert swallowed({"a": "try:\n    f()\nexcept:\n    g()"}) == ["a:3: a swallowed exception"]


def test_lessons_carry_no_outputs():
    assert [path.name for path in NOTEBOOKS if unstripped(path.read_text(encoding="utf-8"))] == []
    cell = {"cell_type": "code", "outputs": [], "execution_count": None}
    assert not unstripped(json.dumps({"cells": [cell]}))
    assert unstripped(json.dumps({"cells": [{**cell, "execution_count": 1}]}))
    assert unstripped(json.dumps({"cells": [{**cell, "outputs": [{}]}]}))


def test_files_speak_of_the_project_alone():
    found = {}
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        try:
            said = foreign(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:  # a picture or an archive
            continue
        # CI is told where the real data sets lie; nothing else may know.
        said = [what for what in said if (name, what) != (".ci/run", "a folder outside the project")]
        found |= {name: said} if said else {}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pip install --index-url https://py" + "pi.org/simple", "a registry's host"),
        ("open('/wor" + "k/main/x')", "a path of one machine"),
        ("see ../sha" + "red/notes", "a folder outside the project"),
        ("# TO" + "DO: later", "work left for later"),
    ],
)
def test_foreign_sees(text, name):
    assert foreign(text) == [name]


def test_import_is_quick():
    assert import_seconds() <= SECONDS


def test_the_package_is_where_it_is_looked_for():
    """An empty list of sources would make every rule above pass."""
    assert {"env", "schedules", "samplers/ddim", "data/sets", "training/loop"} <= SOURCES.keys()
    assert Path(ROOT / "course/__init__.py").exists()
