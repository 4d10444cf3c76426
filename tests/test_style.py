"""The rules of the house that ruff cannot see: who may import whom, how long a module may be, what no file may hold.

Each rule is a function that returns complaints; a second test feeds it a bad example, so that it is known to fail.
"""

import ast
import json
import re
import sys
from pathlib import Path

import pytest
from conftest import LESSONS, ROOT, run, tracked

# Imports go downwards only: a module may import those before it.
ORDER = [
    "env",
    "files",
    "checks",
    "quiz",
    "marking",
    "progress",
    "schedules",
    "forward",
    "exact",
    "models",
    "data",
    "samplers",
    "nets",
    "scenes",
    "pipelines",
    "metrics",
    "viz",
    "training",
    "exercises",
    "overview",
    "quiz_controls",
    "quiz_view",
    "commands",
]
ORDER += ["__main__"]
# Which modules alone may import what.
ONLY = {
    ("matplotlib", "IPython", "ipywidgets"): {"viz", "quiz_controls", "quiz_view"},
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


def test_imports_go_downwards():
    assert layering(SOURCES) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("forward", "from course.exact import FiniteSet", "imports exact, which stands above it"),
        ("samplers/ddim", "from course import viz", "imports viz, which stands above it"),
        ("metrics", "def f():\n    import matplotlib.figure", "may import matplotlib.figure"),
        ("viz", "import matplotlib.pyplot as plt", "may import matplotlib.pyplot"),
        ("viz", "from matplotlib import pyplot", "may import matplotlib.pyplot"),
        ("exact", "import urllib.request", r"only \['data', 'pipelines'\] may import urllib.request"),
        ("data", "import torchvision", "import it inside the function"),
        ("pipelines/hub", "from huggingface_hub import errors", "import it inside the function"),
        ("training/latent", "def f():\n    import diffusers", r"only \['pipelines'\] may import diffusers"),
        ("scenes", "from course.pipelines.tiny_sd import WORDS", "imports pipelines, which stands above it"),
        ("schedules", "from .env import device", "relative import"),
        ("helpers", "", "give it its place"),
    ],
)
def test_layering_sees(path, source, complaint):
    assert any(re.search(complaint, said) for said in layering({path: source}))


def test_layering_lets_pass_what_is_right():
    assert layering({"data": "import urllib.parse\ndef f():\n    import torchvision.datasets"}) == []
    assert layering({"exact": "from course import NULL\nfrom course.forward import q_sample"}) == []
    assert layering({"samplers/ddim": "from course.samplers.walk import Step"}) == []


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
    assert [path.name for path in LESSONS if unstripped(path.read_text(encoding="utf-8"))] == []
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
