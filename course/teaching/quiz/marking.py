"""Mark an answer to a question, and say why: pure functions, which neither draw nor remember."""

import math
import re
import unicodedata
from dataclasses import dataclass

from course.teaching.language import in_all

# What may follow a Korean answer without changing it; the longest first.
PARTICLES = (
    "이라고합니다",
    "라고합니다",
    "이에요",
    "입니다",
    "이다",
    "이요",
    "예요",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "요",
)
NUMBER = re.compile(r"([-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:[x×*·]10\^?([-+]?\d+))?(.*)", re.DOTALL)


class Unreadable(ValueError):
    """An answer that cannot be marked, such as a letter that no option has; `text` says what to type, {en, ko}."""

    def __init__(self, key, **values):
        self.text = in_all(f"unreadable.{key}", **values)
        super().__init__(self.text["en"])


@dataclass(frozen=True)
class Marked:
    """What came of an answer: whether it is right, its points, what to say about it, and about what is missing in it,
    tuples of {en, ko}."""

    correct: bool
    points: int
    feedback: tuple
    missed: tuple = ()


def mark(question, answer):
    """Mark an answer: letters for choice, several and order ("b", "ad", "dcab"), a number or its text, or words.

    Returns Marked. Raises Unreadable where the answer is none, such as "z" or "" - that is not a wrong answer.
    """
    return {"choice": _choice, "several": _several, "order": _order, "number": _number, "text": _text}[question.kind](
        question, answer
    )


def _marked(question, answer):
    """The result where this entry of the file fits; None stands for none of them."""
    if answer is None:
        return Marked(False, 0, (question.otherwise,))
    return Marked(answer["correct"], question.points * answer["correct"], (answer["feedback"],))


def letters_of(question, answer):
    """The letters of an answer in the order they were typed, from "a, d", "a and d", "AD" or ["a", "d"]."""
    typed = "".join(map(str, answer)) if isinstance(answer, list | tuple | set) else str(answer)
    typed = re.sub(r"\b(and|or)\b|그리고|[와과]", " ", typed, flags=re.IGNORECASE)
    found = [c for c in unicodedata.normalize("NFKC", typed).casefold() if c.isalnum()]
    odd = [c for c in found if c not in question.letters]
    if odd or not found:
        raise Unreadable("letters", letters=", ".join(question.letters))
    return found


def _choice(question, answer):
    letters = letters_of(question, answer)
    if len(letters) > 1:
        raise Unreadable("one-letter")
    return _marked(question, question.answers[question.letters.index(letters[0])])


def _several(question, answer):
    letters = letters_of(question, answer)
    said = [_lettered(option, "feedback") for option in question.answers if option["id"] in letters]
    open_ = [option for option in question.answers if option["correct"] and option["id"] not in letters]
    right = {option["id"] for option in question.answers if option["correct"]} == {*letters}
    return Marked(right, question.points * right, tuple(said), tuple(_lettered(option, "missed") for option in open_))


def _lettered(option, key):
    """A text of an option with its letter before it, for there are several."""
    return {language: f"{option['id']}) {text}" for language, text in option[key].items()}


def _order(question, answer):
    letters = letters_of(question, answer)
    if sorted(letters) != sorted(question.letters):
        raise Unreadable("each-once", letters=", ".join(question.letters))
    return _marked(question, next((entry for entry in question.answers if entry["order"] == letters), None))


def number(text):
    """A number and what follows, (float, str), from "1,000", "2.75e-4", "3 x 10^-4", "about 60 %", "1/4" or "10 dB"."""
    text = unicodedata.normalize("NFKC", str(text)).replace("−", "-").replace("⁄", "/")
    text = re.sub(r"^\s*(about|approximately|roughly|약|[~≈=≃])\s*", "", text, flags=re.IGNORECASE)
    if ratio := re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?)\s*/\s*(\d*[1-9]\d*)\s*", text):
        return float(ratio[1]) / float(ratio[2]), ""
    found = NUMBER.fullmatch(re.sub(r"\s", "", text).casefold())
    if not found:
        raise Unreadable("one-number")
    digits, power, rest = found.groups()
    if "," in digits:  # of thousands, or else of decimals
        thousands = re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?(e[-+]?\d+)?", digits)
        digits = digits.replace(",", "" if thousands else ".")
    try:
        value = float(digits) * 10.0 ** int(power or 0)
        if re.search(r"\d", rest) or re.search(r"\d\s+\d", text) or not math.isfinite(value):
            raise ValueError  # "1.2.3", "0.5 or 0.6", "1 2", "1e400"
        return value, rest.rstrip(".")
    except (ValueError, OverflowError):
        raise Unreadable("one-number") from None


def _number(question, answer):
    value, unit = number(answer)
    known = [re.sub(r"\s", "", form).casefold() for form in (question.unit or {}).get("forms", ())]
    if unit == "%" and "%" not in known:
        value, unit = value / 100, ""
    if unit and unit not in known:
        return Marked(False, 0, (question.unit["feedback"] if question.unit else in_all("unreadable.no-unit"),))
    near = (entry for entry in question.answers if abs(value - entry["value"]) <= entry["tolerance"] * (1 + 1e-9))
    return _marked(question, next(near, None))


def plain(text):
    """Text without case, spaces, punctuation and hyphens, its Hangul composed."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def readings(text):
    """What a typed answer may stand for, plain: as it is, then without a leading article or a trailing particle."""
    yield plain(text)
    bare = re.sub(r"^\s*(a|an|the)\s+", "", text.casefold())
    yield plain(bare)
    short = plain(bare)
    yield from (short.removesuffix(end) for end in PARTICLES if short.endswith(end) and short != end)


def _text(question, answer):
    if not plain(str(answer)):
        raise Unreadable("no-words")
    for reading in readings(str(answer)):
        for entry in question.answers:
            if reading in {plain(form) for forms in entry["forms"].values() for form in forms}:
                return _marked(question, entry)
    return _marked(question, None)


def right_answer(question, lang="en"):
    """The right answer as one would type it: "b", "ad", "10.05", "forward process"."""
    right = [entry for entry in question.answers if entry["correct"]]
    if question.kind in ("choice", "several"):
        return "".join(entry["id"] for entry in right)
    if question.kind == "order":
        return "".join(right[0]["order"])
    return f"{right[0]['value']:.12g}" if question.kind == "number" else right[0]["forms"][lang][0]
