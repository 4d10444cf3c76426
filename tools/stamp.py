"""Write into every lesson what must be the same in all of them, setup cell and Colab badge, and list what ships.

    python tools/stamp.py            # write
    python tools/stamp.py --check    # change nothing; exit 1 and name the files that differ

The list, data/manifest.json, says of each file that the wheel carries beside its modules how `doctor` knows it again.
Cell and badge come from one place each: tools/setup_cell.py, and `Repository` under [project.urls] in pyproject.toml.
Without that address the badge stays empty and the setup cell knows no source but the variable COURSE_REPO.
"""

import json
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlparse

import nbformat
from hatchling.builders.wheel import WheelBuilder

from course.commands.doctor import shipped
from course.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = 'os.environ.get("COURSE_REPO", "")'
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"


def repository(pyproject):
    """The address under [project.urls] Repository in the text of a pyproject.toml, or ''."""
    return tomllib.loads(pyproject)["project"].get("urls", {}).get("Repository", "").removesuffix("/")


def setup_cell(address):
    """The source of the setup cell for a repository at `address` ('' where none is known)."""
    text = (ROOT / "tools/setup_cell.py").read_text(encoding="utf-8").rstrip("\n")
    if text.count(UNKNOWN) != 1:
        raise ValueError(f"tools/setup_cell.py must hold {UNKNOWN} once")
    return text.replace(UNKNOWN, f'os.environ.get("COURSE_REPO", "{address}")')


def badge_cell(address, lesson):
    """The Markdown of a lesson's badge; a comment unless the repository is on GitHub, the one that Colab opens."""
    if urlparse(address).netloc != "github.com":
        return "<!-- A badge stands here once the repository is public. -->"  # Jupyter shows an empty cell as a prompt
    path = urlparse(address).path.strip("/").removesuffix(".git")
    target = f"https://colab.research.google.com/github/{path}/blob/main/notebooks/{lesson}"
    return f"[![Open in Colab]({BADGE})]({target})"


def stamped(notebook, lesson, address):
    """The notebook with both cells as they should be; raises ValueError where one is missing or twice there."""
    for tag, kind, source in (
        ("setup", "code", setup_cell(address)),
        ("badge", "markdown", badge_cell(address, lesson)),
    ):
        cells = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
        if [cell.cell_type for cell in cells] != [kind]:
            raise ValueError(f"{lesson}: needs exactly one {kind} cell tagged {tag!r}")
        cells[0].source = source
        if tag == "setup":  # no lesson begins with plumbing: Jupyter shows it folded
            cells[0].metadata["jupyter"] = {"source_hidden": True}
    return notebook


def manifest():
    """The text of data/manifest.json: what the wheel carries and is read, so neither modules nor words about files."""
    files = {Path(file.path).relative_to(ROOT).as_posix() for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    read = sorted(name for name in files - {shipped.MANIFEST} if not name.endswith((".py", ".md", "LICENSE.txt")))
    lines = [f"{json.dumps(name)}: {json.dumps(shipped.mark((ROOT / name).read_bytes()))}" for name in read]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(check):
    address = repository((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    stale = []
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        before, name = nbformat.read(path, as_version=4), path.relative_to(ROOT / "notebooks").as_posix()
        after = stamped(nbformat.read(path, as_version=4), name, address)
        if after != before:
            stale.append(path.name)
            if not check:
                write_whole(path, nbformat.writes(after) + "\n")
    listed, place = manifest(), ROOT / shipped.MANIFEST
    if not place.exists() or place.read_text(encoding="utf-8") != listed:
        stale.append(place.name)
        if not check:
            write_whole(place, listed)
    if stale:
        print(f"{'differ from' if check else 'stamped by'} tools/stamp.py: {', '.join(stale)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
