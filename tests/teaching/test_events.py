"""What a learner has done is never lost: not with several writers, not by a kill, not where the file is broken."""

import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from contextlib import closing
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from project import ROOT, run

from course.teaching import events as room
from course.teaching.events import (
    DAY,
    Event,
    best,
    due,
    events,
    history,
    keep,
    misses,
    note,
    only_to_read,
    place,
    right_at,
    trouble,
)

WRITER = """
import itertools, sys
from course.teaching.events import note

path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for k in itertools.islice(itertools.count(), count or None):
    note("answer", "01-1", f"{name}-{k}", 1, 2, path=path)
    print(f"{name}-{k}", flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "learner" / "progress.sqlite3"


def writer(path, name, count=0):
    """A process that waits for a line, then notes `count` events, or without end, and prints each that is noted."""
    command = [sys.executable, "-W", "ignore", "-c", WRITER, str(path), name, str(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)


def begin(writers):
    """Let all begin at the same moment."""
    assert [one.stdout.readline() for one in writers] == ["ready\n"] * len(writers)
    for one in writers:
        one.stdin.write("\n")
        one.stdin.flush()


def answers(path):
    return [event.answer for event in events(path=path)]


# One writer


def test_events_come_back_as_they_were_noted(path):
    before = time.time()
    noted = [
        note("guess", "02-3", "b", path=path),
        note("answer", "02-3", "0,36 \"' -- 확산 모델; \n🙂", 0, 2, path=path),
        note("exercise", "02-q_sample", "not yet", 1, 3, path=path),
        note("answer", "02-3", "", 2, 2, path=path),
        note("answer", "02-4", ["a", "d"], 2, 2, path=path),
    ]
    assert events(path=path) == noted
    assert events("02-3", path=path) == [noted[0], noted[1], noted[3]]
    assert events("02", path=path) == []
    assert [event.right for event in noted] == [True, False, False, True, True]
    assert [event.at for event in noted] == sorted(event.at for event in noted)
    assert before <= noted[0].at <= noted[-1].at <= time.time()
    assert noted[4] == Event(noted[4].at, "answer", "02-4", '["a", "d"]', 2, 2)


def test_nothing_is_made_by_looking(path):
    assert events(path=path) == []
    assert not path.parent.exists()


def test_the_place_is_the_users_own_or_what_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "here"))
    assert place() == tmp_path / "here"
    noted = note("answer", "01-1", "a", 2, 2)
    assert events() == events(path=tmp_path / "here") == [noted]
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_PROGRESS", "~/mine")
    assert place() == tmp_path / "home" / "mine"
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert place().name == "progress.sqlite3"
    assert "noise-to-images" in place().parts
    if sys.platform == "linux":
        assert place() == tmp_path / "data" / "noise-to-images" / "progress.sqlite3"


def test_nothing_here_needs_torch():
    code = """if True:
        import sys
        from course.teaching import events, quiz
        from course.teaching.overview import overview
        from course.teaching.quiz.marking import mark
        overview([])
        events.events()
        mark(quiz.find("01-1"), "a")
        print("torch" in sys.modules, "yaml" in sys.modules)"""
    done = run(sys.executable, "-c", code, cwd=ROOT)
    assert done.stdout.split() == ["False", "True"], done.stderr


# Several writers, and writers that are killed


@pytest.mark.parametrize("before", ["nothing", "garbage"])
def test_four_writers_at_once_lose_nothing(path, before):
    if before == "garbage":  # each finds a broken file; one may set it aside
        path.parent.mkdir()
        path.write_bytes(b"garbage " * 1000)
    writers = [writer(path, f"w{i}", 25) for i in range(4)]
    begin(writers)
    said = [one.communicate(timeout=60) for one in writers]
    assert [error for _, error in said] == [""] * 4
    assert [out.split() for out, _ in said] == [[f"w{i}-{k}" for k in range(25)] for i in range(4)]
    kept = answers(path)
    assert sorted(kept) == sorted(f"w{i}-{k}" for i in range(4) for k in range(25))
    assert [name for name in kept if name.startswith("w2")] == [f"w2-{k}" for k in range(25)]
    assert len([*path.parent.glob("*.aside-*")]) == (before == "garbage")


@pytest.mark.parametrize("moment", ["before it is read", "before it is opened as a database"])
def test_a_file_that_another_process_sets_aside_meanwhile_is_begun_anew(path, monkeypatch, moment):
    note("answer", "01-1", "before", path=path)
    opened, connect, gone = Path.open, sqlite3.connect, []

    def vanishes(call):
        def with_it(place, *arguments, **options):
            if not gone and ("mode=ro" in str(place) or (place == path and moment == "before it is read")):
                gone.append(path.rename(path.with_name("aside")))
            return call(place, *arguments, **options)

        return with_it

    monkeypatch.setattr(Path, "open", vanishes(opened))
    monkeypatch.setattr(sqlite3, "connect", vanishes(connect))
    note("answer", "01-1", "after", path=path)
    assert len(gone) == 1
    assert answers(path) == ["after"]


def test_what_a_killed_writer_said_was_noted_is_there(path):
    chance, said = random.Random(0), []
    for round in range(20):
        one = writer(path, f"r{round}")
        begin([one])
        said.append(one.stdout.readline().strip())
        time.sleep(chance.uniform(0, 0.05))
        one.kill()
        out, _ = one.communicate(timeout=60)
        said += [line for line in out.splitlines(keepends=True) if line.endswith("\n")]
    said = [line.strip() for line in said]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a file that was set aside would warn
        kept = answers(path)
        note("answer", "01-1", "after", path=path)
    assert len({*said}) == len(said) >= 20
    assert {*said} <= {*kept}
    assert len(kept) - len(said) <= 20  # each may have kept one more than it had time to say
    assert answers(path) == [*kept, "after"]


# A file that cannot be used


def closed(path, *statements):
    """A database after these statements."""
    base = sqlite3.connect(path)
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()


def cut_short(path):
    note("answer", "01-1", "x" * 100, path=path)
    closed(path, *["INSERT INTO events SELECT * FROM events"] * 8)  # 256 rows
    whole = path.read_bytes()
    assert len(whole) > 5 * 4096
    path.write_bytes(whole[: len(whole) // 2])


def later(path):
    closed(path, "CREATE TABLE events (at TEXT)", "INSERT INTO events VALUES ('then')", "PRAGMA user_version = 7")


def later_and_killed(path):
    """A later version's file whose last entry is in the -wal alone: as a kill leaves it, made by copying both open."""
    source = path.with_name("source")
    base = sqlite3.connect(source)
    for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE events (at TEXT)", "PRAGMA user_version = 7"):
        base.execute(statement)
    base.execute("INSERT INTO events VALUES ('then')")
    base.commit()
    for end in ("", "-wal"):
        path.with_name(path.name + end).write_bytes(source.with_name(source.name + end).read_bytes())
    base.close()
    source.unlink()


