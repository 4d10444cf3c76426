"""The benchmark's figure: how fast each network learns, and how good it is after how long."""

import math
import statistics

from measuring import ratios

from course import viz

SHOWN = {"float32": "clean", "bfloat16": "model"}  # ours by precision, and the colour


def runs(rows):
    """The curves of ours, {precision: [curve of each seed]}, as far as they are measured."""
    found = {}
    for name, row in rows.items():
        precision = name.rpartition("-")[0]
        if precision in SHOWN and row.get("curve"):
            found.setdefault(precision, []).append(row["curve"])
    return found


def medians(rows):
    """How long ours took to the baseline's last distance, as texts, one for each precision."""
    said = []
    for precision in SHOWN:
        found = [row["seconds"] for name, row in rows.items() if name.startswith(precision) and "curve" in row]
        if found:
            second = statistics.median(math.inf if s is None else s for s in found)
            said.append(f"{precision} " + (f"{second:.0f} s" if second < math.inf else "does not get there"))
    return said


def at(curve, seconds):
    """The distance of a curve read at other seconds, straight between its points on logarithmic axes; NaN outside."""
    found = []
    for s in seconds:
        value = math.nan
        for (s0, _, d0, _), (s1, _, d1, _) in zip(curve, curve[1:] or curve, strict=False):
            if s0 <= s <= s1:
                share = (math.log(s) - math.log(s0)) / (math.log(s1) - math.log(s0)) if s1 > s0 else 0.0
                value = math.exp(math.log(d0) + share * (math.log(d1) - math.log(d0)))
        found.append(value)
    return found


def speed(result, ax):
    """Bars: training speed over the baseline's on as many threads, with the lowest and highest round."""
    found = {name: r for name, r in ratios(result).items() if result["against"][name] != name}
    values = {name.replace(", ", "\n"): r[0] for name, r in found.items()}
    roles = [SHOWN["bfloat16" if "bfloat16" in name else "float32"] for name in found]
    viz.bars(
        values,
        truth=("baseline", 1),
        roles=roles,
        title="Training speed, times the baseline's",
        y_label="ratio of images/s",
        ax=ax,
    )
    below, above = [r[0] - r[1] for r in found.values()], [r[2] - r[0] for r in found.values()]
    ax.errorbar(range(len(found)), list(values.values()), yerr=[below, above], fmt="none", ecolor="black", capsize=3)
    for k, (median, _, high) in enumerate(found.values()):
        ax.annotate(f"{median:.1f}", (k, high), (0, 4), textcoords="offset points", ha="center", fontsize=9)


def quality(rows, ax):
    """Lines: distance over seconds of training, both networks; ours the first seed's, dots for all seeds."""
    base, found = rows["baseline"], runs(rows)
    lines = {"the best-known course's": base["curve"]}
    lines |= {f"ours, {precision}": found[precision][0] for precision in SHOWN if precision in found}
    dots = {
        f"ours, {precision}": [point for curve in found[precision] for point in curve]
        for precision in SHOWN
        if precision in found
    }
    dots["the best-known course's"] = base["curve"]
    x = sorted({second for curve in lines.values() for second, *_ in curve})
    viz.curves(
        x,
        {name: at(curve, x) for name, curve in lines.items()},
        truth={"real, held-out pictures": [base["floor"]] * len(x)},
        dots={name: list(zip(*points, strict=True))[0:3:2] for name, points in dots.items()},
        logx=True,
        logy=True,
        roles=["second", *(SHOWN[precision] for precision in SHOWN if precision in found)],
        legend=True,
        title="Distance to MNIST after so much training",
        x_label="seconds of training",
        y_label="Frechet distance",
        ax=ax,
    )


def draw(rows):
    """The figure of all that is measured, as PNG bytes, and what it shows in words; None where there is nothing."""
    has_speed, has_quality = ("numbers" in rows.get("speed", {})), bool(rows.get("baseline", {}).get("curve"))
    if not has_speed and not has_quality:
        return None
    fig, axes = viz.panels(has_speed + has_quality, width=5.2 * (has_speed + has_quality), height=3.6)
    said = []
    if has_speed:
        speed(rows["speed"], axes[0])
        best = max(r[0] for r in ratios(rows["speed"]).values())
        said.append(f"Bars: training speed of the course's network over the baseline's, up to {best:.1f} times.")
    if has_quality:
        quality(rows, axes[-1])
        whole, _, target, _ = rows["baseline"]["curve"][-1]
        said.append(
            f"Lines: Frechet distance over seconds of training. The baseline takes {whole:.0f} s to {target:.1f};"
        )
        said[-1] += f" ours, in the median of its seeds: {'; '.join(medians(rows)) or 'not measured'}."
    return viz.to_png(fig), " ".join(said)
