"""The school: questions and exercises that mark themselves, what has been done, and where to go on."""

from course import lazily

__getattr__, __dir__ = lazily(
    __name__,
    __path__,
    {"ask": "quiz.page", "check": "exercises", "my_progress": "board", "solution": "exercises", "use": "exercises"},
)
