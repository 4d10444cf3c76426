"""`lessons`: copies to work in. Nothing that a learner has done is ever written over."""

import json

import nbformat
import pytest
from project import LESSONS, NOTEBOOKS, run

from course.__main__ import main
from course.commands import lessons
from course.commands.publish import run as run_command


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course: two lessons and what goes further, in a folder of its own."""
    folder = tmp_path / "notebooks"
    for name in ("00_first", "01_second", "further/01_more"):
        put(folder / f"{name}.ipynb", name)
    monkeypatch.setattr(run_command, "NOTEBOOKS", folder)
    return folder


def put(path, text, code="x = ...", outputs=()):
    """Write a notebook of two cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_markdown_cell(text, id="a"), nbformat.v4.new_code_cell(code, id="b", outputs=[*outputs])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def printed():
    return nbformat.v4.new_output("stream", text="1")


def copies(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb"))


def test_every_lesson_comes_once_and_work_stays(course, tmp_path, capsys):
    work = tmp_path / "work"
    assert main(["lessons", "--to", str(work)]) == 0
    assert copies(work) == ["00_first.ipynb", "01_second.ipynb", "further/01_more.ipynb"]
    assert all((work / name).read_bytes() == (course / name).read_bytes() for name in copies(work))
    put(work / "00_first.ipynb", "mine", "x = 1", [printed()])
    mine = (work / "00_first.ipynb").read_bytes()
    (work / "01_second.ipynb").unlink()
    for update in ([], ["--update"]):
        assert main(["lessons", "--to", str(work), *update]) == 0
        assert (work / "00_first.ipynb").read_bytes() == mine
    assert copies(work) == ["00_first.ipynb", "01_second.ipynb", "further/01_more.ipynb"]
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(" copied")[0] for line in said] == ["3 lessons", "1 lesson", "0 lessons"]


def test_a_changed_lesson_comes_when_asked_for_and_never_over_work(course, tmp_path, capsys):
    """In the place of a copy that nobody has touched; beside one that somebody has; and each only once."""
    work = tmp_path / "work"
    main(["lessons", "--to", str(work)])
    put(work / "01_second.ipynb", "01_second", "x = 1")
    mine = (work / "01_second.ipynb").read_bytes()
    for name in ("00_first", "01_second"):
        put(course / f"{name}.ipynb", f"{name}, better")
    capsys.readouterr()
    main(["lessons", "--to", str(work)])
    assert "changed since you copied them: 00_first, 01_second; --update" in capsys.readouterr().out
    assert (work / "00_first.ipynb").read_bytes() != (course / "00_first.ipynb").read_bytes()
    main(["lessons", "--to", str(work), "--update"])
    said = capsys.readouterr().out
    assert "renewed, as nothing was done in the copy: 00_first\n" in said
    assert "new beside your own: 01_second.new.ipynb\n" in said
    assert (work / "00_first.ipynb").read_bytes() == (course / "00_first.ipynb").read_bytes()
    assert (work / "01_second.new.ipynb").read_bytes() == (course / "01_second.ipynb").read_bytes()
    assert (work / "01_second.ipynb").read_bytes() == mine
    main(["lessons", "--to", str(work), "--update"])
    assert capsys.readouterr().out.count("\n") == 1  # it is known now
    put(course / "01_second.ipynb", "01_second, better still")
    main(["lessons", "--to", str(work), "--update"])
    assert "01_second.new2.ipynb" in capsys.readouterr().out
    assert (work / "01_second.ipynb").read_bytes() == mine


def test_work_done_in_the_course_itself_is_found_and_comes_along(course, tmp_path, capsys):
    """And once the course is clean again, its lesson is no other one."""
    work, path = tmp_path / "work", course / "01_second.ipynb"
    clean = path.read_bytes()
    put(path, "01_second", "x = 1", [printed()])
    main(["lessons", "--to", str(work)])
    said = capsys.readouterr().out
    assert "work that was done in notebooks/: 01_second\n" in said
    assert "git restore notebooks" in said
    assert "x = 1" in (work / "01_second.ipynb").read_text()
    path.write_bytes(clean)
    main(["lessons", "--to", str(work), "--update"])
    assert capsys.readouterr().out.count("\n") == 1
    put(path, "01_second, better")
    main(["lessons", "--to", str(work)])
    assert "changed since you copied them: 01_second" in capsys.readouterr().out


def test_the_lessons_that_ship_have_not_run():
    assert not any(lessons.has_run(path.read_bytes()) for path in NOTEBOOKS)


def test_what_cannot_be_done_is_said_in_a_line(course, tmp_path, capsys):
    assert main(["lessons", "--to", str(course)]) == 1
    assert "the course's own lessons" in capsys.readouterr().err
    (tmp_path / "file").write_text("x")
    assert main(["lessons", "--to", str(tmp_path / "file" / "below")]) == 1
    assert "choose another" in capsys.readouterr().err
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / lessons.RECORD).write_text("{")
    assert main(["lessons", "--to", str(tmp_path / "work")]) == 1
    assert "remove it" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["lessons"])
    assert "--to" in capsys.readouterr().err


def test_git_does_not_see_the_copies_of_make_lab():
    """So that `git pull` stays clean."""
    ignored = run("git", "check-ignore", "work/00_welcome.ipynb", "work/further/x.ipynb", cwd=LESSONS[0].parent.parent)
    if ignored.returncode == 128:
        pytest.skip("this is no git checkout")
    assert len(ignored.stdout.splitlines()) == 2


def test_a_record_says_where_each_copy_came_from(course, tmp_path):
    main(["lessons", "--to", str(tmp_path / "work")])
    record = json.loads((tmp_path / "work" / lessons.RECORD).read_text())
    assert record == {
        name: lessons.mark((course / f"{name}.ipynb").read_bytes())
        for name in ("00_first", "01_second", "further/01_more")
    }


def test_all_lessons_of_this_course_come_and_what_lies_there_stays(tmp_path, capsys):
    """Whatever it is."""
    own = tmp_path / "deep" / "lessons"
    own.mkdir(parents=True)
    (own / "02_forward_process.ipynb").write_text("mine")
    for update in ([], ["--update"]):
        assert main(["lessons", "--to", str(own), *update]) == 0
        assert (own / "02_forward_process.ipynb").read_text() == "mine"
    copied = {path.name: path.read_bytes() for path in own.rglob("*.ipynb")}
    assert copied.pop("02_forward_process.ipynb") == b"mine"
    copied["02_forward_process.ipynb"] = copied.pop("02_forward_process.new.ipynb")
    assert copied == {path.name: path.read_bytes() for path in NOTEBOOKS}
    assert f"{len(NOTEBOOKS) - 1} lessons copied" in capsys.readouterr().out
