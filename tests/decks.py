"""What is wrong with the slides of a lesson, as a browser shows them: slide number, first words, pixels.

python tests/decks.py 01                       # runs the lesson, makes its deck, looks at every slide
python tests/decks.py 01 --shots build/shots   # and keeps a picture of each slide, and a sheet of all
python tests/decks.py 01_name.slides.html      # looks at a deck that lies there
"""

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 1280, 720
WORDS = 40  # on a slide, beside a question, a table, code and formulas
LINES = 12  # of code
SMALLEST = 24  # pixels of letters
PICTURE = 200  # pixels that a picture is high at least
OPTIONS = {"args": ["--disable-gpu", "--disable-background-networking"], "chromium_sandbox": False}
# The slide that is shown, with all its fragments; its height does not count what reveal.js scales.
LOOK = """() => {
    const slide = Reveal.getCurrentSlide(), sheet = slide.querySelector(".sheet");
    const beside = ".question, .source, pre, table, math, figcaption, summary";
    const walker = document.createTreeWalker(sheet, NodeFilter.SHOW_TEXT);
    let words = [], sizes = [];
    for (let node; (node = walker.nextNode());) {
        const said = node.textContent.trim(), around = node.parentElement;
        if (!said || around.closest("style, math")) continue;
        sizes.push(parseFloat(getComputedStyle(around).fontSize));
        if (!around.closest(beside)) words.push(...said.split(/\\s+/));
    }
    const scale = Reveal.getScale();
    const pictures = [...sheet.querySelectorAll("img, svg")].map(image => {
        const box = image.getBoundingClientRect();
        const [wide, high] = [image.naturalWidth || box.width, image.naturalHeight || box.height];
        const seen = Math.min(box.height, box.width * high / wide) / scale;
        const squeezed = seen < box.width * high / wide / scale - 1;
        return [seen, box.top / scale, box.bottom / scale, squeezed];
    });
    return {
        head: sheet.innerText.trim().split(/\\s+/).slice(0, 6).join(" "),
        height: sheet.scrollHeight, width: sheet.scrollWidth, smallest: Math.min(99, ...sizes), words: words.length,
        pictures, notes: [...slide.querySelectorAll("aside.notes")].map(note => note.innerText.trim()).join(" "),
        code: [...sheet.querySelectorAll(".source")].map(code => code.innerText.trim().split("\\n").length),
        fenced: sheet.querySelectorAll(".text pre").length,
    };
}"""


@dataclass(frozen=True)
class Seen:
    """One slide as the browser shows it; pixels are those of a screen of 1280 x 720."""

    number: int
    head: str  # the first words
    height: int
    width: int
    smallest: float  # letters
    words: int
    pictures: list  # of (height, top, bottom, whether the height is what limits it)
    notes: str
    code: list  # lines of each piece
    fenced: int  # pieces of code in Markdown


