"""A whole class: each student's work is marked in one of several processes, kept at once, and found again.

Nothing that one student handed in ends the marking of the others: where the process that marks it dies of it, its row
says so.
"""

import faulthandler
import hashlib
import itertools
import json
import multiprocessing
import os
import threading
from collections import Counter, deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import astuple, replace
from pathlib import Path

from course import __version__, env
from course.files import write_whole
from course.teaching.grading.judging import marked
from course.teaching.grading.records import Marks, from_json, to_json
from course.teaching.grading.submission import remark, short

SECONDS = 1200  # for one student; a process that is not done by then is ended


class Processes:
    """An executor of so many processes, which end with this one, however it ends. Use it in a `with`."""

    def __init__(self, jobs):
        self.jobs, self.pool = jobs, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def submit(self, fn, *args):
        """The Future of fn(*args). Where a process has died, new ones take over; what they had begun is lost."""
        try:
            self.pool = self.pool or _pool(self.jobs)
            return self.pool.submit(_watched, SECONDS, fn, *args)
        except BrokenProcessPool:
            self.pool = _pool(self.jobs)
            return self.pool.submit(_watched, SECONDS, fn, *args)


def _pool(jobs):
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent():
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _watched(seconds, fn, *args):
    """fn(*args), and the end of this process where that takes too long, whatever it is stuck in."""
    with open(os.devnull, "rb+") as nothing:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nothing)
        try:
            return fn(*args)
        finally:
            faulthandler.cancel_dump_traceback_later()


def mark_class(all_handed, rules, executor, kept, ahead=4):
    """The Marks of each student, a list, in their order, each with whether it was marked before.

    `executor` runs `judging.marked`: Processes, or one of many machines; no more than `ahead` students wait in it, and
    are in memory. `kept` is the folder in which marks are kept. Raises OSError where they cannot be.
    """
    waiting = deque()
    for handed in all_handed:
        path = kept / f"{_key(handed, rules)}.json"
        found = _kept(path)
        waiting.append((handed, path, found or executor.submit(marked, handed, rules)))
        if len(waiting) > ahead:
            yield _done(*waiting.popleft(), rules)
    while waiting:
        yield _done(*waiting.popleft(), rules)


def _done(handed, path, found, rules):
    """The Marks, and whether they were kept already."""
    if not isinstance(found, Future):
        return found, True
    try:
        made = found.result()
    except BrokenProcessPool:
        made = _alone(handed, rules)
    except OSError:  # trouble of this machine, and no student's
        raise
    except Exception as error:  # a fault of ours: it costs this student's row, is told, and not kept
        said = short(f"{type(error).__name__}: {error}")
        return _unmarked(handed, rules, remark("failed", look=True, error=said)), False
    write_whole(path, json.dumps([to_json(one) for one in made], ensure_ascii=False))
    return made, False


def _alone(handed, rules):
    """Mark one student in a process of its own, since one of several has died, and it is not known by whom."""
    with Processes(1) as executor:
        try:
            return executor.submit(marked, handed, rules).result()
        except BrokenProcessPool:
            return _unmarked(handed, rules, remark("deadly", look=True))


def _unmarked(handed, rules, why):
    """The Marks of what could not be marked."""
    files = tuple(name for name, _ in handed.files)
    return [Marks(handed.key, handed.student, "", (), (*handed.remarks, why), files, "", rules.trusted)]


def _key(handed, rules):
    """What the marks of a student depend on: what was handed in, the rules, and the course as it is."""
    whole = hashlib.sha256(repr((handed.key, astuple(rules), __version__)).encode())
    code = sorted(Path(__file__).parents[1].rglob("*.py"))  # truths, mistakes, and how they are judged
    for path in [*sorted(env.shipped("quizzes").glob("*.yaml")), *code]:
        whole.update(path.read_bytes())
    return whole.hexdigest()[:32]


def _kept(path):
    """The Marks that were kept, None where there are none that can be read."""
    try:
        return [from_json(text) for text in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def twins(all_marks):
    """The same Marks, with a remark on those that two submissions give to one name, and a folder that tells them
    apart."""
    count = Counter(map(_who, all_marks))
    taken, found = set(), []
    for one in all_marks:
        if count[_who(one)] > 1:
            folder = told = one.student.folder or ", ".join(one.files)
            numbers = itertools.count(2)
            while (told, *_who(one)) in taken:  # files may be called alike, too
                told = f"{folder} ({next(numbers)})"
            taken.add((told, *_who(one)))
            one = replace(
                one,
                student=replace(one.student, folder=told),
                remarks=(*one.remarks, remark("same-name", look=True, count=count[_who(one)])),
            )
        found.append(one)
    return found


def _who(marks):
    who = marks.student
    return who.name.casefold(), who.number, who.participant, marks.lesson
