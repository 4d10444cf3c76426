"""What the benchmark found, as a page: docs/benchmark.md with its figure, written anew after every row."""

import statistics

import figure
from measuring import ratios

from course.commands import write_out

TITLES = {
    "speed": "Training speed",
    "threads": "Two threads against one",
    "parts": "What layout and precision alone would bring the baseline",
    "memory": "Memory of a training step",
    "sampler": "What a sampler adds to the network's calls",
    "exact": "Walks with the exact denoiser",
    "gpu": "On a GPU",
}
SAMPLER_TARGET = 1.05
TIMES_TARGET = {"float32": 8, "bfloat16": 15}
WISHED = 20
HEAD = """# What the course costs, measured

Written by `benchmarks/bench.py`; do not edit. `make bench` measures the quick rows (at most 20 minutes),
`python benchmarks/bench.py --full` also the time to quality (at most 150 minutes); both go on where they stopped.

Every figure is a **ratio**: the contenders took turns in every round of one run, each is divided by the usual one of
the same round, and the table shows the median with the lowest and the highest round. Absolute values stand beside it;
they are noisy, and change with the machine and with what else it does.

**The baseline** is the network of the best-known course on diffusion models: diffusers' `UNet2DModel` for pictures of
28 x 28, two layers a block, channels 32, 64, 64, attention on the two lower levels, 1.7 million weights; batch 128,
Adam with 1e-3, float32. **Ours** is `course.nets.UNet` with the recipe of `python -m course train`, without labels.
"""


def number(value):
    """A number in three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def times(ratio):
    """A ratio: a small one in thousandths, as a part may be that small, and so may what a target allows."""
    return f"{ratio:.3f}" if ratio < 2 else f"{ratio:.2f}"


def spread(values):
    """Median, lowest and highest of a list as text."""
    return f"{number(statistics.median(values))} ({number(min(values))} to {number(max(values))})"


def table(result):
    """A comparing row as a Markdown table."""
    several = len(set(result["against"].values())) > 1
    lines = [f"| | ratio | lowest to highest |{' to |' if several else ''} {result['unit']}, median, noisy |"]
    lines.append("|---|---:|---:|" + ("---|" if several else "") + "---:|")
    for name, (middle, low, high) in ratios(result).items():
        usual = f" {result['against'][name]} |" if several else ""
        absolute = number(statistics.median(result["numbers"][name]))
        lines.append(f"| {name} | {times(middle)} | {times(low)} to {times(high)} |{usual} {absolute} |")
    return "\n".join(lines)


def comparing(name, result):
    """The section of a comparing row."""
    rounds = len(next(iter(result["numbers"].values())))
    parts = [f"{result['text']} {rounds} rounds; {result['better']} is better."]
    parts.append(table(result))
    if name == "sampler":
        parts.append(sampler_verdict(result))
    if "profile" in result:
        parts.append("What the extra is made of (operations by their own time):\n\n```\n" + result["profile"] + "\n```")
    if "flops" in result:
        parts.append(gpu_share(result))
    return "\n\n".join(parts)


def sampler_verdict(result):
    """Whether a walk of ddim is within its target."""
    name = next(name for name in result["numbers"] if name.startswith("ddim,"))
    ratio = ratios(result)[name][0]
    verdict = "met" if ratio <= SAMPLER_TARGET else "missed"
    return f"Target: at most {SAMPLER_TARGET:.2f} times the calls. **{verdict.capitalize()}**: {ratio:.3f}."


def gpu_share(result):
    """The share of the chip's peak that each contender reaches, from counted operations."""
    lines = [
        f"Counted: {number(result['flops'][who] / 1e6)} MFLOP a picture and step ({who})." for who in result["flops"]
    ]
    if result["peak"] is None:
        return " ".join([*lines, "The peak of this GPU is not known."])
    for name, speeds in result["numbers"].items():
        share = statistics.median(speeds) * result["flops"][name.split(",")[0]] / result["peak"]
        lines.append(f"{name}: {share:.1%} of the half-precision peak.")
    return " ".join(lines)


def sooner(rows, precision):
    """How many times sooner ours was as near as the baseline, one number a seed, None where it was not."""
    whole = rows["baseline"]["curve"][-1][0]
    found = [row for name, row in rows.items() if name.rpartition("-")[0] == precision and "curve" in row]
    return [whole / row["seconds"] if row["seconds"] else None for row in found]


