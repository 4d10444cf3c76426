"""Questions that mark themselves."""

from course.teaching.quiz.questions import (
    LANGUAGES,
    POINTS,
    Question,
    exercises,
    find,
    in_language,
    language,
    lessons,
    load,
)

__all__ = ["LANGUAGES", "POINTS", "Question", "exercises", "find", "in_language", "language", "lessons", "load"]
