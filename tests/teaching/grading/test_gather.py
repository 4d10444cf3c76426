"""A class's folder or zip: whose each file is, whatever it is called, and nothing that leads out of it is followed."""

import io
import os
import zipfile

import pytest

from course.teaching.grading import gather


def folder(tmp_path, *names):
    """A folder with files of these names; each holds its own name."""
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zipped({"inner.json": b"{}"}) if name.endswith(".zip") else name.encode())
    return tmp_path


def zipped(files, **options):
    """The bytes of a zip of {name: bytes}."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **options) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return made.getvalue()


def listed(place):
    """{(name, participant, folder): names of files} of all that was handed in."""
    found = [*gather.handed_in(place)]
    assert [one.certain for one in found] == [bool(one.student.participant) for one in found]
    return {
        (one.student.name, one.student.participant, one.student.folder): [name for name, _ in one.files]
        for one in found
    }


MOODLE = {
    ("Kim Minji", "101", "Kim Minji_101_assignsubmission_file"): ["02.ipynb"],
    ("이 준", "102", "이 준_102_assignsubmission_file"): ["02.ipynb", "x.json"],
}


def test_the_folders_of_a_moodle(tmp_path):
    names = ["Kim Minji_101_assignsubmission_file/02.ipynb", "이 준_102_assignsubmission_file/x.json"]
    names += ["이 준_102_assignsubmission_file/02.ipynb", "이 준_102_assignsubmission_file/.ipynb_checkpoints/02.ipynb"]
    assert listed(folder(tmp_path, *names)) == MOODLE


def test_the_zip_of_a_moodle_as_it_is_and_in_a_folder(tmp_path):
    names = ["Kim Minji_101_assignsubmission_file_/02.ipynb", "이 준_102_assignsubmission_file_/02.ipynb"]
    names += ["이 준_102_assignsubmission_file_/x.json", "__MACOSX/._x.json"]
    data = zipped(dict.fromkeys(names, b"{}"))
    for place in (tmp_path / "all.zip", tmp_path / "in/all.zip"):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    assert listed(tmp_path / "all.zip") == MOODLE
    assert listed(tmp_path / "in") == MOODLE


def test_the_older_form_without_folders(tmp_path):
    names = ["Kim Minji_101_assignsubmission_file_02.ipynb", "이 준_102_assignsubmission_file_02.ipynb"]
    found = listed(folder(tmp_path, *names, "이 준_102_assignsubmission_file_x.json"))
    assert {who: len(files) for who, files in found.items()} == {who: len(files) for who, files in MOODLE.items()}


def test_folders_of_ones_own_and_the_same_file_name_in_each(tmp_path):
    names = [f"student{k:02}/02_forward_process.ipynb" for k in range(60)]
    found = listed(folder(tmp_path, *names, "student00/further/02_more.ipynb"))
    assert len(found) == 60
    assert found["student00", "", "student00"] == ["02_forward_process.ipynb", "02_more.ipynb"]


def test_a_folder_around_all_folders_is_no_student(tmp_path):
    found = listed(folder(tmp_path, "export/a/1.json", "export/b/1.json"))
    assert [*found] == [("a", "", "a"), ("b", "", "b")]


def test_files_side_by_side_are_a_student_each_and_zips_too(tmp_path):
    found = listed(folder(tmp_path, "kim.json", "lee.ipynb", "park.zip"))
    assert found == {
        ("kim", "", ""): ["kim.json"],
        ("lee", "", ""): ["lee.ipynb"],
        ("park", "", ""): ["inner.json"],
    }


def test_a_student_without_anything_that_can_be_read_is_there_and_says_why(tmp_path):
    (one,) = gather.handed_in(folder(tmp_path, "kim/report.pdf", "kim/.DS_Store"))
    assert (one.files, [remark.slug for remark in one.remarks]) == ((), ["no-file"])
    assert "report.pdf" in one.remarks[0].text["en"]


def reasons(place):
    return {one.student.name: [remark.slug for remark in one.remarks] for one in gather.handed_in(place)}


def test_links_and_what_is_no_file_are_not_followed(tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text("secret")
    place = folder(tmp_path / "class", "kim/1.json", "lee/1.json")
    (place / "kim/2.json").symlink_to(secret)
    (place / "lee/2.json").symlink_to("../kim/1.json")
    (place / "park").symlink_to(tmp_path)
    os.mkfifo(place / "lee/3.json")
    assert reasons(place) == {"kim": ["link"], "lee": ["link", "link"], "park": ["no-file"]}
    assert [data for one in gather.handed_in(place) for _, data in one.files] == [b"kim/1.json", b"lee/1.json"]


def as_link(data, name):
    """A zip in which an entry is a link."""
    made = io.BytesIO()
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(made, "w") as opened:
        opened.writestr(info, data)
    return made.getvalue()


def encrypted(data):
    """A zip whose flags say that its entry wants a password."""
    found = bytearray(zipped({"a.json": data}))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        found[found.index(mark) + place] |= 1
    return bytes(found)


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"no zip", "broken-zip"),
        (zipped({"a.json": b"{}"})[:-8], "broken-zip"),
        (zipped({"a.json": b"x" * 99}).replace(b"PK\3\4", b"PK\3\5"), "broken-zip"),
        (encrypted(b"{}"), "broken-zip"),
        (as_link(b"/etc/passwd", "a.json"), "link"),
        (zipped({"a.json": bytes(gather.LARGEST + 1)}), "large"),
        (zipped({"a.zip": zipped({"b.zip": zipped({"c.json": b"{}"})})}), "deep-zip"),
    ],
    ids=["text", "cut", "other-mark", "password", "link", "large", "deep"],
)
def test_zips_that_cannot_be_read_say_why(tmp_path, data, slug):
    (tmp_path / "kim.zip").write_bytes(data)
    folder(tmp_path, "lee.json")
    assert reasons(tmp_path) == {"kim": [slug], "lee": []}


def test_paths_in_a_zip_lead_nowhere(tmp_path):
    (tmp_path / "kim.zip").write_bytes(zipped({"../../evil.json": b"1", "/evil.json": b"2", "a/../../b.json": b"3"}))
    before = sorted(path.name for path in tmp_path.parent.iterdir())
    (one,) = gather.handed_in(tmp_path)
    assert sorted(data for _, data in one.files) == [b"1", b"2", b"3"]
    assert sorted(path.name for path in tmp_path.parent.iterdir()) == before


def test_a_zip_whose_head_lies_about_its_size_is_read_to_the_limit(tmp_path):
    data = zipped({"a.json": bytes(gather.LARGEST + 5)})
    size = (gather.LARGEST + 5).to_bytes(4, "little")
    (tmp_path / "kim.zip").write_bytes(data.replace(size, (5).to_bytes(4, "little")))
    assert reasons(tmp_path)["kim"] == ["broken-zip"]  # Python reads no more than what the head says


def test_many_files_of_one_student_are_read_to_a_limit(tmp_path):
    (one,) = gather.handed_in(folder(tmp_path, *[f"kim/{k}.json" for k in range(50)]))
    assert (len(one.files), [remark.slug for remark in one.remarks]) == (gather.FILES, ["many-files"])


def test_the_key_is_that_of_the_files(tmp_path):
    (one,) = gather.handed_in(folder(tmp_path, "kim/1.json"))
    (again,) = gather.handed_in(tmp_path)
    (tmp_path / "kim/1.json").write_text("other")
    (other,) = gather.handed_in(tmp_path)
    assert one.key == again.key != other.key


def test_a_class_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="no-such"):
        [*gather.handed_in(tmp_path / "no-such")]
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(zipfile.BadZipFile):
        [*gather.handed_in(tmp_path / "x.zip")]
