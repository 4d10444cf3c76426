"""What a number is said to be, and which of several things that are said is the answer."""

import pytest

from course.teaching.quiz.clauses import answering, parts
from course.teaching.quiz.numbers import number
from course.teaching.quiz.quantities import asked, done, named, repeated
from course.teaching.quiz.questions import Question
from course.teaching.quiz.typed import Unreadable


def question(english, korean="얼마인가요?", **more):
    """A number question of which only the prompt counts."""
    return Question("99-1", "number", "reason", 2, {"en": english, "ko": korean}, [], {}, **more)


STD = asked(question("The variance is known. Which std is left?"))
VALUE = asked(question(r"$x_0 = 1$ is known. Given $\bar\alpha_t = 0.36$ and $x_t = 1.2$, what is $x_s$?"))
GROWTH = asked(question("A sum.", "얼마나 늘어나나요?"))
FACTOR = asked(question("By what factor is it multiplied?"))


def test_the_question_itself_says_what_is_asked_for():
    assert "std" in STD
    assert "variance" not in STD  # it stands in another sentence
    assert "x_s" in VALUE
    assert not VALUE & {"x_0", "x_t"}  # they are given
    assert {"times", "factor"} <= FACTOR
    assert "times" in asked(question("It.", unit={"forms": ["times"], "feedback": {}}))


def test_who_asks_for_a_change_asks_not_for_where_it_ends():
    assert "by" in GROWTH
    assert "to" not in GROWTH
    assert "to" in STD
    assert "by" not in STD


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the variance is", {"variance"}),
        ("분산은", {"variance"}),
        ("mean squared error", {"loss"}),
        ("x_0 = ", {"x_0"}),
        ("x0는", {"x_0"}),
        ("636배", {"factor"}),
        ("x 636", {"times", "factor"}),
        ("multiplied by", {"factor"}),
        ("nothing of it", set()),
    ],
)
def test_quantities_are_named(text, names):
    assert named(text) == names


def test_operations_are_named_but_not_within_a_quantity():
    assert done("the square root of") == {"root"}
    assert done("나눈 값") == {"divide"}
    assert done("the mean squared error") == set()


@pytest.mark.parametrize(
    "typed",
    [
        "the std is 0.5",
        "variance 0.25, std 0.5",
        "std 0.5, variance 0.25",
        "표준편차는 0.5이고 분산은 0.25",
        "0.5 (분산은 0.25)",
        "0.5, smaller than 0.7",
        "0.5 (= 0.25^0.5)",
        "0.5, the last step has none",
        "0.25 -> sqrt -> 0.5",
        "root of 0.25 is 0.5",
        "0.5 = sqrt(0.25)",
        "0.5 (50 %)",
        "1/2 or 0.5",
        "처음엔 0.25인 줄 알았는데 0.5",
    ],
)
def test_the_number_that_is_asked_for_is_read(typed):
    assert number(typed, STD)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "typed",
    [
        "the variance is 0.5",
        "분산 = 0.5",
        "0.5 (variance)",
        "0.5, the variance",
        "root of the std is 0.5",
        "divided by 0.5",
        "twice 0.5",
        "drops by 0.5",
        "0.5 or 0.7",
        "0.5 (or 0.7)",
        "0.5, 0.7",
        "0.5, 제곱하면 0.25",
        "x_0 = 0.5",
    ],
)
def test_another_quantity_is_not_read(typed):
    with pytest.raises(Unreadable):
        number(typed, STD)


@pytest.mark.parametrize(
    ("typed", "wanted", "value"),
    [("x_s = 1, x_0 = 1.1", VALUE, 1), ("x_0 = 1, x_s = 1.1", VALUE, 1.1), ("up by 10, to 11", GROWTH, 10)],
)
def test_of_two_named_numbers_it_is_the_one_asked_for(typed, wanted, value):
    assert number(typed, wanted)[0] == value


def test_an_answer_has_parts_and_one_of_them_counts():
    assert parts("0.4 (std), so") == ["0.4 (std)", "so"]
    assert parts("1,000 (std)") == ["1,000", "std"]
    assert answering("1 and 2", STD) == "1 and 2"  # none is told from the other
    assert answering("99 calls of 2, so 198", STD) == "198"


def test_the_words_of_the_prompt_may_follow_a_number():
    asking = question("Which share of the average is random?")
    assert repeated(asking, "% of the average is random", asked(asking)) == "%"
    assert repeated(asking, "% of the moon", asked(asking)) == "% moon"
    assert repeated(asking, "is not the average", asked(asking)) == "is not the average"
