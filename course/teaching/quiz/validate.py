"""What is wrong with a file of questions, with the line that it stands on: only a lecturer's check needs this."""

import itertools
import json
import math
import random
import re

import yaml
from math_core import LatexError

from course import env
from course.teaching.language import LANGUAGES, read
from course.teaching.quiz.filling import drawer, named, standard, with_numbers
from course.teaching.quiz.marking import mark
from course.teaching.quiz.questions import POINTS, find
from course.teaching.quiz.typed import Unreadable, plain, stemmed
from course.viz.html import formulas

VARIANTS = 20  # of each question that varies are looked at


def validate(path):
    """What is wrong with a file of questions, of the course's own words, of typed answers or of trials, as lines
    "file:line: reason".

    The list is empty where it is sound.
    """
    name = path.name
    try:
        text = path.read_text(encoding="utf-8")
        tree, quiz = yaml.compose(text, yaml.SafeLoader), yaml.load(text, yaml.SafeLoader)
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    except UnicodeDecodeError as error:
        return [f"{name}:{1 + error.object[: error.start].count(10)}: this is not UTF-8: {error.reason}"]  # 10: newline
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        return [f"{name}:{mark.line + 1 if mark else 1}: this is not YAML: {said}"]
    except (ValueError, RecursionError) as error:  # a date that is none, lists without end
        return [f"{name}:1: this cannot be read: {str(error).splitlines()[0]}"]
    try:
        faults = OTHERS.get(path.stem, _faults)  # which rely on what the schema asks for
        found = [*_doubled(tree), *_refused(quiz, path.stem)] or faults(quiz, path.stem)
    except RecursionError:
        return [f"{name}:1: this cannot be read: something in it holds itself"]
    return [
        f"{name}:{line}: {reason}" for line, reason in sorted((_line(tree, place), reason) for place, reason in found)
    ]


def _line(node, place):
    """The line on which a place, a path of keys and numbers, stands in a tree of YAML, or what is nearest above it."""
    for key in place:
        if isinstance(node, yaml.MappingNode):
            inside = [value for name, value in node.value if name.value == key]
        else:
            inside = node.value[key : key + 1] if isinstance(node, yaml.SequenceNode) else []
        if not inside:
            break
        node = inside[0]
    return node.start_mark.line + 1 if node else 1


def _doubled(node, place=()):
    """Keys that stand twice: YAML keeps the last without a word."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from ((place, f"the key {key} stands twice") for key in {*keys} if keys.count(key) > 1)
        for key, value in node.value:
            yield from _doubled(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for k, value in enumerate(node.value):
            yield from _doubled(value, (*place, k))


def _refused(quiz, stem):
    """What the schema refuses."""
    import jsonschema

    schema = json.loads(env.shipped("quizzes/schema.json").read_text(encoding="utf-8"))
    if stem in OTHERS:
        schema = {"$ref": f"#/$defs/{stem}", "$defs": schema["$defs"]}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(quiz):
        where = ".".join(str(key) for key in error.absolute_path)
        said = error.message if error.schema else "it has no place in a question or an answer of this kind"
        if error.schema and "contains" in error.schema:
            said = error.schema.get("description", said)
        if len(said) > 160:  # it may quote half the file, and ends in the reason
            said = f"{said[:60]} [...] {said[-95:]}"
        yield tuple(error.absolute_path), f"{where}: {said}" if where else said


def _texts(node, place=()):
    """(place, {en, ko}) of every text that a learner reads."""
    if isinstance(node, dict) and {"en", "ko"} == set(node) and isinstance(node["en"], str):
        yield place, node
    elif isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _texts(child, (*place, key))


def _faults(quiz, stem):
    """What a schema cannot say: (place, reason)."""
    if not stem.startswith(f"{quiz['lesson']}_"):
        yield ("lesson",), f"the file is named {stem}, so it cannot hold lesson {quiz['lesson']}"
    ids = [question["id"] for question in quiz["questions"]]
    if ids != [f"{quiz['lesson']}-{number}" for number in range(1, len(ids) + 1)]:
        yield ("questions",), "the ids do not run 1, 2, 3, ... under the lesson's number"
    for k, question in enumerate(quiz["questions"]):
        unfit = [*_of_vary(question)]
        whole = question if unfit else standard(question)
        for place, reason in itertools.chain(unfit, _of_kind(whole), _of_texts(whole)):
            yield ("questions", k, *place), f"{question['id']}: {reason}"
    for id, entry in quiz.get("exercises", {}).items():
        if not id.startswith(f"{quiz['lesson']}-"):
            yield ("exercises", id), f"{id} is no exercise of lesson {quiz['lesson']}"
        for place, reason in itertools.chain(_of_mistakes(entry["mistakes"]), _of_cases(entry["cases"])):
            yield ("exercises", id, *place), f"{id}: {reason}"
        for place, text in _said(entry):
            for language, words in text.items():
                if re.search(r"[`$\\]|[*]{2}", words):
                    yield ("exercises", id, *place, language), f"{id}: markup or mathematics: {words}"


def _of_words(words, stem):
    """What is wrong with the course's own words: both languages must name the same things to fill in."""
    for room, texts in words.items():
        for key, text in texts.items():
            named = {language: {*re.findall(r"{(\w*)}", said)} for language, said in text.items()}
            if named["en"] != named["ko"]:
                yield (room, key), f"the languages fill in different names: {named['en'] ^ named['ko']}"


