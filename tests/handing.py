"""Submissions as tests make them: notebooks and packed files as bytes, and what a student handed in."""

import json
import os

from course.teaching.events import Event
from course.teaching.grading import submission
from course.teaching.grading.gather import Handed
from course.teaching.grading.records import Marks, Student


def notebook(cells, outputs=()):
    """The bytes of a notebook of these code cells; outputs stand under the last of them."""
    made = [{"cell_type": "code", "source": text.splitlines(True), "outputs": []} for text in cells]
    made[-1]["outputs"] = list(outputs)
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# x"}, *made], "nbformat": 4}).encode()


def packed(lesson, cells, answers=(), name="Kim Minji", number="20260123"):
    """The bytes of what `course submit` packs from these cells and answers, ((id, answer), ...)."""
    kept = [Event(float(k), "answer", id, given, 0, 0) for k, (id, given) in enumerate(answers)]
    return submission.packed(lesson, cells, kept, name, number).encode()


def handed(*files, certain=False, name="Kim Minji"):
    """What a student handed in: (name of a file, its bytes), ..."""
    return Handed(Student(name, participant="7" if certain else "", folder=name), certain, files)


def deadly(found, rules):
    """In the place of `judging.marked`: ends the process that marks a student called "deadly", and marks all others."""
    if found.student.name == "deadly":
        os._exit(9)
    return [Marks(found.key, found.student, "02", ())]


def endless(found, rules):
    """As `deadly`, but for a student called "endless", with whom it is never done, in code that no signal reaches."""
    if found.student.name == "endless":
        return sum(iter(int, 1))
    return [Marks(found.key, found.student, "02", ())]
