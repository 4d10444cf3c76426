"""Can answers be kept?"""

from course.commands.doctor.finding import Finding, count


def answers():
    """Can what is answered be kept, and what is kept already?"""
    from course.teaching import events

    if reason := events.trouble():
        return [Finding("answers", "fault", reason)]
    return [Finding("answers", "ok", f"{count(len(events.events()), 'event')} kept in {events.place()}")]