def _of_typed(words, stem):
    """What is wrong with how typed answers are read: a word can be a spelling of one word only."""
    spelled = {}
    for k, some in enumerate(words["spellings"]):
        for word in map(plain, some):
            if spelled.setdefault(word, k) != k:
                yield ("spellings", k), f"{word} is a spelling of {words['spellings'][spelled[word]][0]}, too"
    names = {*words["quantities"], *words["operations"]}
    for section in ("quantities", "operations"):
        for name, entry in words[section].items():
            if odd := {*entry.get("unless", ())} - names:
                yield (section, name, "unless"), f"{name} names what there is not: {', '.join(sorted(odd))}"
    for section in ("instead", "both"):
        named = {"instead": {"other", "meant"}, "both": {"one", "two"}}[section]
        for k, said in enumerate(words[section]):
            if {*re.findall(r"{(\w+)}", said)} != named:
                yield (section, k), f"{said} must name {' and '.join(sorted(named))}"


def _of_trials(trials, stem):
    """What is wrong with trial answers: those that are not marked as a teacher would mark them."""
    for id, lists in trials.items():
        try:
            question = find(id)
        except LookupError as error:
            yield (id,), error.args[0]
            continue
        except (yaml.YAMLError, TypeError):  # said of that file, too
            yield (id,), f"the file of {id} cannot be read"
            continue
        for kind, answers in lists.items():
            for k, answer in enumerate(answers):
                right = _right(question, answer)
                if kind != "open" and right != (kind == "fair"):
                    said = {"fair": "refused", "hard": "accepted by now: it is fair"}.get(kind, "accepted")
                    yield (id, kind, k), f"{id}: {answer!r} is {said}"


def _right(question, answer):
    try:
        return mark(question, answer).correct
    except Unreadable:
        return False


OTHERS = {"words": _of_words, "typed": _of_typed, "trials": _of_trials}  # by the stem of their file, and in the schema


def _of_cases(cases):
    """What is wrong with the names of what an exercise tests: (place, reason)."""
    for language in LANGUAGES:
        named = {}
        for slug, text in cases.items():
            if language in text and named.setdefault(text[language], slug) != slug:
                yield ("cases", slug), f"{slug} is called as {named[text[language]]} is ({language})"


def _of_mistakes(mistakes):
    """What is wrong with the words of an exercise's known mistakes: (place, reason)."""
    for language in LANGUAGES:
        named = {}
        for slug, words in mistakes.items():
            said = [text[language] for text in words.values() if language in text]
            if len(said) > len({*said}):
                yield ("mistakes", slug), f"{slug} says the same twice ({language})"
            name = words["says"].get(language)
            if name and named.setdefault(name, slug) != slug:
                yield ("mistakes", slug, "says"), f"{slug} is called as {named[name]} is ({language})"


def _said(entry):
    """(place, text) of all words of an exercise, each {"en": ..., "ko": ...} as far as it is written."""
    if "picture" in entry:
        yield ("picture",), entry["picture"]
    yield from ((("cases", slug), text) for slug, text in entry["cases"].items())
    for slug, words in entry["mistakes"].items():
        yield from ((("mistakes", slug, key), text) for key, text in words.items())


def unsaid(path):
    """How many words of exercises a sound quiz file has, and how many of them are not written in Korean yet."""
    quiz = read(path)
    texts = [text for entry in quiz.get("exercises", {}).values() for _, text in _said(entry)]
    return len(texts), sum("ko" not in text for text in texts)


