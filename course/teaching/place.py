"""Where what a learner does is kept, and what lies beside it. No torch is needed."""

import os
from pathlib import Path


def place():
    """The file of what is done: COURSE_PROGRESS where that is set, else in the user's data folder.

    Raises OSError where the user has no home folder, as in some containers.
    """
    asked = os.environ.get("COURSE_PROGRESS")
    try:
        if asked:
            return Path(asked).expanduser()
        from platformdirs import user_data_path

        return user_data_path("noise-to-images").expanduser() / "progress.sqlite3"
    except RuntimeError as error:
        raise OSError("no home folder was found; set COURSE_PROGRESS to a file that can be written") from error


def beside(end):
    """The file beside it whose name ends in `.end`. Raises OSError."""
    path = place()
    return path.with_name(f"{path.name}.{end}")
