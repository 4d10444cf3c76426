"""Probes of what comes with the course, by the list in data/manifest.json of what the wheel ships."""

import hashlib
import json

from course.commands.doctor.finding import BROKEN, Finding, count, why

MANIFEST = "data/manifest.json"  # {path: [bytes, the beginning of their sha256]}; tools/stamp.py writes it
AGAIN = "fetch the course again: git restore ., or reinstall it"


def mark(content):
    """How a file is known again: its length and the beginning of its sha256."""
    return [len(content), hashlib.sha256(content).hexdigest()[:16]]


def files():
    """Is each file there and whole? Questions may have been edited: what is longer and sound is only noted."""
    from course import env

    try:
        listed = json.loads(env.shipped(MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [Finding("course files", "fault", f"{MANIFEST}: {why(error)}", AGAIN, stops=True)]
    found = []
    for path, (size, digest) in listed.items():
        place = env.PACKAGE.parent / path if path.startswith("course/") else None
        try:
            has = mark((place or env.shipped(path)).read_bytes())
        except OSError:
            found.append(Finding("course files", "fault", f"{path} is missing", AGAIN, stops=True))
            continue
        if has != [size, digest]:
            found.append(_changed(path, has[0], size))
    return found or [Finding("course files", "ok", f"{count(len(listed), 'file')}, all whole")]


def _changed(path, has, size):
    edited = path.startswith("quizzes/") and not _complaints(path)
    if edited and has >= size:
        return Finding("course files", "note", f"{path} is not as it came, and sound")
    how = f"is cut off: {has:,} of {size:,} bytes" if has < size else "is not as it came"
    return Finding("course files", "fault", f"{path} {how}", AGAIN, stops=not edited)


def _complaints(path):
    """What is wrong with a file of questions, or with the other files there."""
    from course import env

    place = env.shipped(path)
    try:
        if place.suffix == ".yaml" and place.stem != "words":
            from course.teaching.quiz.validate import validate

            return validate(place)
        if place.suffix == ".json":
            json.loads(place.read_text(encoding="utf-8"))
        elif place.suffix == ".yaml":
            from course.teaching.language import read

            return [] if isinstance(read(place), dict) else ["no table of words"]
    except BROKEN as error:
        return [why(error)]
    return []


def sets():
    """Can the two small data sets be read?"""
    from course.data import load

    try:
        read = [f"{name} ({len(load(name, 'all')[0]):,})" for name in ("digits", "mnist_mini")]
    except BROKEN as error:
        return [Finding("data sets", "fault", why(error), AGAIN, stops=True)]
    return [Finding("data sets", "ok", " and ".join(read))]
