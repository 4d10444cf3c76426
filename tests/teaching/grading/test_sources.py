"""What a notebook holds is read by its syntax tree: functions with what they need, answers, and nothing is run."""

import ast

import pytest

from course.teaching.grading import sources


def run(function):
    """The function itself, made from nothing but what was read."""
    space = {}
    for statement in function.needs:
        exec(statement, space)
    exec(function.source, space)
    return space[function.name]


def test_a_function_comes_with_all_that_it_needs_and_no_more():
    cells = [
        "import math\nimport os\nfrom statistics import mean as middle",
        "K = 3\nUNUSED = 1 / 0",
        "def helper(x):\n    return math.sqrt(x) * K",
        "def my_f(x, y=K):\n    K2 = 4\n    return [helper(x) + y + middle([K2, UNSEEN]) for UNSEEN in (0,)]",
    ]
    found = sources.read(cells).functions["my_f"]
    assert [text.split()[0:2] for text in found.needs] == [
        ["import", "math"],
        ["from", "statistics"],
        ["K", "="],
        ["def", "helper(x):"],
    ]
    assert run(found)(4) == [11]
    assert found.course == ()


def test_what_stands_in_cells_that_are_not_needed_is_not_run():
    assert (
        sources.read(["raise SystemExit", "open('/nowhere')", "def my_f(x):\n    return x"]).functions["my_f"].needs
        == ()
    )


def test_the_last_definition_counts_whatever_was_there_before():
    found = sources.read(["def my_f(x):\n    ...", "def my_f(x):\n    return 1", "def my_f(x):\n    return 2"])
    assert (run(found.functions["my_f"])(0), found.functions["my_f"].defined) == (2, 3)


def test_a_name_that_is_given_to_what_was_defined_before_takes_it_along():
    cells = ["import functools", "def my_f(x):\n    return x + 1", "my_f = functools.lru_cache(my_f)"]
    assert run(sources.read(cells).functions["my_f"])(1) == 2
    assert run(sources.read(["K = 1\nmy_f = lambda x: x + K"]).functions["my_f"])(1) == 2


def test_decorators_belong_to_a_function():
    found = sources.read(["import functools\n@functools.cache\ndef my_f(x):\n    return x"]).functions["my_f"]
    assert found.source.startswith("@functools.cache\n")
    assert run(found)(5) == 5


def test_names_from_the_course_are_named():
    cells = [
        "from course.schedules import linear\nimport course.forward as f",
        "T = linear()",
        "def my_f(x):\n    return T, f",
    ]
    assert sources.read(cells).functions["my_f"].course == ("f", "linear")


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("ask('02-1', answer='b')", [("02-1", "b")]),
        ("ask('02-1', 'b'); ask('02-1', answer='c')", [("02-1", "b"), ("02-1", "c")]),
        ("ask('02-1', answer=10.05)", [("02-1", "10.05")]),
        ("ask('02-1', answer=['a', 'd'])", [("02-1", "ad")]),
        ("ask('02-1', answer={'d', 'a'})", [("02-1", "ad")]),
        ("ask('02-1', answer='b', later=False)", [("02-1", "b")]),
        ("ask('02-1', answer='b', later=True)", []),
        ("ask('02-1', answer='b', later=maybe)", []),
        ("ask('02-1')", []),
        ("ask(name, answer='b')", []),
        ("ask('02-1', answer=found)", []),
        ("ask('02-1', answer=True)", []),
        ("ask('02-1', answer=[[]])", []),
        ("mine.ask('02-1', answer='b')", []),
        ("def f():\n    ask('02-1', answer='b')", [("02-1", "b")]),
    ],
)
def test_answers_that_stand_in_the_text(text, answers):
    assert sources.read([text]).answers == answers


@pytest.mark.parametrize(
    "line", ["%matplotlib inline", "!ls -l", "?print", "print?", "print??", "    %time", "%%time", "!echo 'a' > b"]
)
def test_lines_of_ipython_do_not_hide_a_function(line):
    top = line.strip() if line.startswith("%%") else f"if True:\n    pass\n{line.strip()}"
    found = sources.read([f"{top}\ndef my_f(x):\n    return x + 1"])
    assert run(found.functions["my_f"])(1) == 2
    assert not found.broken


def test_a_percent_sign_of_python_stays():
    assert run(sources.read(["def my_f(x):\n    return (x\n%  3)"]).functions["my_f"])(5) == 2


def test_a_cell_that_cannot_be_read_leaves_the_others():
    found = sources.read(["def my_g(x:\n    return", "def my_f(x):\n    return x"])
    assert [*found.functions] == ["my_f"]
    ((text, error),) = found.broken
    assert (text, type(error), error.lineno) == ("def my_g(x:\n    return", SyntaxError, 1)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 100_000 + "1",
        "(" * 1000 + ")" * 1000,
        "a" + ".b" * 100_000,
        "1" + "+1" * 100_000,
        "lambda:" * 20_000 + "1",
        "x = 1" + "0" * 100_000,
        "a if b else " * 30_000 + "c",
        "x" + "[0]" * 100_000,
        "\0",
        "\ud800",
        "x" * (sources.LONGEST + 1),
    ],
    ids=lambda text: text[:8].encode("unicode_escape").decode(),
)
def test_what_hurts_a_parser_is_a_broken_cell(text):
    found = sources.read([text, "def my_f(x):\n    return x"])
    assert len(found.broken) == 1
    assert [*found.functions] == ["my_f"]


def test_many_statements_that_need_each_other_are_read_in_time():
    chain = "\n".join(f"v{k} = v{k - 1} + v{k - 2}" for k in range(2, 3000))
    found = sources.read([f"v0 = v1 = 1\n{chain}\ndef my_f(x):\n    return v2999"])
    assert len(found.functions["my_f"].needs) == 2999


@pytest.mark.parametrize("mark", ["\f", "\u2028", "\x1c", "\x85", "\r"])
def test_marks_that_end_a_line_for_others_shift_nothing(mark):
    found = sources.read([f"# a{mark}b = 1\ndef my_f(x):\n    return x + 1\n"])
    assert found.functions["my_f"].source == "def my_f(x):\n    return x + 1\n"


def test_our_names_defined_anew_are_named_but_not_their_imports():
    cells = ["from course import ask, check", "def check(*_):\n    return 3", "use = 5"]
    assert sources.read(cells).redefined == ["check", "use"]
    assert sources.read(cells[:1]).redefined == []


@pytest.mark.parametrize(
    ("body", "stub"),
    [("...", True), ("pass", True), ('"""What it does."""\n    ...', True), ("return None", False), ("x = 1", False)],
)
def test_stubs(body, stub):
    text = f"def my_f(x):\n    {body}"
    assert sources.is_stub(text) is stub
    assert ast.parse(text)


def test_a_value_is_no_stub():
    assert not sources.is_stub("my_f = lambda x: x")