def garbage_with_wal(path):
    path.write_bytes(b"garbage " * 1000)
    path.with_name(path.name + "-wal").write_bytes(b"what was noted last" * 100)


def other_head(path):
    note("answer", "01-1", "a", path=path)
    path.write_bytes(b"S" + path.read_bytes()[1:100] + b"\xff" * 4000)


BROKEN = {
    "garbage": lambda path: path.write_bytes(b"garbage " * 1000),
    "a notebook": lambda path: path.write_text('{"cells": []}', encoding="utf-8"),
    "cut short": cut_short,
    "other head": other_head,
    "later version": later,
    "later version, killed": later_and_killed,
    "garbage with -wal": garbage_with_wal,
}


def contents(folder, which="*"):
    """What lies in a folder, without empty files, and without the index -shm, which SQLite makes anew at will."""
    found = [file.read_bytes() for file in folder.glob(which) if not file.name.endswith("-shm")]
    return sorted(filter(None, found))


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("first", ["note", "look"])
def test_a_broken_file_is_set_aside_byte_for_byte_and_a_new_one_begins(path, name, first):
    path.parent.mkdir()
    BROKEN[name](path)
    before = contents(path.parent)
    with pytest.warns(UserWarning, match=r"cannot be used: .+\. It is kept as .+; a new one begins\.$") as caught:
        noted = [note("answer", "01-1", "b", 2, 2, path=path)] if first == "note" else events(path=path)
    [warning] = caught
    kept_as = str(warning.message).partition("It is kept as ")[2].partition(";")[0]
    aside = [file for file in path.parent.iterdir() if ".aside-" in file.name]
    assert (path.parent / kept_as) in aside
    assert contents(path.parent, "*.aside-*") == before
    assert all(file.name.startswith(kept_as) for file in aside)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noted.append(note("answer", "01-2", "c", 0, 2, path=path))
        assert events(path=path) == noted
    assert contents(path.parent, "*.aside-*") == before


