"""Lessons in a browser, as a learner meets them: a slider, questions by keyboard alone, an exercise filled in."""

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

import nbformat
import pytest
from project import LESSONS, ROOT

from course.teaching import quiz

pytestmark = pytest.mark.browser
LESSON = "01_noise_intuition.ipynb"
# No question about news, no look for updates; and every cell in the page, also those out of sight.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# How a run stands: cells that wait or run [*], cells that ran [7], cells with code.
PROGRESS = """() => {
    // a folded cell, such as the setup, shows a placeholder without a number
    const shown = ".jp-Notebook .jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)";
    const texts = [...document.querySelectorAll(shown)].map(prompt => prompt.textContent);
    const count = pattern => texts.filter(text => pattern.test(text)).length;
    return [count(/[*]/), count(/\\d/), texts.length];
}"""
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
STUB = 'def my_negative(x):\n    """The negative of pictures x (B, C, H, W)."""\n    ...'
DEAD = """from course import ask
from course.viz import pictures
from course.viz.widgets import scrub
import torch
frames = [pictures(torch.full((1, 1, 8, 8), k / 2)) for k in range(3)]
display(ask("01-1"))
scrub(frames, ["t = 0", "t = 1", "t = 2"], "t")"""
ASK = "from course import ask, check"
# What an app says of itself as an error while it opens; anything else in a console is a failure. Lab says nothing.
THEIRS = {
    "lab": (),
    "notebook": (
        "widget model not found",
        "reading 'schema'",
        "Command 'filebrowser:open-path' not registered.",
        "status of 403",
    ),
}
# What both say of a widget whose kernel is gone.
GONE = ("Comm not found for comm id", "widget model not found")
# Notebooks made for the tests: all questions of a lesson, one question alone, and one exercise.
MADE = {
    f"questions_{lesson}.ipynb": [ASK, *(f'ask("{id}")' for id in quiz.load(lesson))] for lesson in quiz.lessons()
} | {
    "choice.ipynb": [ASK, 'ask("01-1")'],
    "exercise.ipynb": [ASK, STUB, 'check("00-negative", my_negative)'],
    "dead.ipynb": [DEAD],
}
# The bytes behind an <img>; its address alone changes with every update, also where the picture stays the same.
PICTURE = "async img => Array.from(new Uint8Array(await (await fetch(img.src)).arrayBuffer()))"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its port, and the token without which it answers nobody."""

    port: int
    token: str

    def get(self, path, token=None):
        address = f"http://127.0.0.1:{self.port}/{path}?token={self.token if token is None else token}"
        with urllib.request.urlopen(address, timeout=5) as answer:
            return json.load(answer)


def until(true, what, seconds=60):
    """Wait until `true()` is, and return what it gave; fails after `seconds` with `what` as the reason."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := true():
            return result
        time.sleep(0.2)
    return pytest.fail(f"{what}, after {seconds} s")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the lessons, with settings and folders of its own; stopped at the end."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "root")
    for name, sources in MADE.items():
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), home / "root" / name)
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    folders |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "spaces", "IPYTHONDIR": "ipython"}
    here = Lab(free_port(), secrets.token_hex(16))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={here.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={home / 'root'}"]
    command += [f"--IdentityProvider.token={here.token}", "--LabApp.extension_manager=readonly"]
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(
            command,
            env=os.environ | {name: str(home / folder) for name, folder in folders.items()},
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def answers():
        assert server.poll() is None, (home / "log").read_text()[-2000:]
        try:
            return here.get("api/status")
        except OSError:
            return None

    try:
        until(answers, "JupyterLab does not answer")
        yield here
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture
def opened(lab, chromium):
    """Opens a notebook in an app, "lab" or "notebook" (Notebook 7): the page, once its kernel is ready.

    Errors in the console of a page, other than those of the app itself and those `known`, are a failure at the end.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        options = {"executable_path": chromium, "chromium_sandbox": False, "args": QUIET, "headless": True}
        browser = driver.chromium.launch(**options)
        complaints = []

        def complain(known, words):
            if not any(part in words for part in known):
                complaints.append(words)

        def opens(name, app="lab", known=()):
            known = (*known, *THEIRS[app])
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(60_000)
            page.on("console", lambda said: said.type == "error" and complain(known, said.text))
            page.on("pageerror", lambda error: complain(known, str(error)))
            where = f"lab/tree/{name}?reset&" if app == "lab" else f"notebooks/{name}?"
            page.goto(f"http://127.0.0.1:{lab.port}/{where}token={lab.token}")
            page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()

            # Lab says "Idle" before it has a kernel, and running then asks for one: so ask the server.
            def ready():
                sessions = [s["kernel"] for s in lab.get("api/sessions") if s["path"] == name]
                return sessions and sessions[0]["connections"] and sessions[0]["execution_state"] == "idle"

            until(ready, "the lesson has no kernel")
            return page

        yield opens
        browser.close()
        assert complaints == []


@pytest.fixture
def page(opened):
    """The page of the lesson with the slider."""
    return opened(LESSON)


def prompts(page):
    """The numbers of the cells, as they are shown."""
    return page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").all_inner_texts()


def run_all(page):
    before = prompts(page)
    page.locator("li.lm-MenuBar-item", has_text=re.compile("^Run$")).click()
    page.locator("li.lm-Menu-item[data-command='runmenu:run-all']").click()

    until(lambda: prompts(page) != before, "no cell begins to run")

    def ended():
        waiting, ran, cells = page.evaluate(PROGRESS)
        if not waiting and ran < cells:  # Lab gives up the rest after an error
            shown = page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts()
            pytest.fail(f"only {ran} of {cells} cells ran; the last words: {''.join(shown)[-1500:]}")
        return ran == cells

    until(ended, "the lesson has not come to its end", seconds=300)


def test_nobody_gets_in_without_the_token(lab):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        lab.get("api/contents", token="")


def test_the_noise_slider_moves_the_picture(page):
    assert LESSON in [path.name for path in LESSONS]
    run_all(page)
    widget = page.locator(".jp-OutputArea-output", has=page.locator(".widget-slider")).first
    handle, track = widget.locator(".noUi-handle"), widget.locator(".noUi-target")
    image, number, label = widget.locator("img"), widget.locator("input[type=number]"), widget.get_by_role("status")
    widget.scroll_into_view_if_needed()

    def position():
        return round(float(handle.get_attribute("aria-valuenow")))

    def picture():
        """The picture once it rests: the kernel draws each position that the slider passes."""
        shown, before = image.evaluate(PICTURE), None
        while shown != before:
            time.sleep(0.4)
            shown, before = image.evaluate(PICTURE), shown
        return hashlib.sha256(bytes(shown)).hexdigest()

    seen = {}

    def arrive(what, there):
        """Wait for the slider to be `there`, then for a picture and a label that were not shown before."""
        until(lambda: there(position()), f"{what} does not move the slider", seconds=15)
        until(lambda: number.input_value() == str(position()), "the number field does not follow", seconds=15)
        until(lambda: picture() not in seen.values(), f"{what} does not change the picture", seconds=15)
        seen[position()] = picture()
        return label.inner_text()

    start = position()
    last = int(float(handle.get_attribute("aria-valuemax")))
    assert last >= 4, "too few frames to see the noise grow"
    labels = [arrive("nothing", lambda now: now == start)]

    towards, back = ("ArrowRight", "ArrowLeft") if start < last - 1 else ("ArrowLeft", "ArrowRight")
    step = 1 if towards == "ArrowRight" else -1
    handle.focus()
    for _ in range(2):
        handle.press(towards)
    labels.append(arrive("the keyboard", lambda now: now == start + 2 * step))

    box, knob = track.bounding_box(), handle.bounding_box()
    page.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (0.8 if step > 0 else 0.2), box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    labels.append(arrive("the mouse", lambda now: now not in seen))

    other = next(value for value in range(last, -1, -1) if value not in seen)
    number.fill(str(other))
    number.press("Enter")
    labels.append(arrive("the number field", lambda now: now == other))
    assert len(set(labels)) == len(labels), f"the label does not say what is shown: {labels}"

    # Back where it began, the picture is the first one again: it depends on the position alone.
    number.fill(str(start))
    number.press("Enter")
    until(lambda: position() == start and picture() == seen[start], "the first picture does not come back", seconds=15)
    handle.focus()
    handle.press(towards)
    handle.press(back)
    until(lambda: position() == start and picture() == seen[start], "a step and back lead elsewhere", seconds=15)


# Questions and exercises --------------------------------------------------------------------------------------------


def tab_to(page, selector, key="Tab", most=80):
    """Press Tab, or Shift+Tab, until what has the focus fits the selector: nobody needs a mouse to get there."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return page.evaluate("document.activeElement.textContent")
    held = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    return pytest.fail(f"{key} does not lead to {selector}; it stands at {held}")


def says(page, words):
    """Wait until a status line holds these words."""
    status = page.get_by_role("status")
    until(lambda: any(words in text for text in status.all_inner_texts()), f"no status says {words!r}", seconds=20)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_question_is_answered_by_keyboard_alone_in_both_languages(opened, app):
    page, question = opened("choice.ipynb", app), quiz.find("01-1")
    right = [option["correct"] for option in question.answers].index(True)
    wrong = next(k for k, option in enumerate(question.answers) if not option["correct"])
    run_all(page)
    page.get_by_role("button", name="Check", exact=True).wait_for()
    verdicts = {"en": ("Not yet.", "Correct."), "ko": ("아직 정답이 아닙니다.", "맞았습니다.")}
    for language, check, switch in (("en", "Check", "한국어"), ("ko", "확인", "English")):
        for place, verdict in zip((wrong, right), verdicts[language], strict=True):
            tab_to(page, f"input[type=radio][value='{place}']")
            page.keyboard.press("Space")
            assert tab_to(page, "button.jupyter-button") == check
            page.keyboard.press("Enter")
            says(page, verdict)
            says(page, question.answers[place]["feedback"][language])
            tab_to(page, "input[type=radio][value='0']", "Shift+Tab")
            page.keyboard.press("Shift+Tab")
        says(page, question.explanation[language])
        tab_to(page, "button.jupyter-button")
        assert tab_to(page, "button.jupyter-button") == switch
        page.keyboard.press("Space")
        says(page, question.explanation["ko" if language == "en" else "en"])
        tab_to(page, "input[type=radio][value='0']", "Shift+Tab")
        page.keyboard.press("Shift+Tab")


@pytest.mark.parametrize("app", ["lab", "notebook"])
@pytest.mark.parametrize("lesson", quiz.lessons())
def test_every_control_of_every_question_has_a_name(opened, app, lesson):
    page = opened(f"questions_{lesson}.ipynb", app)
    run_all(page)
    questions = quiz.load(lesson)
    buttons = page.get_by_role("button", name="Check", exact=True)
    until(lambda: buttons.count() == len(questions), f"not every question has its button: {len(questions)}")
    outputs = page.locator(".jp-OutputArea-output", has=page.locator(".widget-vbox"))
    shown = "\n".join(outputs.nth(k).aria_snapshot() for k in range(outputs.count()))
    # The tree is YAML: a name with a colon in it stands in quotes, with its role.
    controls = re.findall(r"^\s*- '?(radio|checkbox|textbox|button|combobox)\b(.*)$", shown, re.M)
    letters = [question.letters for question in questions.values() if question.kind in ("choice", "several")]
    lines = sum(question.kind not in ("choice", "several") for question in questions.values())
    assert len(controls) == 2 * len(questions) + sum(map(len, letters)) + lines
    assert [kind for kind, rest in controls if not re.match(r' "[^"]+"', rest)] == []
    for question in questions.values():
        for option in question.answers if question.kind in ("choice", "several") else ():
            assert page.get_by_label(f"{option['id']}) {option['text']['en']}", exact=True).count()


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_stub_is_filled_and_the_check_turns_from_not_attempted_to_correct(opened, app):
    page = opened("exercise.ipynb", app)
    run_all(page)
    says(page, "00-negative: not attempted")
    stub = page.locator(".jp-Notebook .jp-CodeCell").nth(1).locator(".cm-content")
    stub.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("def my_negative(x):\n    return -x")
    run_all(page)
    says(page, "00-negative: correct, 3 of 3 points")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_dead_question_and_a_dead_slider_say_that_the_cell_is_to_be_run_again(opened, lab, app):
    """After a restart of the kernel, and after the page is loaded again; while a widget lives, the line is not seen."""
    page = opened("dead.ipynb", app, GONE)
    again = page.get_by_text("Run this cell again.").and_(page.locator(".course-again"))
    run_all(page)
    page.get_by_role("button", name="Check", exact=True).wait_for()
    page.locator(".widget-slider").wait_for()
    until(lambda: again.count() == 2, "not every widget has its line")
    time.sleep(1)
    assert not any(line.is_visible() for line in again.all())
    assert page.get_by_role("img", name="t: t = 0").count() == 1
    page.locator("li.lm-MenuBar-item", has_text=re.compile("^Kernel$")).click()
    page.locator("li.lm-Menu-item[data-command='kernelmenu:restart']").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    until(lambda: all(line.is_visible() for line in again.all()), "nothing is said after a restart")
    page.locator("li.lm-MenuBar-item", has_text=re.compile("^File$")).click()
    page.locator("li.lm-Menu-item[data-command='docmanager:save']").click()

    def saved():
        try:
            return "course-again" in str(lab.get("api/contents/dead.ipynb"))
        except urllib.error.HTTPError:  # it is being written just now
            return False

    until(saved, "the notebook is not saved")
    page = opened("dead.ipynb", app, GONE)
    page.get_by_text("model not found").first.wait_for()
    again = page.locator(".course-again")
    until(lambda: again.count() == 2 and all(line.is_visible() for line in again.all()), "nothing after a reload")
    run_all(page)
    page.locator(".widget-slider").wait_for()
    until(lambda: not any(line.is_visible() for line in again.all()), "the line stays after the cell was run")
