"""Reads the letters of an answer, "a, d" or "정답은 d", from what was typed."""

import re
import unicodedata
from functools import cache

from course.teaching.quiz.typed import (
    LONG,
    concluded,
    denied,
    flat,
    folded,
    instead,
    linked,
    one_of,
    typed,
    unreasoned,
    visible,
)

LETTERS = {*"abcdefgh"}
LETTER = re.compile(r"(?<!\w)([a-h])(?=\s*(?:[().:,;\]>→]|->|$))")
ALONE = re.compile(r"(?<![a-z\d_'])[a-h](?![a-z\d_'])(?!(?<=a)\s+[a-z]{2})")  # "a" is an article before a word
NUMBERED = re.compile(r"(\d)\s*(?:번|[.):])\s*([a-h])(?![a-z\d])")
FINALS = {unicodedata.name(chr(code)) for code in range(0x11A8, 0x11C3)}


def letters_in(text):
    """The letters of an answer such as "a, d", "a and d", "AD", "정답은 d" or "b) the clean image", in their order and
    lower case; whatever else was typed, where there are none."""
    if len(text) > LONG:
        return [c for c in flat(text) if c.isalnum()]
    said = _latin(visible(text))
    first = _all_but_beside(said)
    if {*first} <= LETTERS and not _disordered(said):
        return first
    for part in _readings(said):
        found = _all_but_beside(part)
        if not {*found} <= LETTERS and not _denied(part):
            found = LETTER.findall(part)
            found = found if len(found) == len(ALONE.findall(part)) else []
        if found and {*found} <= LETTERS and not _disordered(part):
            return found
    return [c for c in said if c.isalnum() and c not in LETTERS] or ["?"]


def _readings(said):
    """Yields the parts of a text that may be its answer: all of it, what is meant in "not this but that", what
    follows "so", what follows the numbers of a list or a colon; each also without its last verb."""
    numbered = NUMBERED.findall(said)
    if numbered and [int(number) for number, _ in numbered] == [*range(1, len(numbered) + 1)]:
        said = NUMBERED.sub(r"\2", said)
    parts = [said, unreasoned(said), *instead(said), concluded(unreasoned(said))]
    comment = re.sub(r"[(\[][^()\[\]]{2,}[)\]]\W*$", lambda found: found[0] if ALONE.search(found[0]) else "", said)
    parts += [] if _denied(said) else [comment]
    for end in (said.rpartition(":")[2], linked(said)[0]):
        start = said[: len(said) - len(end)]
        if start and not ALONE.search(start) and not _denied(start):
            parts.append(end)
    for part in parts:
        yield part
        if not _denied(part):
            yield folded(part)


def _denied(text):
    return denied(text) or bool(re.search(one_of(typed()["deny_letters"]), text))


@cache
def _beside():
    """A pattern for all that is no letter of an answer made of letters."""
    words = [word for section in ("before", "after", "between") for word in typed()[section]]
    latin = [word for word in words if word.isascii() and not {*word.casefold()} <= {*"abcdefgh."}]
    return re.compile(one_of(latin, before=r"\b", after=r"(?!\w)") + "|" + one_of(w for w in words if not w.isascii()))


def _all_but_beside(text):
    return [c for c in _beside().sub(" ", text) if c.isalnum()]


@cache
def _places():
    """Patterns for what says that a letter comes first, and that one comes last."""
    return [
        one_of(filter(str.isascii, words), before=r"\b", after=r"\b|") + one_of(w for w in words if not w.isascii())
        for words in (typed()["first"], typed()["last"])
    ]


def _disordered(text):
    """Whether a letter is said to be the first or the last and stands elsewhere, or only "maybe" stands beside
    another: it is not meant as it was typed."""
    first, last = _places()
    before = next((text[: found.start()] for found in re.finditer(first, text)), "")
    after = next((text[found.end() :] for found in re.finditer(last, text)), "")
    hedged = re.search(rf"(?:{ALONE.pattern}).*{one_of(typed()['hedges'])}.*(?:{ALONE.pattern})", text)
    return bool(hedged) or len(ALONE.findall(before)) > 1 or len(ALONE.findall(after)) > 1


@cache
def _keyboard():
    """What the Hangul letters stand for that the keys a, b, c, ... type, wherever they stand in a syllable."""
    keys = {}
    for jamo, key in typed()["keys"].items():
        name = unicodedata.name(jamo).removeprefix("HANGUL LETTER ")
        keys |= {jamo: key, unicodedata.normalize("NFKC", jamo): key}
        if f"HANGUL JONGSEONG {name}" in FINALS:
            keys[unicodedata.lookup(f"HANGUL JONGSEONG {name}")] = key
    return str.maketrans(keys)


def _latin(text):
    """Text in its plain forms, with Latin letters for those that were typed on a Korean keyboard: all of it, or those
    that are in no syllable. One typed twice laughs or cries, and stays."""
    jamo = one_of(typed()["keys"])
    if re.search(rf"({jamo})\1", text):
        return flat(text)
    blind = unicodedata.normalize("NFD", text).translate(_keyboard())
    whole = unicodedata.normalize("NFC", text)
    return flat(blind if blind.isascii() else re.sub(jamo, lambda found: found[0].translate(_keyboard()), whole))
