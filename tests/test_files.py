"""Whole or not at all: bytes, texts, files and folders."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers import listing

from course.files import write_whole


def folder_of(*names):
    def make(place):
        place.mkdir()
        for name in names:
            (place / name).write_text(name)

    return make


WAYS = {
    "bytes": (b"new\x00", lambda path: path.read_bytes() == b"new\x00"),
    "a text": ("새 것\n", lambda path: path.read_bytes() == "새 것\n".encode()),
    "a file that is made": (lambda place: place.write_text("new"), lambda path: path.read_text() == "new"),
    "a folder": (folder_of("a", "b"), lambda path: sorted(os.listdir(path)) == ["a", "b"]),
}


@pytest.mark.parametrize("before", ["nothing", "a file", "a folder"])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_written_takes_the_place_of_what_was(tmp_path, way, before):
    place, (data, right) = tmp_path / "place", WAYS[way]
    if before == "a file" and way != "a folder":
        place.write_text("old")
    if before == "a folder" and way == "a folder":
        folder_of("old", "b")(place)
    write_whole(place, data)
    assert right(place)
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace"])
def test_what_fails_leaves_all_as_it_was(tmp_path, monkeypatch, way, broken):
    place, data = tmp_path / "place", WAYS[way][0]
    if way == "a folder":
        folder_of("old")(place)
    else:
        place.write_text("old")
    before = listing(tmp_path)

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(broken, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(place, data)
    monkeypatch.undo()
    assert listing(tmp_path) == before


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    folder_of("old")(tmp_path / "place")
    replace, done = Path.replace, []

    def second_fails(self, target):
        done.append(target)
        if len(done) == 2:  # the old one has been moved aside
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(OSError, match="busy"):
        write_whole(tmp_path / "place", folder_of("new"))
    assert [path.name for path in tmp_path.rglob("*")] == ["place", "old"]


def test_a_maker_that_breaks_off_leaves_nothing(tmp_path):
    def half(place):
        folder_of("half")(place)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        write_whole(tmp_path / "place", half)
    assert not list(tmp_path.iterdir())


def test_all_is_on_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(os.fstat(file).st_size), sync(file))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (done.append(to), replace(self, to))[1])
    write_whole(tmp_path / "place", folder_of("a", "bbb"))
    assert sorted(done[:2]) == [1, 3]
    assert done[2:] == [tmp_path / "place"]


def test_what_a_killed_process_left_is_no_hindrance(tmp_path):
    """Half a new folder beside it, and the old one moved aside but the new one not in its place yet."""
    folder_of("half")(tmp_path / ".place.0123.part")
    folder_of("old")(tmp_path / ".place.old")
    with pytest.raises(ZeroDivisionError):
        write_whole(tmp_path / "place", lambda place: 1 / 0)
    assert os.listdir(tmp_path / "place") == ["old"]  # it is back
    folder_of("older")(tmp_path / ".place.old")
    write_whole(tmp_path / "place", folder_of("new"))
    assert os.listdir(tmp_path / "place") == ["new"]
    assert sorted(os.listdir(tmp_path)) == [".place.0123.part", "place"]


def test_a_folder_is_not_lost_where_ctrl_c_comes_between_its_renames(tmp_path, monkeypatch):
    folder_of("old")(tmp_path / "place")
    replace, done = Path.replace, []

    def stopped(self, target):
        done.append(target)
        if len(done) == 2:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "place", folder_of("new"))
    assert [path.name for path in tmp_path.rglob("*")] == ["place", "old"]


def test_several_threads_at_one_place_leave_one_of_their_files_whole(tmp_path):
    datas = [bytes([k]) * 100_000 for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            list(pool.map(lambda data: write_whole(tmp_path / "place", data), datas))
            assert (tmp_path / "place").read_bytes() in datas
    assert os.listdir(tmp_path) == ["place"]


def test_a_link_is_followed(tmp_path):
    folder_of("old")(tmp_path / "there")
    (tmp_path / "file").write_text("old")
    for link, target in (("link", "there"), ("file-link", "file")):
        (tmp_path / link).symlink_to(tmp_path / target)
    write_whole(tmp_path / "link", folder_of("new"))
    write_whole(tmp_path / "file-link", "new")
    assert os.listdir(tmp_path / "there") == ["new"]
    assert (tmp_path / "file").read_text() == "new"
    assert (tmp_path / "link").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["file", "file-link", "link", "there"]
