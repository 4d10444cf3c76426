"""A lesson as one HTML file that reads well without a network: formulas as MathML, pictures inside, no script."""

import base64
import copy
import mimetypes
import re
from html import unescape
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from jinja2 import pass_context
from math_core import LatexError, LatexToMathML
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

from course.commands.publish import cells
from course.viz.html import FRAMES, UNSEEN

FONT = Path(__file__).with_name("math.woff")  # without it, brackets stay small where no mathematical font is installed
GENERATOR = "noise-to-images"  # by which an index knows our pages
TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
IMAGE = re.compile(r"""(<img\b[^>]*?\bsrc=["'])([^"']+)""")
WIDGET = "application/vnd.jupyter.widget-view+json"

# The page of nbconvert loads require.js, MathJax and mermaid from elsewhere; this one loads nothing.
TEMPLATE = r"""
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_css -%}
<meta name="generator" content="{{ resources.generator }}">
<style>
main { max-width: 68rem; margin: 0 auto; }
main pre { white-space: pre-wrap; overflow-wrap: anywhere; }
main img { max-width: 100%; height: auto; }
main summary { cursor: pointer; }
.code > summary { color: var(--jp-ui-font-color2); padding: 0.3em 0; }
.scroll { overflow-x: auto; }
@font-face { font-family: "Course Math"; src: url("data:font/woff;base64,{{ resources.math_font }}") format("woff"); }
math { font-family: "Course Math", math; font-size: 112%; }
.formula { display: block; overflow-x: auto; overflow-y: hidden; padding: 0.3em 0; }
@media (max-width: 40rem) {
  body.jp-Notebook { padding: 0; }
  main .jp-InputPrompt, main .jp-OutputPrompt { display: none; }
  main .jp-Cell { padding: 0.3rem 0.8rem; }
  main .jp-RenderedHTMLCommon { overflow-wrap: anywhere; padding-right: 0; }
  main .scroll { overflow-wrap: normal; }
  main .jp-RenderedText pre { white-space: pre; overflow-x: auto; }
  main .jp-RenderedHTMLCommon :is(ul, ol) { padding-left: 1.2em; }
}
</style>
{%- endblock -%}
{%- block input -%}
{%- if cell.metadata.fold -%}
<details class="code"><summary>{{ cell.metadata.fold }}</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block data_latex scoped -%}
<div class="jp-RenderedLatex jp-OutputArea-output" data-mime-type="text/latex">
{{ output.data['text/latex'] | markdown2html }}
</div>
{%- endblock -%}
"""


class Formulas:
    """LaTeX to MathML, with one count of numbered equations for the page; keeps what could not be converted."""

    def __init__(self):
        self.convert = LatexToMathML(fancy_error=False)
        self.faults = []

    def __call__(self, latex, block):
        if block and re.search(r"\\(tag|label)\b", latex) and not latex.lstrip().startswith(r"\begin"):
            latex = rf"\begin{{equation}}{latex}\end{{equation}}"  # MathJax numbers $$ too, math-core environments only
        try:
            mathml = self.convert.convert_with_global_state(latex, displaystyle=block)
        except LatexError as error:
            source = " ".join(latex.split())
            self.faults.append(f"formula left as its source, {source!r}: {error}")
            mathml = f"<code>{source.replace('&', '&amp;').replace('<', '&lt;')}</code>"
        return f'<span class="formula">{mathml}</span>' if block else mathml

    def inside(self, html):
        """A piece of HTML with the formulas between its dollars set."""
        return re.sub(r"\$([^$]+)\$", lambda found: self(unescape(found[1]), block=False), html)


class Renderer(IPythonRenderer):
    """Markdown to HTML with formulas as MathML, and links to lessons leading to their pages."""

    def __init__(self, formula, folder, attachments):
        # embed_images would close the tags of each piece of HTML, and so show what <details> hides
        super().__init__(escape=False, attachments=attachments, embed_images=False)
        self.formula, self.faults, self.folder = formula, formula.faults, Path(folder)

    def picture(self, source):
        """The address of a picture: its bytes where it is a file beside the notebook."""
        path = self.folder / unquote(source)
        if urlsplit(source).scheme or not path.is_file():
            return source
        return f"data:{mimetypes.guess_type(path)[0]};base64,{base64.b64encode(path.read_bytes()).decode()}"

    def image(self, text, url, title=None):
        try:
            return super().image(text, self.picture(url), title)
        except InvalidNotebook as error:  # its cell does not hold the picture it names
            self.faults.append(str(error))
            return f"<em>{text}</em>"

    def block_html(self, html):
        return super().block_html(IMAGE.sub(lambda found: found[1] + self.picture(found[2]), html))

    def inline_html(self, html):
        return super().inline_html(IMAGE.sub(lambda found: found[1] + self.picture(found[2]), html))

    def block_math(self, body):
        return self.formula(body, block=True)

    def inline_math(self, body):
        return self.formula(body, block=False)

    def latex_environment(self, name, body):
        return self.formula(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)

    def link(self, text, url, title=None):
        parts = urlsplit(url)
        if not parts.scheme and not parts.netloc and parts.path.endswith(".ipynb"):
            url = parts._replace(path=str(PurePosixPath(parts.path).with_suffix(".html"))).geturl()
        return super().link(text, url, title)


class _Exporter(HTMLExporter):
    def __init__(self, formula, **options):
        super().__init__(raw_template=TEMPLATE, template_name="lab", **options)
        self.formula = formula

    @pass_context
    def markdown2html(self, context, source):
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(self.formula, context["resources"]["metadata"]["path"], attachments)
        return MarkdownWithMath(renderer=renderer).render(source)


def html_page(notebook, name, folder):
    """An executed notebook as HTML, and what could not be shown, formulas and pictures: (str, list of str).

    `folder` is where its pictures are looked up. Widgets are left out, as the figure beside each says the same, except
    where they have a text of their own, as questions have. Cells tagged `badge` are left out too: their picture would
    come over the network. What a cell tagged `machine` has shown gives way to a line; code that `cells.folds` names is
    folded.
    """
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if "badge" not in cells.tags(cell)]
    notebook.metadata.pop("widgets", None)
    formula = Formulas()
    for place, summary in cells.folds(notebook).items():
        notebook.cells[place].metadata["fold"] = summary
    formula.faults += [fault for cell in notebook.cells for fault in cells.hide_machine(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _without_widget(output, formula)]
    resources = {
        "metadata": {"name": cells.title(notebook) or name, "path": str(folder)},
        "math_font": math_font(),
        "generator": GENERATOR,
    }
    page, _ = _Exporter(formula).from_notebook_node(notebook, resources)
    return TABLE.sub(r'<div class="scroll">\g<0></div>', page), formula.faults


def math_font():
    """The font of the formulas in base64, for a style sheet."""
    return base64.b64encode(FONT.read_bytes()).decode()


def _without_widget(output, formula):
    """Take the widget out of an output, and set the formulas of its text; whether anything is left to show.

    A slider's pictures are not: the figure beside it says the same. Nor is the line that asks to run a cell again.
    """
    data = output.get("data", {})
    if data.pop(WIDGET, None) is None:
        return UNSEEN not in data.get("text/html", "")
    if FRAMES in data.get("text/html", ""):
        return False
    if "text/html" in data:
        data["text/html"] = formula.inside(data["text/html"])
    return "text/html" in data
