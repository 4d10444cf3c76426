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
# What is drawn as nothing at all: U+034F, Hangul fillers, variation selectors; besides the category Cf (see `visible`).
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
HIGH, LOW = "[⁰¹²³⁴-⁹]", "[₀-₉]"  # digits of powers, and those below a stroke
SHARE = re.compile(f"{HIGH}+[⁄/]{LOW}+|[¼-¾⅐-⅞↉]|⅟\\d+")
POWER = r"(?:\^|\*\*)(\(?[-+]?\d+\)?|{[-+]?\d+})"
RATIO = re.compile(r"\s*([-+]?)\s*(?:(\d+)\s+)?(\d+(?:\.\d+)?)\s*/\s*(\d*[1-9]\d*)(.*)", re.DOTALL)  # also 1 1/2
RAISED = re.compile(rf"([-+]?)(\d+(?:\.\d*)?|\.\d+){POWER}(.*)", re.DOTALL)
NUMBER = re.compile(
    rf"([-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:[x×*·]10(?:{POWER}|(-\d+)))?(.*)",
    re.DOTALL,  # a PDF's 3 x 10-4 has lost its raised position
)


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
    return MARKS[question.kind](question, answer)


def _marked(question, answer):
    """The result where this entry of the file fits; None stands for none of them."""
    if answer is None:
        return Marked(False, 0, (question.otherwise,))
    return Marked(answer["correct"], question.points * answer["correct"], (answer["feedback"],))


def letters_of(question, answer):
    """The letters of an answer in the order they were typed, from "a, d", "a and d", "AD" or ["a", "d"]."""
    typed = "".join(map(str, answer)) if isinstance(answer, list | tuple | set) else str(answer)
    typed = re.sub(r"\b(and|or)\b|그리고|[와과]", " ", visible(typed), flags=re.IGNORECASE)
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


def visible(text):
    """A text without the characters that nobody sees: joiners, marks of direction, soft hyphens, fillers."""
    drawn = (c for c in str(text) if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    return UNSEEN.sub("", "".join(drawn))


def _plainly(text):
    """What was typed for a number in ASCII as far as there is one: ½ as 1/2, 10² as 10^2, full width, signs."""
    text = SHARE.sub(lambda found: f" {_flat(found[0])}", visible(text))
    text = re.sub(f"[⁺⁻]?{HIGH}+", lambda found: f"^{_flat(found[0])}", text)
    if any(not c.isdecimal() and re.search(r"\d", _flat(c)) for c in text):  # ₂ or ①: no digit of a number
        raise Unreadable("one-number")
    return re.sub(r"^\s*(about|approximately|roughly|약|[~≈=≃])\s*", "", _flat(text), flags=re.IGNORECASE)


def _flat(text):
    """Text in the plain forms of its characters; dashes that stand for a minus become one."""
    return re.sub("[−‐‒–—]", "-", unicodedata.normalize("NFKC", text)).replace("⁄", "/")


def number(text):
    """A number and what follows, (float, str), from "1,000", "2.75e-4", "3 x 10^-4", "10²", "1½" or "about 60 %".

    Raises Unreadable for anything else.
    """
    typed = _plainly(text)
    joined = re.sub(r"\s", "", typed).casefold()
    try:
        if found := RATIO.fullmatch(typed):
            sign, whole, above, below, rest = found.groups()
            value = _signed(sign, int(whole or 0) + float(above) / float(below))
        elif re.search(r"\d\s+\d", typed):  # "1 2", "3 10^4"
            raise ValueError
        elif found := RAISED.fullmatch(joined):
            sign, base, power, rest = found.groups()
            value = _signed(sign, float(base) ** _power(power))
        elif found := NUMBER.fullmatch(joined):
            digits, power, bare, rest = found.groups()
            value = float(_without_commas(digits)) * 10.0 ** _power(power or bare or "0")
        else:
            raise ValueError
        if re.search(r"\d", rest) or not math.isfinite(value):  # "1.2.3", "0.5 or 0.6", "1e400"
            raise ValueError
    except (ValueError, ArithmeticError):
        raise Unreadable("one-number") from None
    return value, re.sub(r"\s", "", rest).casefold().rstrip(".")


def _signed(sign, value):
    return -value if sign == "-" else value


def _power(typed):
    """The whole number in "-4", "(-4)" or "{-4}"."""
    return int(typed.strip("(){}"))


def _without_commas(digits):
    """Digits with a point at most: commas part thousands, or else decimals."""
    thousands = re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?(e[-+]?\d+)?", digits)
    return digits.replace(",", "" if thousands else ".")


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
    return "".join(c for c in unicodedata.normalize("NFKC", visible(text)).casefold() if c.isalnum())


def readings(text):
    """What a typed answer may stand for, plain: as it is, then without a leading article or a trailing particle."""
    yield plain(text)
    bare = re.sub(r"^\s*(a|an|the)\s+", "", visible(text).casefold())
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


MARKS = {"choice": _choice, "several": _several, "order": _order, "number": _number, "text": _text}


def right_answer(question, lang="en"):
    """The right answer as one would type it: "b", "ad", "10.05", "forward process"."""
    right = [entry for entry in question.answers if entry["correct"]]
    if question.kind in ("choice", "several"):
        return "".join(entry["id"] for entry in right)
    if question.kind == "order":
        return "".join(right[0]["order"])
    return f"{right[0]['value']:.12g}" if question.kind == "number" else right[0]["forms"][lang][0]
