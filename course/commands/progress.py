"""`python -m course progress`: what you have done, where to go on, and what to repeat."""


def add_to(commands):
    """Add `progress` to the commands of the parser."""
    progress = commands.add_parser(
        "progress",
        help="what you have done, and where to go on",
        description="Show what is right so far, lesson by lesson, what is open where you go on, and what to repeat.",
    )
    progress.set_defaults(main=main)


def main(chosen):
    """Print the overview. Raises UserError where it cannot be read."""
    from course.commands import UserError
    from course.teaching import events
    from course.teaching.language import say
    from course.teaching.overview import overview

    try:
        found = overview()
        said = f"{found}\n{say('progress.place', path=events.place())}"
    except (OSError, ValueError) as error:  # a place that cannot be read, a language that the course does not speak
        raise UserError(str(error)) from error
    print(said)
    return 0
