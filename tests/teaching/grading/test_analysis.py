"""Difficulty and discrimination against numpy and numbers counted by hand."""

import random

import numpy as np
import pytest
from school import school

from course.teaching.grading.analysis import analyse, commonest, correlation
from course.teaching.grading.gradebook import by_student
from course.teaching.grading.records import Item, Marks, Student

CLASS = school()


def answers(points, firsts=None, out_of=2, further=()):
    """A class of one lesson: points[student][item]; None is "not attempted"."""
    found = []
    for k, row in enumerate(points):
        items = tuple(
            Item(
                f"01-{i + 1}",
                "question",
                "not attempted" if mine is None else "correct" if mine else "not yet",
                mine or 0,
                out_of,
                given="" if mine is None else "x",
                first=None if firsts is None else firsts[k][i],
                further=i in further,
            )
            for i, mine in enumerate(row)
        )
        found.append(Marks(f"k{k}", Student(f"s{k:02d}"), "01", items))
    return found


def test_a_small_class_by_hand():
    """Item 1: 2 of 4 students, totals without it 2, 2, 0, 0: r = 1. Item 2 the same. Item 3: nobody, so undefined."""
    found = {each.item.id: each for each in analyse(answers([[2, 2, 0], [2, 2, 0], [0, 0, None], [0, 0, 0]]))}
    assert [found[id].share for id in ("01-1", "01-2", "01-3")] == [0.5, 0.5, 0]
    assert [found[id].discrimination for id in ("01-1", "01-2", "01-3")] == [1, 1, None]
    assert [found[id].left for id in ("01-1", "01-2", "01-3")] == [0, 0, 1]
    assert found["01-1"].first is None
    assert found["01-1"].count == 4


def test_the_hardest_item_comes_first():
    assert [each.item.id for each in analyse(answers([[2, 0, 2], [2, 0, 0]]))] == ["01-2", "01-3", "01-1"]


def test_first_answers_count_where_they_are_known():
    [each] = analyse(answers([[2], [2], [0], [None]], [[True], [False], [False], [None]]))
    assert each.first == pytest.approx(1 / 3)
    assert each.share == 0.5


def test_discrimination_is_that_of_numpy():
    """Item against the total without it, on 60 students of one lesson, further items in no total."""
    marks = school(lessons=("02",))
    points = np.array([[item.points for item in some.items] for some in marks], dtype=float)
    counts = np.array([not item.further for item in marks[0].items])
    ids = [item.id for item in marks[0].items]
    found = {each.item.id: each for each in analyse(marks)}
    for k, id in enumerate(ids):
        rest = points[:, counts].sum(1) - points[:, k] * counts[k]
        assert found[id].discrimination == pytest.approx(np.corrcoef(points[:, k], rest)[0, 1], abs=1e-12)
        assert found[id].share == pytest.approx(points[:, k].mean() / marks[0].items[k].out_of, abs=1e-12)


def test_a_further_item_is_compared_with_the_whole_total():
    marks = answers([[2, 2, 0], [2, 0, 2], [0, 0, 0], [0, 2, 2]], further=(0,))
    found = {each.item.id: each for each in analyse(marks)}
    assert found["01-1"].discrimination == pytest.approx(np.corrcoef([2, 2, 0, 0], [2, 2, 0, 4])[0, 1])
    assert found["01-2"].discrimination == pytest.approx(np.corrcoef([2, 0, 0, 2], [0, 2, 0, 2])[0, 1])


def test_who_did_not_hand_in_a_lesson_is_no_part_of_its_items():
    for each in analyse(CLASS):
        mine = [some for some in CLASS if some.lesson == each.lesson]
        items = [item for some in mine for item in some.items if item.id == each.item.id]
        assert each.count == len(mine)
        assert each.left == sum(item.status == "not attempted" for item in items)
        assert each.share == pytest.approx(sum(item.points for item in items) / sum(item.out_of for item in items))
    assert {each.count for each in analyse(CLASS)} == {57, 60}


