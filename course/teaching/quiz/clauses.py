"""Which part of an answer counts where more than one thing is said: "the variance is 0.28, the std 0.529"."""

import re
from functools import cache

from course.teaching.quiz.quantities import RELATIONS, done, has_number, named, strange
from course.teaching.quiz.typed import begins_linked, concluded, denied, flat, one_of, typed

LONE = re.compile(r"\W*[\d.,/%]*\d[\d.,/%]*\s*[^\W\d]{0,6}\W*")  # a number with a word at most
# A comment in brackets: words, a name, or where the number comes from.
INSIDE = r"\s*[=≈][^()]*|[^()]*(?:[^\W\d_]{2}|[가-힣]|\d\s*[×x*+·]\s*\d|[a-z]_?\d|[a-z]\s*=)[^()]*"
COMMENT = re.compile(rf"([^()]*\d[^()]*?)\s*[(\[]({INSIDE})[)\]]([^()\d,;]*)")
PARTING = re.compile(r"\s*;\s*|,\s+|,(?=[^\d\s])|\.\s+|\s[-–—]+\s+(?=[^\W\d])")


def parts(text):
    """A text in parts that each say one thing: parted by commas, "and", 이고, or brackets at its end."""
    found = COMMENT.fullmatch(text.strip())
    if found:
        return [f"{found[1]} {found[3]}".strip(), *parts(found[2])]
    return [part for part in _parting().split(text) if part.strip()]


@cache
def _parting():
    words = one_of(typed()["parted"], before=r"\s", after=r"\s")
    endings = one_of(typed()["parted_ko"], before=r"(?<=\w)", after=r"[\s,]+")
    return re.compile(f"{PARTING.pattern}|{words}|{endings}", re.I)


def answering(text, wanted):
    """The part of a text that answers, where the others do not contradict it; else all of it.

    It is what follows "so", or of several parts the only one with a number that is said to be what is asked for, or the
    first, where nothing is said of it. The others have no number, or one that is said to be something else.
    """
    if has_number(end := concluded(text)):
        text = end
    said = parts(text)
    if len(said) < 2:
        return text
    kinds = [_kind(part, wanted) for part in said]
    told = [part for part, kind in zip(said, kinds, strict=True) if kind in ("asked", "bare")]
    if None not in kinds and len(told) == 1 and ("bare" not in kinds or kinds[0] == "bare"):
        return answering(told[0], wanted)
    first, *others = PARTING.split(COMMENT.sub(r"\1; \2", text))
    two = others and LONE.fullmatch(first) and not begins_linked(others[0])  # a number, and what may be another
    return "" if two else text


@cache
def _derived():
    """A pattern for where a number comes from: "= 0.5 / 8", "the root of 0.28", "0.28의 제곱근", "2 x 99"."""
    words = [word for entry in typed()["operations"].values() for word in entry["says"]]
    latin, hangul = one_of(filter(str.isascii, words)), one_of(word for word in words if not word.isascii())
    made = rf"^(?:the )?{latin}(?: of |\()[\d.]+\)?$|\d의 (?:[^\d]*{hangul}|\d+분의)"
    return re.compile(rf"^[=≈]|{made}|^[\d.]+(?:\s*[×x*+·]\s*[\d.]+)+$")


def _kind(part, wanted):
    """What a part of an answer is beside the others: "asked" or "bare", the number that answers, with what it is said
    to be or without; "other", a number that is something else; "silent", without any; None: it may say anything."""
    quantities = named(part)
    other, compared = strange(quantities, wanted), re.search(one_of(typed()["compare"]), flat(part))
    if not has_number(part):
        return "silent" if not denied(part, but="lacking") and not strange(quantities | done(part), wanted) else None
    if _derived().search(flat(part)):
        return "silent" if not denied(part) and not other - RELATIONS else None
    if denied(part, but="compare") or (other and other <= RELATIONS and "=" in part):  # "times 157 = 5.87" goes on
        return None
    if other or compared:
        return "other" if not quantities & wanted - RELATIONS else None
    return "asked" if quantities & wanted - {"to", "up", "down"} else "bare"
