"""`python -m course variant`: ask the numbers of one student in questions that vary."""

import os

from course.commands import UserError


def add_to(commands):
    """Add `variant` to the commands of the parser."""
    variant = commands.add_parser(
        "variant",
        usage="python -m course variant [SECRET --name NAME | --forget]",
        help="your own numbers in questions that vary",
        description="From now on, questions that vary ask your own numbers, which follow from a secret of your class "
        "and your name: type both as your teacher has them. The same two give the same numbers for ever. Without "
        "arguments, say whose numbers are asked. COURSE_VARIANT=SECRET/NAME does the same, and goes before.",
        epilog='example: python -m course variant spring-27 --name "Kim Minji"',
    )
    variant.add_argument("secret", nargs="?", metavar="SECRET", help="what your class was told; without a slash")
    variant.add_argument("--name", metavar="NAME", help="your name, as your teacher has it")
    variant.add_argument("--forget", action="store_true", help="ask the standard numbers again")
    variant.set_defaults(main=main)


def main(chosen):
    """Choose, forget or tell a variant. Raises UserError where the words do not fit, or nothing can be kept."""
    from course.teaching.language import say
    from course.teaching.quiz import variants

    if (chosen.secret is None) != (chosen.name is None) or (chosen.forget and chosen.name is not None):
        raise UserError("either SECRET and --name, or --forget alone", code=2)
    changes = chosen.forget or chosen.secret is not None
    if changes and os.environ.get("COURSE_VARIANT"):
        raise UserError("COURSE_VARIANT is set and goes before what is chosen here: unset it first")
    try:
        if chosen.forget:
            variants.forget()
        elif changes:
            variants.choose(chosen.secret, chosen.name)
        found = variants.mine()
        print(say("variant.whose", name=found[1]) if found else say("variant.none"))
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from error
    return 0
