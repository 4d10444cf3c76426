"""`python -m course lessons FOLDER`: copies of the lessons to work in, where those of the course cannot be changed."""

from pathlib import Path

from course.commands import UserError, write_out


def add_to(commands):
    """Add `lessons` to the commands of the parser."""
    lessons = commands.add_parser(
        "lessons",
        help="copy the lessons into a folder of yours",
        description="Copy the lessons into a folder of yours, so that the course stays as it is. A lesson that lies "
        "there already is left alone.",
        epilog="example: python -m course lessons ~/lessons",
    )
    lessons.add_argument("folder", type=Path, metavar="FOLDER", help="where the copies go")
    lessons.set_defaults(main=main)


def main(chosen):
    """Copy what is not there yet, and say what. Raises UserError where there is nothing to copy, or no room."""
    from course.commands.publish.run import find

    folder = chosen.folder.expanduser()
    below = {path: folder / ("further" if path.parent.name == "further" else "") / path.name for path in find([])}
    new = {path: copy for path, copy in below.items() if not copy.exists()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}; choose another") from error
    for path, copy in new.items():
        copy.parent.mkdir(exist_ok=True)
        write_out(copy, path.read_bytes())
    print(f"{len(new)} lesson{'s' * (len(new) != 1)} copied into {folder}; what was there already is as it was")
    return 0
