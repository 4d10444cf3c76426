"""A whole class: in order, kept at once, taken up again, and not ended by anybody."""

from concurrent.futures import Future

import handing
import pytest
from helpers import files

from course.files import write_whole
from course.teaching.grading import batch
from course.teaching.grading.judging import Rules
from course.teaching.grading.records import Marks, Student


class AtOnce:
    """An executor that runs what it is given, and counts it."""

    def __init__(self):
        self.ran = []

    def submit(self, fn, found, rules):
        self.ran.append(found.student.name)
        done = Future()
        done.set_result(handing.deadly(found, rules))
        return done


def those(*names):
    return [handing.handed(("a.json", name.encode()), name=name) for name in names]


def names(found):
    return [(made[0].student.name, known) for made, known in found]


def test_marks_are_kept_and_found_again(tmp_path):
    executor, rules = AtOnce(), Rules()
    first = [*batch.mark_class(those("a", "b"), rules, executor, tmp_path)]
    assert names(first) == [("a", False), ("b", False)]
    again = [*batch.mark_class(those("a", "b", "c"), rules, executor, tmp_path)]
    assert names(again) == [("a", True), ("b", True), ("c", False)]
    assert [made for made, _ in again[:2]] == [made for made, _ in first]
    assert executor.ran == ["a", "b", "c"]


def test_other_files_rules_or_questions_are_marked_anew(tmp_path, monkeypatch):
    executor = AtOnce()
    for found, rules in (
        (those("a"), Rules()),
        (those("a"), Rules(secret="mackerel")),
        (those("a"), Rules(trusted=True)),
        ([handing.handed(("a.json", b"other"), name="a")], Rules()),
    ):
        [*batch.mark_class(found, rules, executor, tmp_path)]
    monkeypatch.setattr(batch, "__version__", "0.0.1")
    [*batch.mark_class(those("a"), Rules(), executor, tmp_path)]
    assert executor.ran == ["a"] * 5


@pytest.mark.parametrize("text", ["", "{", "[5]", '["{}"]', "null"])
def test_what_was_half_written_is_marked_anew(tmp_path, text):
    executor = AtOnce()
    [*batch.mark_class(those("a"), Rules(), executor, tmp_path)]
    (name,) = files(tmp_path)
    write_whole(tmp_path / name, text)
    assert names(batch.mark_class(those("a"), Rules(), executor, tmp_path)) == [("a", False)]
    assert executor.ran == ["a", "a"]


def test_no_more_than_a_few_are_in_memory(tmp_path):
    read = []

    def reading():
        for found in those(*"abcdefgh"):
            read.append(found.student.name)
            yield found

    ways = batch.mark_class(reading(), Rules(), AtOnce(), tmp_path, ahead=2)
    next(ways)
    assert read == ["a", "b", "c"]


def test_one_that_kills_its_process_is_a_row_and_the_others_are_marked(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "marked", handing.deadly)
    with batch.Processes(2) as executor:
        found = [*batch.mark_class(those("a", "b", "deadly", "c", "d"), Rules(), executor, tmp_path, ahead=3)]
    assert names(found) == [(name, False) for name in ("a", "b", "deadly", "c", "d")]
    assert [[remark.slug for remark in made[0].remarks] for made, _ in found] == [[], [], ["deadly"], [], []]
    assert [made[0].lesson for made, _ in found] == ["02", "02", "", "02", "02"]


def test_two_of_one_name_are_told_apart_and_named():
    one, other = (Marks(key, Student("Kim", "7"), "02", (), files=(f"{key}.json",)) for key in "ab")
    third = Marks("c", Student("Kim", "7"), "03", (), files=("c.json",))
    found = batch.twins([one, other, third])
    assert [mark.student.folder for mark in found] == ["a.json", "b.json", ""]
    assert [[remark.slug for remark in mark.remarks] for mark in found] == [["same-name"], ["same-name"], []]
    in_folders = [Marks(key, Student("Kim", folder=key), "02", ()) for key in "ab"]
    assert [mark.student.folder for mark in batch.twins(in_folders)] == ["a", "b"]
    assert batch.twins([one, third]) == [one, third]
    alike = [Marks(key, Student("Kim"), "02", (), files=("x.json",)) for key in "abc"]
    assert [mark.student.folder for mark in batch.twins(alike)] == ["x.json", "x.json (2)", "x.json (3)"]


def test_a_fault_of_ours_costs_one_row_and_is_not_kept(tmp_path, monkeypatch):
    executor = AtOnce()
    plain = executor.submit

    def submit(fn, found, rules):
        if found.student.name != "odd":
            return plain(fn, found, rules)
        failed = Future()
        failed.set_exception(ZeroDivisionError("{key}"))
        return failed

    monkeypatch.setattr(executor, "submit", submit)
    for known in (False, True):
        found = [*batch.mark_class(those("a", "odd", "b"), Rules(), executor, tmp_path)]
        assert names(found) == [("a", known), ("odd", False), ("b", known)]
        (remark,) = found[1][0][0].remarks
        assert (remark.slug, "ZeroDivisionError: {key}" in remark.text["en"]) == ("failed", True)


def test_one_that_never_ends_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "marked", handing.endless)
    monkeypatch.setattr(batch, "SECONDS", 5)
    with batch.Processes(2) as executor:
        found = [*batch.mark_class(those("a", "endless", "b"), Rules(), executor, tmp_path)]
    assert [[remark.slug for remark in made[0].remarks] for made, _ in found] == [[], ["deadly"], []]
