"""What the numbers of questions that vary are drawn with. No torch is needed."""

import itertools


def drawn(make, standard, choices):
    """An entry of `VARIANTS`: make(*one of `choices`), by one draw of a random.Random; make(*standard) for None.

    `make` returns what stands in the texts, {name: text}, and the values of the answers, the right one first. No choice
    is drawn whose right value is nearly the standard one. Only `random()` is called, the one method that Python
    promises to keep for a seed.
    """
    right = make(*standard)[1][0]
    others = [some for some in choices if abs(make(*some)[1][0] - right) > 0.03 * abs(right)]
    return lambda r: make(*(standard if r is None else others[int(r.random() * len(others))]))


def apart(values, gap):
    """Whether all values differ from each other by more than `gap`."""
    return all(abs(one - other) > gap for one, other in itertools.combinations(values, 2))


def written(value, digits=3):
    """A number as it stands in a text, rounded to so many decimals: "0.529", "1", "0.72"."""
    return f"{round(value, digits):.12g}"