def way(rows):
    """Both networks on their way, ours that of the first seeds."""
    runs = {"baseline": rows["baseline"]}
    runs |= {f"ours, {name.removesuffix('-0')}": row for name, row in rows.items() if name.endswith("-0")}
    lines = ["| | after | steps | distance | loss |", "|---|---:|---:|---:|---:|"]
    for name, row in runs.items():
        lines += [f"| {name} | {at[0]:.0f} s | {at[1]} | {at[2]:.2f} | {at[3]:.4f} |" for at in row.get("curve", ())]
    return "\n".join(lines)


def quality(rows):
    """The section about time to quality."""
    base = rows["baseline"]
    whole, _, distance, _ = base["curve"][-1]
    parts = [
        f"Distance: Frechet, of {base['samples']:,} samples (20 steps of DDIM, the same x_T for all; for the baseline "
        "with and without clipping the guess of x_0, whichever is better) in the features of the shipped classifier, "
        f"to those of {base['reference']:,} training pictures; as many held-out real pictures score "
        f"{base['floor']:.2f}. Loss: mean squared error of eps on the held-out pictures, over all noise levels. "
        f"The baseline trains for {whole:.0f} s, once; ours is measured now and then until its averaged weights are as "
        "near, the first seed to the end of its plan. These runs are too long to take turns, so they are counted in "
        "steps, and a step costs what it cost above, where both took turns on "
        f"{base['threads']} threads. What measuring costs is not counted."
    ]
    lines = [
        "| ours | seconds to the baseline's last distance, by seed | times sooner | target | |",
        "|---|---|---:|---:|---|",
    ]
    for precision, least in TIMES_TARGET.items():
        ratio = sooner(rows, precision)
        if not ratio:
            lines.append(f"| {precision} | not measured | | {least} | |")
            continue
        taken = ", ".join(f"{whole / r:.0f}" if r else "not reached" for r in ratio)
        good = sorted(r for r in ratio if r)
        shown = spread(good) if good else "none"
        lines.append(f"| {precision} | {taken} | {shown} | {least} | {verdict(ratio, least)} |")
    parts.append("\n".join(lines))
    parts.append(
        f"Target: {TIMES_TARGET['float32']} times sooner in float32, {TIMES_TARGET['bfloat16']} in bfloat16; {WISHED} "
        f"are wished. The baseline's last distance is {distance:.2f}. A distance far above the floor is that of torn "
        "pictures: where the baseline's is, being sooner there says little, and the two curves below say more. The "
        "loss counts all noise levels alike; the samples ask most of the high ones."
    )
    parts.append(way(rows))
    return "\n\n".join(parts)


def verdict(ratio, least):
    """Whether the median seed is within a target; a seed that never got there counts as zero times."""
    middle = statistics.median(r or 0.0 for r in ratio)
    return "beyond the wish" if middle >= WISHED else "met" if middle >= least else "missed"


def page(here, rows, picture=None, rehearsed=None):
    """The whole page as Markdown; `picture` says what the figure shows, `rehearsed` is the share of a rehearsal."""
    gpu = here["gpu"] or "no GPU"
    text = f"**Machine**: {here['processor']}, {here['cores']} cores, {here['GiB']} GiB, {here['system']}; "
    text += f"torch {here['torch']}, diffusers {here['diffusers']}, Python {here['python']}; {gpu}. "
    text += "Each row names its threads. Before a row, other programs used at most "
    text += f"{max(row['busy'] for row in rows.values()):.0%} of it."
    dates = sorted(row["date"] for row in rows.values())
    text += f"\n\n**Measured**: {dates[0]}" + (f" to {dates[-1]}" if dates[-1] != dates[0] else "") + "."
    if rehearsed:
        text += f"\n\n**A rehearsal** with {rehearsed:g} of all rounds, seconds and pictures: its figures say nothing."
    sections = [HEAD, text] + ([f"![{picture}](benchmark.png)"] if picture else [])
    for name, row in rows.items():
        if name in TITLES:
            body = f"Not measured: {row['skipped']}." if "skipped" in row else comparing(name, row)
            sections.append(f"## {TITLES[name]}\n\n{body}")
    if "curve" in rows.get("baseline", {}):
        sections.append(f"## Time to quality\n\n{quality(rows)}")
    elif "baseline" in rows:
        sections.append(f"## Time to quality\n\nNot measured: {rows['baseline']['skipped']}.")
    return "\n\n".join(section.strip() for section in sections) + "\n"


def write(here, rows, folder, rehearsed=None):
    """Write benchmark.md and benchmark.png of these rows into a folder."""
    drawn = figure.draw(rows)
    if drawn:
        write_out(folder / "benchmark.png", drawn[0])
    write_out(folder / "benchmark.md", page(here, rows, drawn[1] if drawn else None, rehearsed))
