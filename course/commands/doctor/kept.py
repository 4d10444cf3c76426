"""Can answers be kept? Tried as an answer is kept, in a file beside."""

import os
import tempfile
import warnings
from pathlib import Path

from course.commands.doctor.finding import BROKEN, Finding, count, existing, why

ELSEWHERE = "let COURSE_PROGRESS name a file in a folder of yours that can be written"


def answers():
    """Can what is answered be kept, and what is kept already?"""
    from course.teaching import events

    try:
        place = events.place()
    except BROKEN as error:  # a system that knows no home folder for this user
        return [Finding("answers", "fault", f"cannot be kept: {why(error)}", ELSEWHERE)]
    try:
        with warnings.catch_warnings(record=True) as said:
            with tempfile.TemporaryDirectory(dir=existing(place.parent)) as trial:
                events.note("answer", "doctor", "", path=Path(trial) / "trial.sqlite3")
            found = events.events()
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError("the file cannot be written")
    except BROKEN as error:
        return [Finding("answers", "fault", f"cannot be kept in {place}: {why(error)}", ELSEWHERE)]
    if said:
        return [Finding("answers", "note", " ".join(str(said[0].message).split()))]
    return [Finding("answers", "ok", f"{count(len(found), 'event')} kept in {place}")]
