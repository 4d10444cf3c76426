"""`python -m course doctor`: what this machine has, what is missing, and how to mend it."""

from course.commands.doctor import installation, kept, machine, shipped
from course.commands.doctor.finding import Finding, count, why

__all__ = ["Finding", "add_to", "findings", "main", "report"]


def add_to(commands):
    """Add `doctor` to the commands of the parser."""
    doctor = commands.add_parser(
        "doctor",
        help="say what this machine has, with a fix for each fault",
        description="Say what this machine has. The exit status is 1 where a fault stops the quick lessons.",
        epilog="example: python -m course doctor",
    )
    doctor.set_defaults(main=main)


def main(_):
    """Look and report."""
    found = findings()
    print(report(found))
    return int(any(finding.stops for finding in found))


PROBES = (
    *(installation.python, installation.packages, installation.torchvision, installation.lab),
    *(machine.gpu, machine.processor, machine.memory, machine.disk, shipped.files, shipped.sets),
    *(kept.answers, kept.marking, machine.downloads),
)


def findings():
    """All that is found on this machine, as a list of Finding; prints nothing. Takes some seconds: it imports torch."""
    return [finding for probe in PROBES for finding in _survived(probe)]


def _survived(probe):
    """What a probe finds; where it breaks itself, that it did, so that the others are heard."""
    try:
        return probe()
    except Exception as error:
        name = f"{probe.__module__.rpartition('.')[2]}, {probe.__name__}"
        return [Finding(name, "note", f"not looked at: {why(error)}")]


def report(found):
    """Findings as text: one line each, a fix below each fault, and a verdict."""
    width = max(len(finding.name) for finding in found)
    lines = []
    for finding in found:
        lines.append(f"{finding.status:<5}  {finding.name:<{width}}  {finding.text}")
        if finding.fix:
            lines.append(f"{'':<5}  {'':<{width}}  fix: {finding.fix}")
    faults = sum(finding.status == "fault" for finding in found)
    stops = sum(finding.stops for finding in found)
    if stops:
        verdict = f"{count(stops, 'fault')} to mend before the quick lessons run; begin with the first."
    elif faults:
        verdict = f"The quick lessons run here; {count(faults, 'fault')} can wait."
    else:
        verdict = "The quick lessons run here."
    return "\n".join([*lines, "", verdict])
