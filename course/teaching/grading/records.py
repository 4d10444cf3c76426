"""What is known of a class after marking, as plain data that goes into JSON and comes back equal. No torch is needed.

A text is {"en": ..., "ko": ...}, as in the quiz files.
"""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Student:
    """Who handed in. `name` and `number` as far as known, `participant` the number by which Moodle names a folder;
    `folder` is where it lay, which no student chooses."""

    name: str
    number: str = ""
    participant: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Item:
    """The mark of one question or exercise.

    `status`: "correct", "not yet", "error" or "not attempted"; `given`: the answer as it was typed; `mistake`: the slug
    of a known mistake of an exercise, or the number, from 1, of the wrong answer in the quiz file, as text; `reasons`:
    texts; `tries`: how many answers were handed in, `first`: whether the first of them was right; `asked`: the prompt,
    where its numbers were the student's own.
    """

    id: str
    kind: str  # "question" or "exercise"
    status: str
    points: int
    out_of: int
    given: str = ""
    mistake: str = ""
    reasons: tuple = ()
    tries: int = 0
    first: bool | None = None
    further: bool = False  # for those who want to know: it does not count in the total
    asked: dict | None = None


@dataclass(frozen=True)
class Remark:
    """What is odd about a submission: a slug, its text, and whether a teacher should look at it."""

    slug: str
    text: dict
    look: bool = False


@dataclass(frozen=True)
class Marks:
    """All marks of one student in one lesson. `key` names what was marked, and is never empty; `trusted` ones were made
    without a sandbox."""

    key: str
    student: Student
    lesson: str
    items: tuple
    remarks: tuple = ()
    files: tuple = ()  # what was handed in, as named
    version: str = ""  # of the course, as the submission says
    trusted: bool = False

    @property
    def points(self):
        """What counts in the total: all but what is for those who want to know."""
        return sum(item.points for item in self.items if not item.further)

    @property
    def out_of(self):
        """The most that `points` can be."""
        return sum(item.out_of for item in self.items if not item.further)


def to_json(marks):
    """Marks as text."""
    return json.dumps(asdict(marks), ensure_ascii=False, indent=1)


def from_json(text):
    """The Marks of such a text. Raises ValueError, TypeError or KeyError for any other."""
    found = json.loads(text)
    found["student"] = Student(**found["student"])
    found["items"] = tuple(Item(**item | {"reasons": tuple(item["reasons"])}) for item in found["items"])
    found["remarks"] = tuple(Remark(**remark) for remark in found["remarks"])
    found["files"] = tuple(found["files"])
    return Marks(**found)
