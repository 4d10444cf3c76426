"""No attack has points that its answers do not deserve, none harms the host, and each is a row that says why."""

import os
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from handing import handed
from project import ROOT, module

from course.teaching import exercises
from course.teaching.grading import judging
from course.teaching.grading.submission import submissions

attacks = module(Path(__file__).with_name("attacks.py"))
pytestmark = pytest.mark.slow
MOST = 4 << 30  # bytes of all processes of a marking besides this one


class Victim:
    """What must stay as it is: a folder with a file, and sockets to which nobody may come."""

    def __init__(self, folder):
        self.folder, self.token = folder, f"attack-{os.getpid()}-{time.monotonic_ns()}"
        (folder / "file").write_text("untouched")
        (folder / "others.json").write_text("the answer of another")
        self.servers = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self.unix = str(folder / "s")
        self.servers[1].bind(self.unix)
        self.servers[1].listen()
        self.before, self.most, self.started = self._seen(), 0, set()

    def _seen(self):
        return {path.name: path.read_bytes() if path.is_file() else None for path in self.folder.iterdir()}

    def values(self):
        """What stands for the names in capitals in the texts of attacks."""
        return {
            "VICTIM": self.folder,
            "PORT": self.servers[0].getsockname()[1],
            "UNIX": self.unix,
            "TOKEN": self.token,
            "ROOT": ROOT,
            "HOME": Path.home(),
        }

    @contextmanager
    def watched(self):
        """A block in which the memory of all processes that are started is measured."""
        ended = threading.Event()
        mine = threading.Thread(target=self._measure, args=(ended,))
        mine.start()
        try:
            yield
        finally:
            ended.set()
            mine.join()

    def _measure(self, ended):
        while not ended.wait(0.05):
            now = psutil.Process().children(recursive=True)
            self.started |= {*now}
            self.most = max(self.most, sum(map(_memory, now)))

    def assert_unharmed(self):
        """Raises AssertionError where anything has changed, been reached or been left."""
        assert self._seen() == self.before
        for server in self.servers:
            server.settimeout(0.01)
            with pytest.raises(TimeoutError):
                server.accept()
        assert [
            path for place in ("/tmp", "/dev/shm", "/usr", "/") for path in Path(place).glob(f"{self.token}*")
        ] == []
        assert self.most < MOST
        end = time.monotonic() + 10
        while any(one.is_running() for one in self.started) and time.monotonic() < end:
            time.sleep(0.05)
        assert [one for one in self.started if one.is_running()] == []


def _memory(process):
    try:
        return process.memory_info().rss
    except psutil.Error:  # it has ended
        return 0


@pytest.fixture
def victim(tmp_path):
    folder = tmp_path / "victim"
    folder.mkdir()
    found = Victim(folder)
    yield found
    for server in found.servers:
        server.close()


@pytest.mark.parametrize("attack", attacks.ALL, ids=[one.slug for one in attacks.ALL])
def test_an_attack_has_what_its_answers_deserve_and_harms_nothing(bubblewrap, victim, attack):
    file = attacks.file_of(attack, **victim.values())
    began = time.monotonic()
    with victim.watched():
        (found,) = judging.marked(handed(("a.json", file)))
    seconds = time.monotonic() - began
    item = next(one for one in found.items if one.id == attack.exercise)
    said = " ".join(reason["en"] for reason in item.reasons)
    assert item.points == attack.points, said
    assert item.status in ((attack.status,) if attack.status else ("not yet", "error")), said
    assert any(words in said for words in attack.words.split("|")), said
    assert [remark.slug for remark in found.remarks] == [*attack.remarks]
    assert all(len(text) < 1500 and text.isprintable() for reason in item.reasons for text in reason.values())
    assert found.points == item.points
    assert seconds < attack.seconds
    victim.assert_unharmed()


def test_answers_stored_from_an_earlier_run_are_worth_nothing(bubblewrap):
    probe = submissions(handed(("a.json", attacks.file_of(attacks.Attack("", (attacks.RIGHT,), "")))))[1][0]
    cases = judging._cases(exercises.find("00-negative"), probe, judging.Rules())
    known = {str(case.args[0].flatten()[:9].tolist()): (-case.args[0]).tolist() for case in cases}
    text = f"import torch\nKNOWN = {known!r}\ndef my_negative(x):\n"
    text += "    return torch.tensor(KNOWN[str(x.flatten()[:9].tolist())], dtype=x.dtype)\n"
    file = attacks.file_of(attacks.Attack("", (text,), ""))
    (found,) = judging.marked(handed(("a.json", file)))
    assert [(item.points, item.status) for item in found.items if item.kind == "exercise"] == [(0, "error")]
    assert "KeyError" in found.items[-1].reasons[0]["en"]
    assert judging.marked(handed(("a.json", file))) == [found]  # the same marks once more
