"""Can answers be kept?"""

from course.commands.doctor.finding import Finding, count

ELSEWHERE = "let COURSE_PROGRESS name a file in a folder of yours that can be written"


def answers():
    """Can what is answered be kept, and what is kept already?"""
    from course.teaching import events

    if reason := events.trouble():
        return [Finding("answers", "fault", reason, ELSEWHERE)]
    return [Finding("answers", "ok", f"{count(len(events.events()), 'event')} kept in {events.place()}")]
