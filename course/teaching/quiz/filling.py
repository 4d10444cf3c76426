"""Fills {names} in a question's texts, and finds what draws their numbers. No torch is needed."""

import importlib
import importlib.util
import re
import unicodedata

PLACEHOLDER = re.compile(r"{([a-z]+)(?::([^{}/]+)/([^{}/]+)|\?([^{}]+))?}")
OPEN, LIQUID = "2459", "178"  # digits whose Korean names end in a vowel, and in l


def drawer(id):
    """The function in the code of a lesson that draws the numbers of a question. Raises LookupError.

    Given a random.Random, or None for the standard numbers, it returns {name: text} and the values of the answers.
    """
    module = f"course.teaching.lessons.v{id.partition('-')[0]}"
    found = importlib.import_module(module).VARIANTS if importlib.util.find_spec(module) else {}
    if id not in found:
        raise LookupError(f"{module.replace('.', '/')}.py has no function for {id} in VARIANTS")
    return found[id]


def fill(text, numbers):
    """A text with what `numbers` gives, {name: text}, for each {name}.

    {name:을/를} puts the Korean particle that fits behind it, the first or the second; {name?3=three/4=four} is a word
    for 3 or 4. Braces with anything else between them, as in LaTeX, stay. Raises LookupError for a name that is not
    given, and for a number that has no word.
    """

    def put(found):
        name, closed, open_, words = found.groups()
        if name not in numbers:
            raise LookupError(f"{{{name}}} is no number of this question; it has {', '.join(numbers)}")
        if words:
            return _word(numbers[name], words)
        return numbers[name] + (_particle(numbers[name], closed, open_) if closed else "")

    return PLACEHOLDER.sub(put, text)


def named(text):
    """The names that stand in a text to be filled in."""
    return {found[1] for found in PLACEHOLDER.finditer(text)}


def _word(number, words):
    """The word for a number, of "3=three/4=four"."""
    known = dict(word.partition("=")[::2] for word in words.split("/"))
    if number not in known:
        raise LookupError(f"{number} has no word in {words}")
    return known[number]


def _particle(number, closed, open_):
    """Which of two Korean particles follows a number: its last digit is read alone, or as ten, hundred, thousand."""
    last = re.sub(r"\D", "", number)[-1]
    liquid = last in LIQUID and unicodedata.name(closed[0]) == "HANGUL SYLLABLE EU"  # 1로, 3으로
    return open_ if last in OPEN or liquid else closed


def filled(entry, numbers):
    """A question as its file has it, with its texts filled in. Raises LookupError."""
    if isinstance(entry, dict):
        return {key: filled(value, numbers) for key, value in entry.items()}
    if isinstance(entry, list):
        return [filled(value, numbers) for value in entry]
    return fill(entry, numbers) if isinstance(entry, str) else entry


def standard(entry):
    """A question as its file has it, with the standard numbers where it says that it varies. Raises LookupError."""
    return filled(entry, drawer(entry["id"])(None)[0]) if entry.get("vary") else entry


def with_numbers(entry, numbers, values):
    """A question that varies, with other numbers in its texts and other values of its answers. Raises LookupError.

    A tolerance is that of the file, and wider in proportion where the value is larger than there.
    """
    given = filled(entry, numbers)
    pairs = zip(given["answers"], values, strict=True)
    answers = [answer | {"value": value, "tolerance": _tolerance(answer, value)} for answer, value in pairs]
    return given | {"answers": answers}


def _tolerance(answer, value):
    stored, tolerance = abs(answer["value"]), answer["tolerance"]
    return float(f"{tolerance * abs(value) / stored:.2g}") if tolerance and abs(value) > stored > 0 else tolerance