def _of_kind(question):
    answers, kind = question["answers"], question["kind"]
    if question["points"] != POINTS[question["depth"]]:
        points = POINTS[question["depth"]]
        yield ("points",), f"the points do not follow from the depth: {question['depth']} has {points}"
    if kind in ("choice", "several", "order"):
        place = "items" if kind == "order" else "answers"
        shown = [entry["id"] for entry in question[place]]
        if shown != list("abcdefgh"[: len(shown)]):
            yield (place,), "the options are not lettered a, b, c, ..."
    if kind == "order":
        for k, answer in enumerate(answers):
            if sorted(answer["order"]) != sorted(shown):
                yield ("answers", k), "an order is no permutation of the items"
            if answer["correct"] and answer["order"] == shown:
                yield ("items",), "the items are shown in the right order"
        if len({tuple(answer["order"]) for answer in answers}) < len(answers):
            yield ("answers",), "an order stands twice"
    if kind == "number":
        if not all(math.isfinite(answer[key]) for answer in answers for key in ("value", "tolerance")):
            yield ("answers",), "a value or a tolerance is not finite"
        for (i, one), (k, other) in itertools.combinations(enumerate(answers), 2):
            if abs(one["value"] - other["value"]) <= one["tolerance"] + other["tolerance"]:
                yield ("answers", k), f"{answers[i]['value']} and {other['value']} overlap within their tolerances"
    if kind == "text":
        forms = [form.replace(" ", "") for answer in answers for form in answer["forms"]["en"] + answer["forms"]["ko"]]
        yield from ((("answers",), f"the form {form} stands twice") for form in {*forms} if forms.count(form) > 1)
        stems = [{stemmed(form) for some in answer["forms"].values() for form in some} for answer in answers]
        for i, k in itertools.combinations(range(len(stems)), 2):
            if stems[i] & stems[k]:
                yield ("answers", k), f"a form of answer {k + 1} is spelled as one of answer {i + 1} is"


def _of_vary(question):
    """What is wrong with a question that varies, or with {names} in one that does not: (place, reason)."""
    said = [((*place, lang), words) for place, text in _texts(question) for lang, words in text.items()]
    if not question.get("vary"):
        for place, words in said:
            for name in named(re.sub(r"\$[^$]*\$", "", words)):
                yield place, f"{{{name}}} is filled in only where the question says vary: true"
        return
    try:
        draw = drawer(question["id"])
    except LookupError as error:
        yield ("vary",), error.args[0]
        return
    numbers, values = draw(None)
    unknown = [(place, name) for place, words in said for name in named(words) - {*numbers}]
    yield from ((place, f"{{{name}}} is no number of this question; LaTeX is {{ {name}}}") for place, name in unknown)
    unsaid = {*numbers} - {name for _, words in said for name in named(words)}
    yield from ((("vary",), f"{name} is drawn and stands in no text") for name in sorted(unsaid))
    if [*values] != (stored := [answer["value"] for answer in question["answers"]]):
        yield ("answers",), f"the values are {stored}, by the function of the lesson {[*values]}"
    elif not unknown:
        yield from _of_variants(question, draw)


def _of_variants(question, draw):
    """What is wrong with the first variant of a question in which something is: (place, reason)."""
    for seeded in (None, *map(random.Random, range(VARIANTS))):
        try:
            variant = with_numbers(question, *draw(seeded))
        except LookupError as error:
            yield ("vary",), error.args[0]
            return
        if found := [*_of_kind(variant), *_of_texts(variant)]:
            yield from ((place, f"as a variant, {variant['prompt']['en']}: {reason}") for place, reason in found)
            return


def _unset(prompt):
    """What is wrong with the LaTeX of a prompt, or None."""
    try:
        formulas(prompt)
    except LatexError as error:
        return str(error)
    return None


def _of_texts(question):
    for language in LANGUAGES:
        said = [t[language] for place, t in _texts(question) if {"feedback", "missed", "otherwise"} & {*place}]
        if len(said) > len({*said}):
            yield ("answers",), f"two feedbacks are equal ({language})"
        options = [t[language] for place, t in _texts(question) if place[-1] == "text"]
        if len(options) > len({*options}):
            yield ("answers",), f"two options are equal ({language})"
    for place, text in _texts(question):
        for language, words in text.items():
            if words.count("$") % 2 or re.search("[<>`]|[*]{2}", words):
                yield (*place, language), f"markup or a lone dollar: {words}"
            if place[-1] == "prompt" and (wrong := _unset(words)):
                yield (*place, language), f"LaTeX that cannot be set: {wrong}"
            if place[-1] != "prompt" and re.search(r"[$\\]", words):
                yield (*place, language), f"mathematics outside a prompt: {words}"