def lecture():
    """A small notebook with everything that a slide can hold; none of the words "not shown" may be on a slide."""
    import nbformat

    def cell(kind, source, *tags):
        make = nbformat.v4.new_markdown_cell if source[0] in "#$(" else nbformat.v4.new_code_cell
        return make(source, metadata={"slideshow": {"slide_type": kind}, "tags": [*tags]})

    draw = "fig = pictures(torch.linspace(-1, 1, 256).reshape(4, 1, 8, 8))\nshow(fig, alt='four greys')"
    frames = "scrub([pictures(torch.full((1, 1, 8, 8), k / 4)) for k in range(5)], list('abcde'), 'grey')  # not shown"
    cells = [
        cell("slide", "# A small lecture\n\nAbout [lesson 02](02_forward_process.ipynb)."),
        cell("notes", "# Notes of the title\n\n$x_t$ comes later."),
        cell("-", "import os  # not shown", "setup"),
        cell("skip", "# not shown"),
        cell("skip", "import torch\nfrom course import ask\nfrom course.viz import html, pictures, show"),
        cell("slide", "## A figure\n\nSaid before it, $x_t = x_0$."),
        cell("-", draw + "  # not shown"),
        cell("fragment", "(Said after it.)"),
        cell("notes", "(Notes of the figure.)"),
        cell("slide", "## A formula"),
        cell("fragment", r"$$x_t=\sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\epsilon$$"),
        cell("subslide", 'ask("01-1", later=True)  # not shown'),
        cell("notes", "(Let them vote.)"),
        cell("skip", "print('not shown')"),
        cell("-", 'ask("01-1")  # not shown'),
        cell("notes", "(Most say 1.)"),
        cell("subslide", 'ask("00-1")  # not shown'),
        cell("slide", "## A table"),
        cell(
            "fragment",
            "display({'text/html': html.table(['name', 'value'], [['a', '1'], ['b', '2']])}, raw=True)  # not shown",
        ),
        cell("slide", "## A slider"),
        cell("-", f"from course.viz.widgets import scrub\n{frames}"),
        cell("slide", "def twice(x):\n    return 2 * x\n\n\nprint(twice(21))", "code"),
        cell("slide", "import sys\nprint('not shown', sys.prefix)", "machine"),
        cell("slide", "nothing = 'not shown'"),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def find_chromium():
    """The path of a Chromium, or None."""
    names = (os.environ.get("COURSE_CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def opened(path, chromium, asked=None):
    """The page of a deck at 1280 x 720; what it asks for that is no file goes into `asked`, and is refused."""
    from playwright.sync_api import sync_playwright

    asked = [] if asked is None else asked

    def answer(route):
        if route.request.url.startswith(("file:", "data:", "about:")):
            return route.continue_()
        asked.append(route.request.url)
        return route.abort()

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, **OPTIONS)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, offline=True)
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(Path(path).resolve().as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        page.evaluate("document.fonts.ready")
        yield page
        browser.close()


def seen(page, shots=None):
    """Every slide in order, each with all that comes by a key; a PNG of each goes into the folder `shots`."""
    found = []
    places = page.evaluate("Reveal.getSlides().map(slide => Reveal.getIndices(slide))")
    for number, place in enumerate(places, 1):
        page.evaluate("([h, v]) => Reveal.slide(h, v, 999)", [place["h"], place.get("v") or 0])
        page.evaluate("Promise.all([...Reveal.getCurrentSlide().querySelectorAll('img')].map(image => image.decode()))")
        found.append(Seen(number, **page.evaluate(LOOK)))
        if shots:
            page.wait_for_timeout(250)  # a fragment fades in
            page.screenshot(path=shots / f"slide{number:03d}.png")
    return found


def complaints(slides):
    """What is wrong, a line for each: slide number, first words, pixels."""
    return [f"slide {slide.number} ({slide.head}): {fault}" for slide in slides for fault in _faults(slide)]


def _faults(slide):
    if slide.height > HEIGHT:
        yield f"{slide.height - HEIGHT} pixels taller than the screen"
    if slide.width > WIDTH:
        yield f"{slide.width - WIDTH} pixels wider than the screen"
    for height, top, bottom, squeezed in slide.pictures:
        if squeezed and height <= PICTURE:
            yield f"a picture is {height:.0f} pixels high, more than {PICTURE} are needed: less text beside it"
        if top < 0 or bottom > HEIGHT + 1:
            yield f"a picture reaches from {top:.0f} to {bottom:.0f}"
    if slide.words > WORDS:
        yield f"{slide.words} words, {WORDS} are enough"
    if slide.smallest < SMALLEST:
        yield f"letters of {slide.smallest:.0f} pixels, {SMALLEST} are needed"
    if slide.fenced:
        yield "code in Markdown: take a code cell, tagged `code`"
    if any(lines > LINES for lines in slide.code):
        yield f"{max(slide.code)} lines of code, {LINES} are enough"


def sheet(folder, columns=4, width=480):
    """All slides on one picture, `sheet.png`."""
    from PIL import Image

    images = [Image.open(path).convert("RGB") for path in sorted(folder.glob("slide*.png"))]
    height = width * HEIGHT // WIDTH
    whole = Image.new("RGB", (columns * (width + 8), -(-len(images) // columns) * (height + 8)), "gray")
    for k, image in enumerate(images):
        whole.paste(image.resize((width, height)), (k % columns * (width + 8), k // columns * (height + 8)))
    whole.save(folder / "sheet.png")


def main(name, shots):
    chromium = find_chromium()
    if not chromium:
        return "no Chromium here: install one, or name it in COURSE_CHROMIUM"
    with tempfile.TemporaryDirectory() as own:
        path = Path(name)
        if path.suffix != ".html":
            from course.__main__ import main as command

            path = Path(own, "deck.html")
            if command(["slides", name, "--execute", "--out", str(path)]):
                return 1
        if shots:
            shots.mkdir(parents=True, exist_ok=True)
            for old in shots.glob("slide*.png"):
                old.unlink()
        with opened(path, chromium) as page:
            slides = seen(page, shots)
    if shots:
        sheet(shots)
    found = complaints(slides)
    print("\n".join(found))
    print(f"{len(slides)} slides, {sum(bool(slide.notes) for slide in slides)} with notes, {len(found)} complaints")
    return int(bool(found))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("name", help="number of a lesson, or a deck")
    options.add_argument("--shots", type=Path, metavar="FOLDER", help="where a PNG of each slide goes")
    chosen = options.parse_args()
    sys.exit(main(chosen.name, chosen.shots))
