"""Lesson 01 in JupyterLab, as a learner meets it: open, run all, move the noise slider by keys, mouse and number."""

import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

import pytest
from conftest import LESSONS, ROOT

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
# The bytes behind an <img>; its address alone changes with every update, also where the picture stays the same.
PICTURE = "async img => Array.from(new Uint8Array(await (await fetch(img.src)).arrayBuffer()))"


@pytest.fixture(scope="module")
def chromium():
    names = (os.environ.get("COURSE_CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        (pytest.fail if os.environ.get("CI") or os.environ.get("COURSE_CI") else pytest.skip)(
            "no Chromium here: apt-get install chromium, or name one in COURSE_CHROMIUM"
        )
    return found


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
def page(lab, chromium, tmp_path):
    """The lesson's page, with a kernel that is ready."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        options = {"executable_path": chromium, "chromium_sandbox": False, "args": QUIET, "headless": True}
        browser = driver.chromium.launch(**options)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(f"http://127.0.0.1:{lab.port}/lab/tree/{LESSON}?token={lab.token}&reset")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()

        # Lab says "Idle" before it has a kernel, and running then asks for one: so ask the server.
        def ready():
            kernels = lab.get("api/kernels")
            return kernels and kernels[0]["connections"] and kernels[0]["execution_state"] == "idle"

        until(ready, "the lesson has no kernel")
        yield page
        browser.close()


def run_all(page):
    page.locator("li.lm-MenuBar-item", has_text="Run").click()
    page.locator("li.lm-Menu-item[data-command='runmenu:run-all']").click()

    until(lambda: page.evaluate(PROGRESS)[0], "no cell begins to run")

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
