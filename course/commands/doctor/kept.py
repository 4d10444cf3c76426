"""Can answers be kept, and those of a class be marked?"""

from course.commands.doctor.finding import Finding, count


def answers():
    """Can what is answered be kept, and what is kept already?"""
    from course.teaching import events

    if reason := events.trouble():
        return [Finding("answers", "fault", reason)]
    return [Finding("answers", "ok", f"{count(len(events.events()), 'event')} kept in {events.place()}")]


def marking():
    """Can what a class hands in be marked here?"""
    from course.teaching.grading import sandbox

    if reason := sandbox.trouble():
        return [Finding("marking", "note", f"a class cannot be marked here: {reason}")]
    return [Finding("marking", "ok", "bubblewrap shuts in what a class hands in")]
