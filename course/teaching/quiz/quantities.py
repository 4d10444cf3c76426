"""What a number is said to be, "the variance is 0.28", and whether a question asks for that."""

import re
from functools import cache

from course.teaching.quiz.typed import concluded, denied, flat, one_of, typed

SYMBOL = re.compile(r"(?<![^\W\d_])([a-z]+)_(\w)(?:_?hat)?(?![a-z\d])|(?<![^\W\d_])(x)([0-9ts])(?:_?hat)?(?![a-z\d.])")
GIVEN = re.compile(r"\s*=\s*-?[\d.]")
MARKUP = re.compile(r"\\(?:hat|bar|tilde)\s*|[\\{}$]")
LONE = re.compile(r"\W*[\d.,/%]*\d[\d.,/%]*\s*[^\W\d]{0,6}\W*")  # a number with a word at most
MULTIPLIED = re.compile(r"^\s*[x×*]\s*\d|\d\s*[x×]\W*$")
# A comment in brackets: words, a name, or where the number comes from.
INSIDE = r"\s*[=≈][^()]*|[^()]*(?:[^\W\d_]{2}|[가-힣]|[a-z]_?\d|[a-z]\s*=)[^()]*"
COMMENT = re.compile(rf"([^()]*\d[^()]*?)\s*[(\[]({INSIDE})[)\]]([^()\d]*)")
PARTING = re.compile(r"\s*;\s*|,\s+|,(?=[^\d\s])|\.\s+|\s[-–—]+\s+(?=[^\W\d])")


@cache
def _pattern(section, key):
    """A pattern for the words of a section, what each stands for, and a pattern for each thing by what asks for it."""
    words = {plain: name for name, entry in typed()[section].items() for plain in map(str.casefold, entry[key])}
    latin = one_of(filter(str.isascii, words), before=r"(?<![a-z_])", after=r"(?![a-z])")
    short = [word for word in words if not word.isascii() and len(word) == 1]  # 배 is a part of many words
    hangul = one_of((word for word in words if not word.isascii() and len(word) > 1), before="")
    single = one_of(short, before=r"(?<![가-힣])") if short else r"(?!)"
    return re.compile(f"{latin}|{hangul}|{single}"), {re.sub(r"\s", "", word): name for word, name in words.items()}


def _said(section, text):
    pattern, names = _pattern(section, "says")
    return {names[re.sub(r"\s", "", found[0])] for found in pattern.finditer(text)}


def _symbols(text):
    """The names with an index, {"x_0"}, that stand in a text."""
    return {f"{found[1] or found[3]}_{found[2] or found[4]}": found for found in SYMBOL.finditer(text)}


def named(text, section=None):
    """What is named in a text of `quantities` or `operations`, or of both, the symbols with an index among them."""
    said = flat(text)
    found = set() if section == "operations" else _said("quantities", said) | {*_symbols(said)}
    if section != "quantities":
        found |= _said("operations", said)
    return found | ({"times", "factor"} if MULTIPLIED.search(said) and section != "operations" else set())


def asked(question):
    """What a number question asks for, as `named` names it: what the last sentence of its prompt, in either language,
    and its unit have. A symbol whose value the prompt gives is not asked for."""
    found = set()
    for said in question.prompt.values():
        said = flat(MARKUP.sub("", said))
        given = {name for name, place in _symbols(said).items() if GIVEN.match(said, place.end())}
        last = _last(said)
        found |= {*_symbols(last)} - given
        for section in ("quantities", "operations"):
            found |= {name for name, entry in typed()[section].items() if _asks(entry, last)}
    for form in (question.unit or {}).get("forms", ()):
        found |= named(f"1 {form}")
    return frozenset(found - {"to"} if "by" in found else found | {"to"})  # who asks for a change asks not for its end


def repeated(question, rest):
    """What follows a number without the words after it that the question's last sentence has, too, or what it asks for
    by other words: "% of the average is random" is "%"."""
    if denied(rest):
        return rest
    words = {word for said in question.prompt.values() for word in re.findall(r"\w+", _last(flat(said)))}
    unit, *others = re.sub(r"^\s*(?=[^\W\d])", "| ", rest).split() or [""]
    left = [word for word in others if not any(len(word) > 1 and known.startswith(word) for known in words)]
    return " ".join([unit.replace("|", ""), *left])


def _last(prompt):
    return re.split(r"(?<=[.?!])\s", prompt.strip())[-1]


def _asks(entry, text):
    words = entry.get("asks", entry["says"])
    latin = one_of(filter(str.isascii, words), before=r"(?<![a-z_])", after=r"(?![a-z])")
    return bool(re.search(latin + "|" + one_of(word for word in words if not word.isascii()), text))


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
        return told[0]
    return "" if LONE.fullmatch(said[0]) else text  # a number, and what may be another


def has_number(text):
    """Whether a text has a number, in digits or in words, apart from the index of a symbol."""
    said = SYMBOL.sub(" ", flat(text))
    words = [w for words in typed()["numerals"].values() for w in words if w.isascii() and w not in ("one", "oh")]
    return bool(re.search(r"\d|" + one_of(words, before=r"\b", after=r"\b"), said))


def _kind(part, wanted):
    """What a part of an answer is beside the others: "asked" or "bare", the number that answers, with what it is said
    to be or without; "other", a number that is something else; "silent", without any; None: it may say anything."""
    quantities = named(part, "quantities")
    other, compared = quantities - wanted, re.search(one_of(typed()["compare"]), flat(part))
    if not has_number(part):
        return "silent" if not denied(part) and named(part) <= wanted else None
    if re.match(r"\s*[=≈]", part):  # where the number comes from
        return "silent"
    if denied(part, compared=True):
        return None
    if other or compared:
        return "other" if not quantities & wanted - {"to", "times", "factor"} else None
    return "asked" if quantities - {"to"} else "bare"
