"""A lesson as slides: one HTML file with reveal.js in it, from the slide types and outputs of its cells."""

import base64
import copy
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from jinja2 import Environment
from nbconvert.filters import Highlight2HTML, ansi2html
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from pygments.formatters import HtmlFormatter

from course.commands import UserError
from course.commands.publish import cells
from course.commands.publish.page import WIDGET, Formulas, Renderer, math_font
from course.teaching import quiz
from course.teaching.language import LANGUAGES, language, say
from course.teaching.quiz.page import answer_page, expected_page, prompt_page
from course.viz.html import FRAMES, RUN_AGAIN, UNSEEN

HERE = Path(__file__).parent
FRAME = re.compile(r"<figure>.*?</figure>", re.DOTALL)
NEVER = {"setup", "badge"}  # tags of cells that are on no slide
STARTS = ("slide", "subslide")


@dataclass
class Slide:
    """One slide: parts that come one after the other, as (HTML, whether it waits for a key), and for the speaker the
    answers to expect to its questions, and notes."""

    name: str  # the id of the cell that began it, "-answer" behind it where it answers a question
    below: bool  # in the section of the slide before it
    parts: list = field(default_factory=list)
    expected: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def add(self, html, waits):
        """Put HTML into a part of its own that waits for a key, or beside what came last."""
        if waits or not self.parts:
            self.parts.append((html, waits))
        else:
            before, waited = self.parts[-1]
            self.parts[-1] = (before + html, waited)


