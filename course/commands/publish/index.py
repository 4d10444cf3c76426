"""The page that lists the pages of a folder: `index.html`, plain, for opening from disk."""

import re
from html import escape, unescape
from urllib.parse import quote

from course.commands import UserError, write_out
from course.commands.publish.page import GENERATOR
from course.teaching.language import language, say

OURS = re.compile(rf'<meta\b[^>]*"{GENERATOR}"[^>]*>')  # nbconvert sorts what stands in a tag
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
STYLE = "max-width: 40rem; margin: 2rem auto; padding: 0 1rem; font: 1.1rem/1.6 system-ui, sans-serif"


def keep_foreign(folder):
    """Raise UserError where an index.html lies in `folder` that is not ours: it would be lost."""
    index = folder / "index.html"
    if index.exists() and not OURS.search(_read(index)):
        raise UserError(f"{index} is not one of ours and stays as it is; choose another folder with --out")


def write_index(folder):
    """List the pages in `folder` and below, each by its title, in `index.html`."""
    index = folder / "index.html"
    texts = ((path, _read(path)) for path in sorted(folder.rglob("*.html")) if path != index)
    rows = "".join(
        f'<li><a href="{quote(path.relative_to(folder).as_posix())}">{_named(text, path, folder)}</a></li>\n'
        for path, text in texts
        if OURS.search(text)
    )
    heading = escape(say("page.index"))
    write_out(
        index,
        f'<!DOCTYPE html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="generator" content="{GENERATOR}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n</head>\n"
        f'<body style="{STYLE}">\n<h1>{heading}</h1>\n<ul>\n{rows}</ul>\n</body>\n</html>\n',
    )


def _read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def _named(text, path, folder):
    """The title of a page; where it lies deeper, as pages of notebooks that are called alike, after its folder."""
    title = TITLE.search(text)
    named = unescape(title[1]).strip() if title else path.stem
    above = path.parent.relative_to(folder).as_posix()
    return escape(named if above == "." else f"{above}: {named}")
