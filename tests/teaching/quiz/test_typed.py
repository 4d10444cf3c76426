"""What was typed, read as it was meant: words around an answer, spellings, glosses, letters typed in Hangul."""

import pytest

from course.teaching.quiz.letters import letters_in
from course.teaching.quiz.typed import Unreadable, bare, denied, named, stemmed, typed

FORMS = {
    stemmed(form): k
    for k, forms in {1: ["reverse process", "역방향"], 2: ["forward process"]}.items()
    for form in forms
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("diffusion model", "확산 모델"),
        ("diffusion model", "디퓨젼모델"),
        ("diffusion model", "difusion models"),
        ("reverse process", "리버스 과정"),
        ("forward sampling", "순방향 샘플링"),
        ("variational autoencoder", "VAE"),
        ("exponential moving average", "지수 이동평균"),
    ],
)
def test_a_word_is_one_however_it_is_spelled(one, other):
    assert stemmed(one) == stemmed(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("encoder", "decoder"),
        ("noising", "denoising"),
        ("forward", "backward"),
        ("inversion", "version"),
        ("vae", "gan"),
    ],
)
def test_words_that_differ_stay_apart(one, other):
    assert stemmed(one) != stemmed(other)


def test_a_spelling_belongs_to_one_word():
    words = [word for words in typed()["spellings"] for word in words]
    assert len({*words}) == len(words)


RIGHT = [
    "reverse process",
    "It's called the reverse process.",
    "정답은 역방향 과정입니다",
    "역방향 과정인 것 같아요",
    "역방향(reverse) 과정",
]
RIGHT += [
    "역방향 과정 (reverse process)",
    "not the forward but the reverse process",
    "순방향이 아니라 역방향",
    "reverse process, not forward",
]
RIGHT += [
    "역방향 과정, reverse process",
    "리버스(역방향)",
    "노이즈를 걷어 내는 역방향 과정",
    "역방향이지 순방향이 아님",
    "역방향, 영어로 reverse process",
]
RIGHT += [
    "reverse process because it goes back",
    "reverse process (p)",
    "역방향, 노이즈를 걷어 내니까요",
    "순방향이 아니라 역방향(reverse)",
    "처음엔 순방향인 줄 알았는데 역방향",
]


def heard(said):
    """The entry that is meant, None where none is or where it cannot be told."""
    try:
        return named(said, FORMS)
    except Unreadable:
        return None


@pytest.mark.parametrize("said", RIGHT)
def test_what_is_meant_is_found(said):
    assert named(said, FORMS) == 1


WRONG = [
    "not the reverse process",
    "역방향이 아님",
    "역방향 과정은 아니에요",
    "reverse or forward",
    "역방향(forward)",
    "forward, reverse",
]
WRONG += [
    "the loss of the reverse process",
    "역방향 과정의 반대",
    "역방향 또는 순방향",
    "anything but the reverse process",
]


@pytest.mark.parametrize("said", WRONG)
def test_what_is_not_said_is_not_heard(said):
    assert heard(said) != 1


@pytest.mark.parametrize("said", ["not reverse but forward", "역방향이 아니라 순방향 과정"])
def test_of_this_and_that_it_is_that(said):
    assert named(said, FORMS | {stemmed("forward"): 2}) == 2


@pytest.mark.parametrize(
    "said", ["reverse process (noise to image)", "the forward process, with q", "역방향 - 거꾸로 감"]
)
def test_a_name_with_a_comment_that_may_say_anything_is_unreadable(said):
    with pytest.raises(Unreadable, match="name alone"):
        named(said, FORMS)


@pytest.mark.parametrize("said", ["≠ reverse process", "!reverse process", "역방향(×)", "r" * 5000, "은 " * 90])
def test_signs_that_turn_an_answer_round_and_essays_are_unreadable(said):
    with pytest.raises(Unreadable):
        named(said, FORMS)


def test_an_answer_is_read_as_typed_first():
    assert next(bare("The answer is x")) == "the answer is x"
    assert {"the answer is x", "answer is x", "x"} & {*bare("The answer is x")} >= {"x"}


@pytest.mark.parametrize(
    ("said", "letters"),
    [
        ("b번", "b"),
        ("정답은 b입니다", "b"),
        ("b랑 c", "bc"),
        ("b, c번", "bc"),
        ("d 다음 c 다음 a 다음 b", "dcab"),
        ("d > c > a > b", "dcab"),
        ("first d, then c, then a, and b last", "dcab"),
        ("ㅇㅊㅁㅠ", "dcab"),
        ("ㅇㅊ뮤", "dcab"),
        ("ㅠ", "b"),
        ("b) the clean image", "b"),
        ("d(4), c(1), a(0.1), b(0.01)", "dcab"),
        ("not a but b", "b"),
        ("a가 아니라 b", "b"),
        ("only b and d", "bd"),
        ("b, c 두 개", "bc"),
        ("b d e (not f!)", "bde"),
        ("ㅊ입니다", "c"),
        ("b, because no noise is added", "b"),
        ("b, 노이즈가 없으니까요", "b"),
        ("at first I thought a, but it's b", "b"),
        ("a라고 생각했다가 d로 바꿉니다", "d"),
        ("Not a, that is its square. So d.", "d"),
        ("1. e 2. c 3. a", "eca"),
        ("t = 1, 50, 300: bda", "bda"),
        ("first c, then a, and b at the end", "cab"),
        ("add a", "adda"),
        ("ca", "ca"),
    ],
)
def test_letters_among_words(said, letters):
    assert "".join(letters_in(said)) == letters


@pytest.mark.parametrize(
    "said",
    [
        "not b",
        "b가 아님",
        "b는 아닙니다",
        "any letter but b",
        "all except b",
        "나",
        "모르겠어요",
        "1",
        "b or c",
        "b, maybe e",
        "b는 틀려요",
        "b last, then c, then a",
        "a는 틀렸고 d",
        "b ㅠㅠ",
    ],
)
def test_letters_that_are_taken_back_are_none(said):
    assert not {*letters_in(said)} <= {*"abcdefgh"}


def test_what_takes_back():
    assert denied("b가 아님")
    assert denied("at least b")
    assert not denied("nothing else")
