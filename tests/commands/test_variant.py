"""`variant`: whose numbers are asked from then on, what is said of it, and its exit status."""

import pytest

from course.__main__ import main
from course.teaching import quiz
from course.teaching.language import LANGUAGES, say
from course.teaching.quiz.page import ask
from course.teaching.quiz.variants import mine, varied


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """A place of this test's own, in which nothing is chosen yet."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "learner" / "progress"))
    monkeypatch.setenv("COURSE_LANG", "en")
    monkeypatch.delenv("COURSE_VARIANT", raising=False)
    return tmp_path / "learner"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_variant_is_chosen_told_and_forgotten(lang, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_LANG", lang)
    none, whose = say("variant.none") + "\n", say("variant.whose", name="김민지") + "\n"
    assert main(["variant"]) == 0
    assert main(["variant", "spring-27", "--name", " 김민지 "]) == 0
    assert mine() == ("spring-27", "김민지")
    assert ask("02-6").question == varied(quiz.find("02-6"), "spring-27", "김민지")
    assert main(["variant"]) == 0
    assert main(["variant", "--forget"]) == 0
    assert mine() is None
    assert ask("02-6").question is quiz.find("02-6")
    assert main(["variant", "--forget"]) == 0
    assert capsys.readouterr().out == none + whose * 2 + none * 2


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        (["spring-27"], "either SECRET and --name, or --forget alone", 2),
        (["--name", "Kim Minji"], "either SECRET and --name, or --forget alone", 2),
        (["spring-27", "--name", "Kim Minji", "--forget"], "either SECRET and --name, or --forget alone", 2),
        (["spring/27", "--name", "Kim Minji"], "a variant is SECRET/NAME", 1),
        (["spring-27", "--name", " "], "a variant is SECRET/NAME", 1),
    ],
)
def test_what_does_not_fit_is_one_line_and_changes_nothing(arguments, says, status, kept, capsys):
    assert main(["variant", *arguments]) == status
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"python -m course variant: {says}")
    assert error.count("\n") == 1
    assert not kept.exists()


def test_the_environment_goes_before_and_that_is_said(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_VARIANT", "autumn/Lee")
    assert main(["variant"]) == 0
    assert capsys.readouterr().out == say("variant.whose", name="Lee") + "\n"
    for arguments in (["a", "--name", "b"], ["--forget"]):
        assert main(["variant", *arguments]) == 1
        assert "COURSE_VARIANT is set" in capsys.readouterr().err
    monkeypatch.setenv("COURSE_VARIANT", "autumn")
    assert main(["variant"]) == 1
    assert "a variant is SECRET/NAME" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_one_line(kept, capsys):
    kept.write_text("a file where the folder should be")
    assert main(["variant", "a", "--name", "b"]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
