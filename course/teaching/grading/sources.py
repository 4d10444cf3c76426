"""The functions `my_...` and the typed answers of a notebook, by its syntax tree alone: nothing of it is run."""

import ast
import itertools
import re
import symtable
import warnings
from dataclasses import dataclass, field
from functools import cache

MAGIC = re.compile(
    r"^(?P<indent>[ \t]*+)(?:[%!?].*|[^\n'\"#=]*\?[ \t]*)$", re.MULTILINE
)  # lines that only IPython reads
CALLED = ("check", "ask", "use", "solution")  # ours: who defines one anew fools only the own notebook
LONGEST = 100_000  # letters of a cell that is read
FUNCTIONS = 50  # named my_... that are read, the last ones
NEEDS = 10_000  # statements that a function may need


@dataclass(frozen=True)
class Function:
    """A function `my_...` as it was handed in: its text, the statements of the notebook that it needs, in their order,
    and the names in them that come from the course. `defined`: how often the notebook defines it."""

    name: str
    source: str
    needs: tuple = ()
    course: tuple = ()
    defined: int = 1


@dataclass
class Found:
    """What was read: {name: Function}, [(id of a question, answer), ...] in the order of the cells, the cells that
    cannot be read with their error, [(text, error), ...], which of the course's own names are defined anew, and the ids
    of questions and exercises that are named."""

    functions: dict = field(default_factory=dict)
    answers: list = field(default_factory=list)
    broken: list = field(default_factory=list)
    redefined: list = field(default_factory=list)
    asked: list = field(default_factory=list)


@dataclass(frozen=True)
class _Definition:
    place: int
    source: str
    function: bool
    course: bool  # whether it imports from there


def read(cells):
    """What stands in code cells, given as texts. Raises nothing, whatever students write."""
    found, known, place = Found(), {}, itertools.count()
    for text in cells:
        tree, text = _tree(text.replace("\r\n", "\n").replace("\r", "\n"), found)
        lines = [f"{line}\n" for line in text.split("\n")]  # as Python counts them: other marks end no line
        source = cache(lambda first, last, lines=lines: "".join(lines[first - 1 : last]))  # many may share a long line
        for node in tree.body:
            text, ours = source(*_place(node)), _of_course(node)
            one = _Definition(next(place), text, isinstance(node, ast.FunctionDef), ours)
            for name in _defined(node):
                known.setdefault(name, []).append(one)
                if name in CALLED and not ours:
                    found.redefined.append(name)
        for node in ast.walk(tree):
            _note_call(node, found)
    free = cache(_free)
    for name in [name for name in known if name.startswith("my_")][-FUNCTIONS:]:
        found.functions[name] = _function(name, known, free)
    return found


def _tree(text, found):
    """The syntax tree of a cell, and the text that it is of; an empty one for a cell that has none, which is noted."""
    try:
        if len(text) > LONGEST:
            raise ValueError("long")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in a student's text
            try:
                return ast.parse(text), text
            except SyntaxError:
                text = MAGIC.sub(_idle, text)
                return ast.parse(text), text
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        found.broken.append((text[:LONGEST], error))
        return ast.Module([], []), ""


def _idle(line):
    """A statement that does nothing, in the place of a line of IPython's."""
    return f"{line['indent']}pass"


def _place(node):
    """The first and the last line of a statement with its decorators."""
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]), node.end_lineno


def _defined(node):
    """The names that a statement at the top of a cell defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return []


def _of_course(node):
    """Whether a statement imports from the course."""
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return any(name.partition(".")[0] == "course" for name in names)


def _note_call(node, found):
    """Note an answer that stands in the text, `ask("02-3", answer="b")`, and which question or exercise is meant."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
        return
    first = node.args[0]
    if node.func.id not in CALLED or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return
    found.asked.append(first.value)
    given = {word.arg: word.value for word in node.keywords}
    later = given.get("later")
    if node.func.id != "ask" or (later and not (isinstance(later, ast.Constant) and not later.value)):
        return  # a guess is not marked
    answer = node.args[1] if len(node.args) > 1 else given.get("answer")
    value = _constant(answer)
    if value is not None:
        found.answers.append((first.value, value))


def _constant(node):
    """The text of an answer that is written out: a text, a number, or a list of letters; None for all else."""
    if node is None:
        return None
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, list | tuple | set) and all(isinstance(part, str) for part in value):
        value = "".join(sorted(value) if isinstance(value, set) else value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return str(value)
    except ValueError:  # a number of more digits than Python writes
        return None


def _function(name, known, free):
    """The Function of a name, with what it needs: all that its text takes from the notebook, and what that takes."""
    entries, taken, course, seen = known[name], {}, set(), {name}
    last = entries[-1]
    todo = [last] if last.function else [*entries]  # such as my_f = torch.no_grad()(my_f)
    while todo and len(taken) <= NEEDS:
        one = todo.pop()
        if one.place in taken:
            continue
        taken[one.place] = one.source
        for other in free(one.source) - seen:
            seen.add(other)
            entries_of_other = known.get(other, ())
            course |= {other} if entries_of_other and entries_of_other[-1].course else set()
            todo += entries_of_other
    needs = [source for place, source in sorted(taken.items()) if place != last.place]
    return Function(name, last.source, tuple(dict.fromkeys(needs)), tuple(sorted(course)), len(entries))


def _free(source):
    """The names that a statement takes from outside of itself."""
    try:
        table = symtable.symtable(source, "<statement>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    todo = [*table.get_children()]
    while todo:
        inner = todo.pop()
        names |= {symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global() and symbol.is_referenced()}
        todo += inner.get_children()
    return names


def is_stub(source):
    """Whether a function has no code yet: nothing but a docstring, `...` or `pass`."""
    try:
        body = ast.parse(source).body[0].body
    except (SyntaxError, IndexError, AttributeError, ValueError, RecursionError, MemoryError):
        return False
    return all(
        isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in body
    )