class _Renderer(Renderer):
    """Links to other lessons are plain text, as a deck travels alone; headings bear no anchor."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.exclude_anchor_links = True

    def link(self, text, url, title=None):
        return super().link(text, url, title) if re.match(r"https?:|#", url) else text


class Painter:
    """Cells to pieces of HTML for slides; `faults` tells what could not be shown."""

    def __init__(self, folder):
        self.folder, self.formula, self.code = folder, Formulas(), Highlight2HTML(pygments_lexer="ipython3")
        self.faults, self.lang = self.formula.faults, language()
        used = [say(f"exercise.{whose}", lang, name="NAME") for whose in ("yours", "ours") for lang in LANGUAGES]
        lines = "|".join(re.escape(line).replace("NAME", r"\w+") for line in used)
        self.told = re.compile(rf"^(?:{lines})\n?", re.MULTILINE)  # whose function goes on is nothing for a class

    def markdown(self, source, attachments=None):
        """Markdown as HTML, its formulas as MathML."""
        renderer = _Renderer(self.formula, self.folder, attachments or {})
        return MarkdownWithMath(renderer=renderer).render(source)

    def cell(self, cell):
        """What slides show of a cell, but for its questions, as pieces of HTML, one a slide: text, code that is tagged
        `code`, outputs. The pictures of a slider are a slide each."""
        if cell.cell_type == "markdown":
            return _some(_piece("text", self.markdown(cell.source, cell.get("attachments"))))
        if cell.cell_type != "code":
            return []
        shown = [_piece("source", self.code(cell.source))] if "code" in cells.tags(cell) else []
        outputs = [] if cells.asked(cell) else _without_doubles(cell.outputs)
        shown += [_piece("output", self.output(output)) for output in outputs if not _frames(output)]
        frames = [_piece("output", frame) for output in outputs for frame in _frames(output)]
        return _some("".join(shown + frames[:1])) + frames[1:]

    def output(self, output):
        """One output as HTML, "" for what a class need not see: warnings, widgets without a text, empty values."""
        if output.output_type == "stream":
            text = self.told.sub("", output.text) if output.name == "stdout" else ""
            return f"<pre>{ansi2html(text)}</pre>" if text.strip() else ""
        if output.output_type == "error":
            return f"<pre>{escape(f'{output.ename}: {output.evalue}')}</pre>"
        data = output.data
        if "text/html" in data:
            html = data["text/html"].replace(f"<p>{RUN_AGAIN}</p>", "")  # there is no cell to run
            return "" if UNSEEN in html else self.formula.inside(html)
        for kind in ("image/svg+xml", "text/markdown", "text/latex", "image/png", "image/jpeg"):
            if kind in data:
                return self.other(kind, data[kind])
        return f"<pre>{escape(data['text/plain'])}</pre>" if "text/plain" in data and WIDGET not in data else ""

    def other(self, kind, content):
        """An output of a kind other than HTML and plain text."""
        if kind == "image/svg+xml":
            return content
        if kind.startswith("image/"):
            content = content if isinstance(content, str) else base64.b64encode(content).decode()
            return f'<img src="data:{kind};base64,{"".join(content.split())}" alt="">'
        return self.markdown(content)

    def question(self, id):
        """A question without its answer, the same with it, and the answers to expect: three pieces of HTML.

        They are made from the quiz, not from what the cell has shown, which may tell what somebody answered. Raises
        UserError for an id that no file has.
        """
        try:
            found = quiz.find(id)
        except LookupError as error:
            raise UserError(str(error.args[0])) from error
        prompt = self.formula.inside(prompt_page(found, self.lang))
        answer = self.formula.inside(answer_page(found, self.lang))
        expected = self.formula.inside(expected_page(found, self.lang))
        return _piece("question", prompt), _piece("question", f"{prompt}<details open>{answer}</details>"), expected


def _piece(kind, html):
    """HTML in a box that says what it is, and whether a picture in it takes the room that is left; "" stays ""."""
    return f'<div class="{kind}{" picture" * ("<img" in html)}">{html}</div>' if html.strip() else ""


def _some(html):
    """The pieces that there are: one, or none for ""."""
    return [html] if html else []


def _frames(output):
    """The pictures of a slider, each with its label below, or none where an output is something else."""
    html = output.get("data", {}).get("text/html", "")
    return [f"<div class='course-frame'>{frame}</div>" for frame in FRAME.findall(html)] if FRAMES in html else []


def _without_doubles(outputs):
    """The outputs, without the frames of a slider where a figure of the same cell says the same."""
    frames = [output for output in outputs if _frames(output)]
    figures = [output for output in outputs if "<img" in output.get("data", {}).get("text/html", "")]
    return [output for output in outputs if output not in frames] if len(figures) > len(frames) else outputs


def unrun(notebook):
    """The first cell on a slide that has not run, though its output is what the slide would show; or None."""
    for cell in notebook.cells:
        awaited = cells.speaks(cell) and _type(cell) not in ("skip", "notes")
        told = (NEVER | {"code"}).intersection(cells.tags(cell)) or cells.asked(cell)
        if awaited and not told and cell.execution_count is None and not cell.outputs:
            return cell
    return None


def _type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type") or "-"


def slides(notebook, painter):
    """The slides of a notebook, in order.

    `slide` and `subslide` begin one, `fragment` waits for a key, `notes` are for the speaker, `skip` is left out, and
    anything else goes on. A question that is marked has its answer on a slide of its own, after one without. Where a
    question is shown first, the notes tell its answer, and the wrong ones to expect.
    """
    found, asked, start = [], set(), "slide"
    for cell in notebook.cells:
        kind = _type(cell)
        if kind == "skip" or NEVER.intersection(cells.tags(cell)):
            continue
        pieces = painter.cell(cell)
        if kind == "notes":
            if found:
                found[-1].notes += pieces
            else:
                painter.faults.append("notes before the first slide are left out")
            continue
        start = kind if kind in STARTS and start != "slide" else start
        faces = [(html, []) for html in pieces[:1]]
        answers = []
        for id, later in cells.asked(cell):
            plain, solved, expected = painter.question(id)
            faces += [(plain, [expected])] if later or id not in asked else []
            answers += [] if later else [solved]
            asked.add(id)
        for face, expected in faces:
            if start:
                found.append(Slide(cell.id, below=start == "subslide"))
            found[-1].add(face, waits=kind == "fragment" and not start)
            found[-1].expected += expected
            start = None
        for number, face in enumerate(pieces[1:], 2):
            found.append(Slide(f"{cell.id}-{number}", below=True, parts=[(face, False)]))
        for face in answers:
            found.append(Slide(f"{cell.id}-answer", below=start != "slide", parts=[(face, False)]))
            start = None
    return found


def sections(found):
    """The slides in the sections of reveal.js: each a list of slides, of which the later ones lie below the first."""
    together = []
    for slide in found:
        if slide.below and together:
            together[-1].append(slide)
        else:
            together.append([slide])
    return together


def html_deck(notebook, name, folder):
    """A notebook as a deck of slides in HTML, what could not be shown, and how many slides: (str, list of str, int).

    `folder` is where its pictures are looked up. Raises UserError for a question that no quiz has.
    """
    notebook = copy.deepcopy(notebook)
    painter = Painter(folder)
    painter.faults += [fault for cell in notebook.cells for fault in cells.hide_machine(cell)]
    found = slides(notebook, painter)
    script = {
        file: base64.b64encode((HERE / "reveal" / file).read_bytes()).decode() for file in ("reveal.js", "notes.js")
    }
    template = Environment(autoescape=False).from_string(_read("slides.html"))
    page = template.render(
        title=escape(cells.title(notebook) or name),
        sections=sections(found),
        math_font=math_font(),
        styles=[
            _read("reveal/reveal.css"),
            HtmlFormatter(style="default").get_style_defs(".source"),
            _read("slides.css"),
        ],
        scripts=script.values(),
        licence=_read("reveal/LICENSE.txt"),
        say=say,
    )
    return page, painter.faults, len(found)


def _read(name):
    return (HERE / name).read_text(encoding="utf-8")
