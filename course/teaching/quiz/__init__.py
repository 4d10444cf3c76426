"""Questions that mark themselves."""

from course.teaching.quiz.questions import LANGUAGES, POINTS, Question, find, language, lessons, load

__all__ = ["LANGUAGES", "POINTS", "Question", "find", "language", "lessons", "load"]