def test_two_broken_files_are_both_kept(path, monkeypatch):
    path.parent.mkdir()
    for k, pid in enumerate((4, 5)):
        monkeypatch.setattr("os.getpid", lambda pid=pid: pid)
        path.write_bytes(b"broken %d" % k)
        with pytest.warns(UserWarning, match="a new one begins"):
            note("answer", "01-1", "a", path=path)
    assert sorted(file.read_bytes() for file in path.parent.glob("*.aside-*")) == [b"broken 0", b"broken 1"]


def test_an_empty_file_is_a_new_one(path):
    path.parent.mkdir()
    path.touch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert events(path=path) == []
        assert events(path=path) == [] != [note("answer", "01-1", "a", path=path)] == events(path=path)


def test_a_place_that_cannot_be_written_is_an_oserror_of_one_line(tmp_path):
    (tmp_path / "file").write_text("a file is no folder", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    for bad in (tmp_path / "file" / "x", tmp_path / "file" / "x" / "y", tmp_path / "folder"):
        with pytest.raises(OSError, match=r"^[^\n]+$"):
            note("answer", "01-1", "a", path=bad)
    with pytest.raises(OSError, match=r"cannot be kept in .*folder: [^\n]+$"):
        events(path=tmp_path / "folder")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "a file is no folder"
    assert [*(tmp_path / "folder").iterdir()] == []


def test_a_full_disk_is_an_oserror_and_what_was_noted_before_is_there(path):
    pytest.importorskip("resource")
    note("answer", "01-1", "before", path=path)
    code = "import resource, signal, sys; from course.teaching.events import note\n"
    code += (
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    )
    code += "try: note('answer', '01-1', 'x' * 40_000, path=sys.argv[1])\nexcept OSError as error: print(error)"
    done = run(sys.executable, "-W", "error", "-c", code, path, cwd=ROOT)
    assert done.stdout.startswith("what you did cannot be kept in "), done.stderr
    assert done.stdout.count("\n") == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert answers(path) == ["before"]


# No home, no locks, a share: a place that gives nothing must cost next to nothing

HOMELESS = """if True:
    import os, pwd, sys
    def nobody(uid):
        raise KeyError(uid)
    pwd.getpwuid = pwd.getpwnam = nobody
    os.environ.pop("HOME", None)
    os.environ.pop("XDG_DATA_HOME", None)
"""


@pytest.mark.parametrize("asked", ["", "~/x", "~nobody-here/x"])
@pytest.mark.parametrize("then", ["questions", "exercises", "progress"])
def test_without_a_home_everything_goes_on_and_it_is_said_once(asked, then):
    pytest.importorskip("pwd")
    code = {
        "questions": """
    from course import ask
    from course.teaching import my_progress
    for answer in "cac":
        print(ask("01-1", answer=answer)._repr_mimebundle_()["text/plain"])
    print(my_progress().text)""",
        "exercises": """
    from course import check
    for k in range(3):
        print(check("00-negative", lambda x: -x if k else x))""",
        "progress": """
    from course.__main__ import main
    sys.exit(main(["progress"]))""",
    }
    env = {"PATH": "/usr/bin", "COURSE_PROGRESS": asked, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = run(sys.executable, "-W", "error", "-c", HOMELESS + code[then], cwd=ROOT, env=env)
    assert "Traceback" not in done.stderr
    assert (done.stdout + done.stderr).count("set COURSE_PROGRESS to a file") == 1 + (then == "questions")
    if then == "progress":
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
    else:
        assert done.stdout.count("This was not kept: ") == 1
        assert done.stdout.count("Not kept either.") == 2
        assert len(re.findall("orrect[.,]", done.stdout)) == 2


@pytest.fixture
def silent(path, monkeypatch):
    """A function that makes the place silent in one of two ways; what it returns lets it speak again."""
    monkeypatch.setattr(room, "PATIENCE", 0.5)
    monkeypatch.setattr(room, "_silent", {})
    monkeypatch.setattr(room, "_said", {})
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    connect, let = sqlite3.connect, threading.Event()

    def hangs(*arguments, **options):
        let.wait(30)
        return connect(*arguments, **options)

    def fails():
        path.parent.mkdir(exist_ok=True)
        base = connect(path, check_same_thread=False)
        base.execute("BEGIN EXCLUSIVE")
        return base.close

    def silence(how):
        if how == "no lock comes":
            return fails()
        monkeypatch.setattr(sqlite3, "connect", hangs)
        return let.set

    yield silence
    let.set()


@pytest.mark.parametrize("how", ["no lock comes", "nothing comes back"])
@pytest.mark.parametrize("before", ["a file", "no file"])
def test_a_place_that_is_silent_is_waited_for_once(path, silent, how, before):
    if before == "a file":
        note("answer", "01-1", "before", 0, 2)
    speak = silent(how)
    begun = time.monotonic()
    first = keep("answer", "01-1", "a", 0, 2)
    waited = time.monotonic() - begun
    assert waited < 1.5
    assert first[0] == "progress.lost"
    assert "COURSE_PROGRESS" in first[1]["reason"]
    begun = time.monotonic()
    for _ in range(20):
        assert keep("answer", "01-1", "a", 0, 2)[0].startswith("progress.lost")
        history("01-1")
        assert trouble() != ""
    assert time.monotonic() - begun < 1.5
    assert misses(history("01-1")) == 21  # this kernel knows what it could not keep
    speak()
    until = time.monotonic() + 10
    while keep("answer", "01-2", "b", 2, 2) and time.monotonic() < until:
        time.sleep(0.1)  # the thread that waited ends in its own time
    assert [event.answer for event in events("01-2")][-1:] == ["b"]
    assert len(events("01-1")) == 21 + (before == "a file")  # each of those once, with the first that is kept
    assert [where for where, _ in room._lost if where == path] == []
    assert trouble() == ""
    assert 0 < room.PATIENCE <= 5


def test_nobody_waits_longer_than_five_seconds():
    done = run(sys.executable, "-c", "from course.teaching import events; print(events.PATIENCE)", cwd=ROOT)
    assert 0 < float(done.stdout) <= 5


@pytest.mark.parametrize(
    "path",
    [
        PureWindowsPath(r"\\campus\homes\me\progress.sqlite3"),
        PureWindowsPath("//campus/homes/me/progress.sqlite3"),
        PureWindowsPath(r"C:\Users\me\progress.sqlite3"),
        PurePosixPath("//campus/homes/me/progress.sqlite3"),
        PurePosixPath("/data/me/100 % #1?/진도.sqlite3"),
    ],
    ids=str,
)
def test_no_place_makes_a_uri_with_a_host(path, tmp_path, monkeypatch):
    """What follows file:// up to the next slash is a host; SQLite takes none, whatever system it runs on."""
    assert not only_to_read(path).startswith("file:/")
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):  # and not "invalid uri authority"
        sqlite3.connect(only_to_read(path), uri=True)
    monkeypatch.chdir(tmp_path)  # on this system the same letters name a file of this folder, which must be found
    name = str(path).replace("/", "|")
    with closing(sqlite3.connect(name)) as base, base:
        base.execute("PRAGMA user_version = 5")
    with closing(sqlite3.connect(only_to_read(name), uri=True)) as base:
        assert base.execute("PRAGMA user_version").fetchone() == (5,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            base.execute("PRAGMA user_version = 6")


# Files of other times


def as_at_first(path, *answers):
    """A file as the first versions of the course made it, with a -wal."""
    path.parent.mkdir(exist_ok=True)
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute(f"CREATE TABLE events ({room.COLUMNS})")
    base.execute(f"PRAGMA user_version = {room.VERSION}")
    for k, said in enumerate(answers):
        base.execute("INSERT INTO events VALUES (?, 'answer', '01-1', ?, 0, 2)", (k, said))
    base.commit()
    return base


def journal(path):
    with closing(sqlite3.connect(path)) as base:
        return base.execute("PRAGMA journal_mode").fetchone()[0]


@pytest.mark.parametrize("state", ["closed", "open elsewhere", "killed"])
def test_a_file_of_the_first_versions_is_read_and_leaves_the_journal_that_no_network_bears(path, state):
    path.parent.mkdir()
    source = path if state != "killed" else path.with_name("source")
    base = as_at_first(source, "a", "b")
    if state == "killed":
        for end in ("", "-wal"):
            path.with_name(path.name + end).write_bytes(source.with_name(source.name + end).read_bytes())
    if state != "open elsewhere":
        base.close()
    assert answers(path) == ["a", "b"]
    note("answer", "01-1", "c", path=path)
    assert answers(path) == ["a", "b", "c"]
    if state == "open elsewhere":
        assert base.execute("SELECT count(*) FROM events").fetchone() == (3,)
        base.close()
        note("answer", "01-1", "d", path=path)
    assert journal(path) == "delete"
    assert len(answers(path)) == 3 + (state == "open elsewhere")


def test_writers_that_find_an_old_file_at_once_lose_nothing(path):
    as_at_first(path, "old").close()
    writers = [writer(path, f"w{i}", 10) for i in range(4)]
    begin(writers)
    assert [one.communicate(timeout=60)[1] for one in writers] == [""] * 4
    assert sorted(answers(path)) == sorted(["old", *(f"w{i}-{k}" for i in range(4) for k in range(10))])
    assert journal(path) == "delete"


def test_a_new_file_has_a_journal_that_a_network_bears(path):
    note("answer", "01-1", "a", path=path)
    assert journal(path) == "delete"


def test_what_a_killed_writer_left_half_done_is_undone(path):
    """A file and its journal as they lie on the disk in the middle of a transaction."""
    note("answer", "01-1", "a", path=path)
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA cache_size = 2")
        base.execute("BEGIN")
        base.executemany("INSERT INTO events VALUES (1, 'answer', '01-2', ?, 0, 2)", [("x" * 3000,)] * 50)
        half = [path.with_name(path.name + end).read_bytes() for end in ("", "-journal")]
        base.rollback()
    for end, content in zip(("", "-journal"), half, strict=True):
        path.with_name(path.name + end).write_bytes(content)
    assert b"x" * 3000 in half[0]
    with (
        pytest.raises(sqlite3.OperationalError, match="readonly"),
        closing(sqlite3.connect(only_to_read(path), uri=True)) as base,
    ):
        base.execute("SELECT * FROM events")
    assert answers(path) == ["a"]
    note("answer", "01-1", "b", path=path)
    assert answers(path) == ["a", "b"]


# Whether answers can be kept


def test_trouble_says_in_one_line_what_is_wrong_and_makes_nothing(path, tmp_path):
    assert trouble(path) == ""
    assert [*tmp_path.iterdir()] == []
    note("answer", "01-1", "a", path=path)
    before = contents(path.parent)
    assert trouble(path) == ""
    path.write_bytes(b"garbage " * 100)
    assert re.fullmatch(r".* cannot be used: it is no database; [^\n]+", trouble(path))
    assert path.read_bytes() == b"garbage " * 100
    assert len(contents(path.parent)) == len(before)
    assert re.fullmatch(r"what you did cannot be kept in [^\n]+", trouble(tmp_path))
    (tmp_path / "file").touch()
    assert "may not be written" in trouble(tmp_path / "file" / "x")


# What follows from the events


def test_misses_count_since_it_was_right_last_and_guesses_do_not_count():
    kinds = {"r": ("answer", 2), "w": ("answer", 0), "p": ("answer", 1), "g": ("guess", 0)}
    for story, count in {"": 0, "w": 1, "ww": 2, "wgw": 2, "wr": 0, "wwrw": 1, "r": 0, "rpw": 2, "gg": 0}.items():
        found = [Event(k, kinds[c][0], "02-1", "b", kinds[c][1], 2 * (c != "g")) for k, c in enumerate(story)]
        assert misses(found) == count, story
        assert right_at(found) == (story.rindex("r") if "r" in story else None)


def answered(*history, id="02-1"):
    """Events of one question from (day, right)."""
    return [Event(day * DAY, "answer", id, "b", 2 * right, 2) for day, right in history]


def comes_back(found, id="02-1"):
    """The first day, in steps of a quarter, on which a question is due; None if not within a year."""
    days = [k / 4 for k in range(4 * 365)]
    is_due = [due(found, now=day * DAY) == [id] for day in days]
    first = next((day for day, due in zip(days, is_due, strict=True) if due), None)
    assert first is None or all(is_due[days.index(first) :])  # from then on
    return first


@pytest.mark.parametrize(
    ("history", "day"),
    [
        ([], None),
        ([(0, True)], None),  # right at once
        ([(0, True), (5, True)], None),
        ([(0, False)], 1),
        ([(0, False), (0, False)], 1),
        ([(2, False)], 3),
        ([(0, False), (1, True)], 4),  # 3 days after it was right
        ([(0, False), (1.5, True)], 4.5),
        ([(0, False), (1, True), (4, True)], 11),
        ([(0, False), (1, True), (4, True), (11, True)], 32),
        ([(0, False), (1, True), (4, True), (11, True), (32, True)], None),
        ([(0, False), (0.5, True)], 1),  # too soon: it does not count
        ([(0, False), (0.5, True), (0.75, True)], 1),
        ([(0, False), (0.5, True), (1, True)], 4),
        ([(0, False), (1, True), (2, True)], 4),
        ([(0, False), (1, True), (2, True), (4, True)], 11),
        ([(0, False), (1, True), (4, False)], 5),  # a new miss begins anew
        ([(0, False), (1, True), (2, False)], 3),  # even too soon
        ([(0, False), (1, True), (4, False), (5, True)], 8),
        ([(0, False), (1, True), (4, True), (11, True), (32, True), (40, False)], 41),
        ([(0, False), (1, True), (4, True), (11, True), (32, True), (40, False), (41, True)], 44),
        ([(0, True), (9, False)], 10),
    ],
)
def test_a_missed_question_comes_back_after_1_3_7_and_21_days(history, day):
    assert comes_back(answered(*history)) == day


def test_part_of_the_points_is_a_miss():
    assert comes_back([Event(0, "answer", "02-1", "b", 1, 2)]) == 1


def test_guesses_and_exercises_do_not_come_back():
    assert due([Event(0, "guess", "02-1", "b", 0, 0), Event(0, "exercise", "02-grid", "not yet", 0, 3)], now=9e9) == []
    missed = answered((0, False))
    between = [Event(DAY, "guess", "02-1", "b", 0, 0), Event(DAY, "exercise", "02-1", "correct", 3, 3)]
    assert comes_back(missed + between) == 1


def test_the_longest_overdue_comes_first():
    found = answered((3.5, False), id="a") + answered((0, False), (1, True), id="b") + answered((1, False), id="c")
    assert due(found, now=9 * DAY) == ["c", "b", "a"]  # 7, 5 and 4.5 days
    found += answered((2, False), id="d")
    assert due(found, now=9 * DAY)[:2] == ["c", "d"]
    assert due(found, now=2 * DAY) == ["c"]
    assert due(answered((0, False))) == ["02-1"]  # by the clock


def test_the_best_of_all_tries_counts():
    found = [
        Event(0, "guess", "02-1", "b", 9, 9),
        Event(1, "answer", "02-1", "b", 0, 2),
        Event(2, "answer", "02-1", "b", 2, 2),
        Event(3, "answer", "02-1", "b", 0, 2),
        Event(4, "exercise", "02-grid", "not yet", 1, 3),
        Event(5, "answer", "02-2", "x", 0, 1),
        Event(6, "guess", "02-3", "x", 0, 0),
    ]
    assert best(found) == {"02-1": 2, "02-grid": 1, "02-2": 0}
    assert best([]) == {}