def test_only_weak_items_of_a_class_that_is_large_enough_are_marked():
    reversed_ = [[2, 2, 0], [2, 2, 0], [0, 0, 2]]
    assert not any(each.is_weak for each in analyse(answers(reversed_)))
    found = {each.item.id: each for each in analyse(answers(reversed_ * 4))}
    assert found["01-3"].is_weak
    assert found["01-3"].discrimination == -1
    assert not found["01-1"].is_weak or found["01-1"].discrimination < 0.1
    assert not any(each.is_weak for each in analyse(answers([[2, 2, 0]] * 12)))  # undefined


@pytest.mark.parametrize(("xs", "ys"), [([], []), ([1], [2]), ([1, 1], [1, 2]), ([1, 2], [3, 3])])
def test_a_correlation_that_is_none(xs, ys):
    assert correlation(xs, ys) is None


def test_wrong_answers_are_counted_by_what_is_wrong():
    """0.0039 is the third answer of 01-2 in the file, however it is typed; a mistake of an exercise is its slug."""
    typed = [("0.0039", "3"), ("1/256", "3"), ("17", ""), (" 17 ", ""), ("no idea", ""), ("No Idea", ""), ("x", "")]
    items = [Item("01-2", "question", "not yet", 0, 2, given, mistake) for given, mistake in typed]
    items.append(Item("01-2", "question", "correct", 2, 2, "0.0625"))
    marks = [Marks(f"k{k}", Student(str(k)), "01", (item,)) for k, item in enumerate(items)]
    [each] = analyse(marks)
    assert [(text["en"].casefold(), count) for text, count in each.wrong] == [
        ("0.0039", 2),
        ("17", 2),
        ("no idea", 2),
        ("x", 1),
    ]


def test_options_are_named_with_their_texts_and_mistakes_with_what_is_said():
    def one(item):
        [each] = analyse([Marks("k", Student("a"), "01", (item,))])
        [(text, count)] = each.wrong
        assert count == 1
        return text

    assert one(Item("01-1", "question", "not yet", 0, 2, "B", "2")) == {"en": "b) about 1", "ko": "b) 약 1"}
    said = one(Item("03-q_posterior", "exercise", "not yet", 0, 3, "def f(): ...", "exchanged"))
    assert said["en"] == "exchanged: You exchange the weights of x_0 and x_t."
    assert said["ko"].startswith("exchanged: x_0의 가중치")
    assert one(Item("03-q_posterior", "exercise", "not yet", 0, 3, "", ""))["en"] == "no mistake that is known"
    assert one(Item("03-q_posterior", "exercise", "error", 0, 3, "", ""))["en"] == "stopped with an error"
    assert one(Item("03-q_posterior", "exercise", "not yet", 0, 3, "", "gone"))["en"] == "gone"
    assert one(Item("99-1", "question", "not yet", 0, 3, "b", "2"))["en"] == "b"
    assert one(Item("01-2", "question", "not yet", 0, 2, "12", "99"))["en"] == "12"
    assert one(Item("01-2", "question", "not yet", 0, 2, "12", "9" * 5000))["en"] == "12"


def test_the_order_of_the_marks_changes_nothing():
    mixed = random.Random(0).sample(CLASS, len(CLASS))
    assert analyse(mixed) == analyse(CLASS)


def test_equal_texts_are_one_and_ties_go_by_the_alphabet():
    texts = [{"en": word, "ko": word} for word in ("b", "A", "a", "B", "c")]
    assert [(text["en"], count) for text, count in commonest(texts)] == [("A", 2), ("B", 2), ("c", 1)]
    assert commonest([]) == ()


def test_an_empty_class_and_one_student():
    assert analyse([]) == []
    found = analyse(CLASS[:1])
    assert len(found) == len(by_student(CLASS[:1])[CLASS[0].student][0].items)
    assert {each.discrimination for each in found} == {None}
