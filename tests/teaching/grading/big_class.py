"""A class of 60 honest and 60 hostile students, marked by the command: seconds, memory, points, harm. No test.

`python tests/teaching/grading/big_class.py [FOLDER]` makes the class below FOLDER (a new one by default) and marks it.
"""

import csv
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fill import functions, other, solution  # noqa: E402
from handing import notebook, packed  # noqa: E402
from project import module  # noqa: E402

from course.teaching import exercises, quiz  # noqa: E402
from course.teaching.exercises import POINTS  # noqa: E402
from course.teaching.quiz.marking import right_answer  # noqa: E402

IMPORTS = "import cmath\nimport math\nimport torch\nfrom course.pipelines import hub"
WAYS = ("right", "other", "half", "mistake", "typed")
MISTAKE = "def my_negative(x):\n    return 1 - x\n"
attacks = module(Path(__file__).with_name("attacks.py"))
by_files = module(Path(__file__).with_name("test_attacks_by_files.py"))


def honest(k):
    """The file of an honest student, as (its name, its bytes, the points that it deserves)."""
    lesson, way = quiz.lessons()[k % len(quiz.lessons())], WAYS[k % len(WAYS)]
    texts = functions((other if way == "other" else solution)(lesson).read_text())
    questions = [*quiz.load(lesson).values()]
    ids = [id for id in exercises.ids(lesson) if not quiz.exercises(lesson)[id].get("further")]
    points = sum(one.points for one in questions if not one.further) + POINTS * len(ids)
    if way == "half":
        gone = ids[::2]
        texts = {name: text for name, text in texts.items() if f"{lesson}-{name[3:]}" not in gone}
        points -= POINTS * len(gone)
    if way == "mistake":
        lesson, texts, questions, points = "00", {"my_negative": MISTAKE}, [], 1
    answers = [(one.id, right_answer(one)) for one in questions]
    if way == "typed":
        cells = [f"ask({id!r}, answer={answer!r})" for id, answer in answers]
        return f"{lesson}.ipynb", notebook([IMPORTS, *texts.values(), *cells]), points
    return f"{lesson}.json", packed(lesson, [IMPORTS, *texts.values()], answers), points


def hostile(values):
    """60 hostile students: (slug, {name of a file: its bytes}, the points that they deserve)."""
    some = [(f"cell {one.slug}", {"a.json": attacks.file_of(one, **values)}, one.points) for one in attacks.ALL]
    files = [(slug, handed, points) for slug, (handed, points, _) in by_files.FILES.items() if len(handed) < 100]
    return [*some[:: len(some) // 40][:30], *files[:30]]


def build(folder, victim):
    """Write the class, and give the points that each name deserves."""
    deserved = {}
    for k in range(60):
        name, data, points = honest(k)
        deserved[f"Honest {k:02}"] = points
        by_files.put(folder / f"Honest {k:02}_{k + 100}_assignsubmission_file", {name: data})
    values = {
        "VICTIM": victim,
        "PORT": 9,
        "UNIX": victim / "s",
        "TOKEN": "attack-big",
        "ROOT": ROOT,
        "HOME": Path.home(),
    }
    for k, (slug, handed, points) in enumerate(hostile(values)):
        deserved[f"Hostile {slug}"] = points
        by_files.put(folder / f"Hostile {slug}_{k + 200}_assignsubmission_file", handed)
    return deserved


def memory(process):
    """Bytes of the largest process that marks, and of all processes together, workers as well."""
    marking, every = 0, 0
    for one in process.children(recursive=True):
        try:
            size = one.memory_info().rss
            marking = max(marking, size if "multiprocessing" in " ".join(one.cmdline()) else 0)
            every += size
        except psutil.Error:
            continue
    return marking, every


def graded(folder, out):
    """Mark the class; the seconds it took, and [(marking, every), ...] of its memory, each second."""
    command = [sys.executable, "-m", "course", "grade", str(folder), "--out", str(out), "--jobs", "2"]
    began, seen = time.monotonic(), []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as done:
        lines = []
        reading = threading.Thread(target=lambda: lines.extend(done.stdout))
        reading.start()
        while done.poll() is None:
            seen.append(memory(psutil.Process(done.pid)))
            time.sleep(1)
        reading.join()
    print(*lines[-2:], sep="", end="")
    if done.returncode:
        sys.exit(f"grade ended with {done.returncode}")
    return time.monotonic() - began, seen


def main():
    """Build, mark, and say how it went."""
    home = Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp(prefix="big-class-"))
    victim = home / "victim"
    by_files.put(victim, {"file": b"untouched"})
    deserved = build(home / "class", victim)
    seconds, seen = graded(home / "class", home / "marks")
    with open(home / "marks/marks.csv", encoding="utf-8-sig", newline="") as file:
        found = {row["name"]: int(row["total"]) for row in csv.DictReader(file)}
    print(
        f"{len(deserved)} handed in, {len(found)} rows; {seconds:.0f} s, {seconds / len(deserved):.1f} s a submission"
    )
    quarter = max(1, len(seen) // 4)
    for k in range(0, len(seen), quarter):
        one, every = (max(sizes) >> 20 for sizes in zip(*seen[k : k + quarter], strict=True))
        print(f"second {k:4} and on: the largest marking process {one} MiB, all processes {every} MiB")
    for name in sorted({*deserved} | {*found}):
        if deserved.get(name) != found.get(name):
            print(f"{name}: {found.get(name)} points instead of {deserved.get(name)}")
    gained = sum(max(0, found.get(name, 0) - points) for name, points in deserved.items() if name.startswith("Hostile"))
    whole = {path.name: path.read_bytes() for path in victim.iterdir()} == {"file": b"untouched"}
    print(f"points that hostile ones gained: {gained}; victim {'untouched' if whole else 'HARMED'}")
    left = [one.pid for one in psutil.process_iter() if str(home / "marks") in _command(one)]
    print(f"processes left: {left}")


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


if __name__ == "__main__":
    main()
