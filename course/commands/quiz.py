"""`python -m course quiz --validate`: is every question file sound?"""

from pathlib import Path


def add_to(commands):
    """Add `quiz` to the commands of the parser."""
    quiz = commands.add_parser(
        "quiz",
        help="check the files of questions",
        description="Check the files of questions: each fault is named with its file, its line and the reason.",
        epilog="example: python -m course quiz --validate quizzes/02_forward_process.yaml",
    )
    quiz.add_argument("--validate", action="store_true", required=True, help="check, and change nothing")
    quiz.add_argument("files", nargs="*", type=Path, metavar="FILE", help="which files (default: those of the course)")
    quiz.set_defaults(main=main)


def main(chosen):
    """Validate; returns 0 where every file is sound, else 1."""
    from course import env
    from course.teaching.quiz.validate import unsaid, validate

    files = chosen.files or sorted(env.shipped("quizzes").glob("*.yaml"))
    found = [fault for path in files for fault in validate(path)]
    number = "1 file" if len(files) == 1 else f"{len(files)} files"
    if found:
        print("\n".join(found))
        return 1
    counts = {path.stem: unsaid(path) for path in files}
    print(f"{number}, no fault")
    if missing := {name: none for name, (_, none) in counts.items() if none}:
        every = sum(texts for texts, _ in counts.values())
        print(
            f"not in Korean yet: {sum(missing.values())} of {every} words of exercises ("
            + ", ".join(f"{name[:2]}: {none}" for name, none in missing.items())
            + ")"
        )
    return 0
