"""Static figures in one language: each function draws one kind of figure and returns it.

Colours mean the same in every lesson (Okabe, Ito; safe for colour-blind readers), and never stand alone: lines are
labelled or dashed as well. Pictures share one grey scale, [-1, 1].

For slides (`python -m course slides --execute` sets COURSE_FIGURES to "slides") a figure that would leave room below it
is narrower, as high, and made of as many dots: beside what is drawn, its letters are larger, and can be read from the
last row. Titles have the size of all others there, so that they end where they did.
"""

import io
import os

from course.viz.pixels import grid_array, to_array

COLOURS = {
    "clean": "#0072B2",  # data, signal
    "noise": "#E69F00",
    "model": "#009E73",  # an answer, an estimate
    "truth": "#000000",  # exact, dashed
    "mistake": "#D55E00",
    "second": "#CC79A7",  # a second model
    "pale": "#999999",
}
_ORDER = ("model", "second", "clean", "noise", "mistake", "pale")
_PAGE, _SLIDE = 8.0, 6.1  # inches: over the 1184 pixels of a slide, letters of 9 points are 24 pixels high
_ROOM = 1184 / 620  # width over height of what a slide has for a figure
_POINTS = 9
_STYLES = ("-", (0, (6, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2, 2, 2)), (0, (4, 3)))


def panels(columns=1, rows=1, width=_PAGE, height=2.8, ratios=None):
    """An empty figure (size in inches) and its axes as a flat list, to draw into with `ax=`."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width * _narrow(height), height), dpi=160, layout="constrained", facecolor="white")
    return fig, fig.subplots(rows, columns, squeeze=False, width_ratios=ratios).flatten().tolist()


def _narrow(height):
    """The width of a figure of this height in inches, as a share of that which it has on a page."""
    return min(max(_SLIDE, _ROOM * height), _PAGE) / _PAGE if _for_slides() else 1.0


def _for_slides():
    return os.environ.get("COURSE_FIGURES") == "slides"


def _axes(ax, height, title, x_label="", y_label=""):
    """The axes to draw on, dressed: the given ones or those of a new figure."""
    if ax is None:
        ax = panels(height=height)[1][0]
    ax.set_title(title, loc="left", fontsize=11, wrap=True)
    ax.set(xlabel=x_label, ylabel=y_label)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _colour(roles, k):
    """The colour of the k-th thing drawn: that of its role, or the next in line. Raises ValueError for another role."""
    role = roles[k] if k < len(roles) else _ORDER[k % len(_ORDER)]
    if role not in COLOURS:
        raise ValueError(f"unknown role {role!r}; known: {', '.join(COLOURS)}")
    return COLOURS[role]


def pictures(rows, titles=(), labels=(), title="", ax=None):
    """Pictures in rows: `rows` is one (N, C, H, W) in [-1, 1] or a list of them, `titles` stand over the columns,
    `labels` before the rows. Values beyond [-1, 1] are shown as black and white."""
    rows = [rows] if hasattr(rows, "ndim") else list(rows)
    canvas = grid_array(rows)
    h, w = rows[0].shape[-2] + 1, rows[0].shape[-1] + 1
    above, share = 0.35 + 0.25 * bool(titles), canvas.shape[0] / canvas.shape[1]
    ax = _axes(ax, min(9.0, 7.2 * _narrow(7.2 * share + above) * share + above), title)
    ax.imshow(canvas, interpolation="nearest")
    ax.spines[:].set_visible(False)
    ax.set_xticks([(w * j + (w - 2) / 2) for j in range(len(titles))], titles, fontsize=9)
    ax.set_yticks([(h * i + (h - 2) / 2) for i in range(len(labels))], labels, fontsize=9)
    ax.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    return ax.figure


def _label_ends(ax, ends):
    """Write each line's name at its right end, pushed apart where they would overlap."""
    ax.autoscale_view()
    to_axes = ax.transData + ax.transAxes.inverted()
    placed = sorted((to_axes.transform((x, y))[1], name, colour) for x, y, name, colour in ends)
    gap, floor = 0.2 / ax.figure.get_figheight() / ax.get_position().height, -1.0
    for height, name, colour in placed:
        floor = max(height, floor + gap)
        ax.text(1.01, floor, name, color=colour, transform=ax.transAxes, va="center", fontsize=9)


def curves(x, ys, truth=None, band=None, dots=None, logx=False, logy=False, title="", x_label="", y_label="",
           roles=(), legend=False, ax=None):  # fmt: skip
    """Lines over x: `ys` and `truth` (black, dashed) map a name to its values, `band` a name of ys to (low, high),
    `dots` a name to (x, y) of measured points. `roles` picks the colours; names stand at the lines, or in a legend."""
    ax = _axes(ax, 3.0, title, x_label, y_label)
    ax.set(xscale="log" if logx else "linear", yscale="log" if logy else "linear")
    ends, x = [], to_array(x)
    for k, (name, y) in enumerate(ys.items()):
        colour, style = _colour(roles, k), _STYLES[k % len(_STYLES)] if legend or k > 3 else "-"
        ax.plot(x, to_array(y), color=colour, linestyle=style, linewidth=1.8, label=name)
        if band and name in band:
            ax.fill_between(x, *map(to_array, band[name]), color=colour, alpha=0.2, linewidth=0)
        ends.append((x[-1], to_array(y)[-1], name, colour))
    for name, y in (truth or {}).items():
        ends.append((x[-1], to_array(y)[-1], name, COLOURS["truth"]))
        ax.plot(x, to_array(y), color=COLOURS["truth"], linestyle="--", linewidth=1.4, label=name)
    for k, (name, (at, y)) in enumerate((dots or {}).items()):
        has_line = name in ys
        colour = ax.lines[list(ys).index(name)].get_color() if has_line else _colour((), k + 1)
        ax.plot(to_array(at), to_array(y), "o", color=colour, markersize=4.5, label=None if has_line else name)
        if not has_line:
            ends.append((to_array(at)[-1], to_array(y)[-1], name, colour))
    if legend:
        ax.legend(frameon=False, fontsize=9)
    else:
        _label_ends(ax, ends)
    return ax.figure


def bars(values, errors=None, truth=None, roles=(), title="", x_label="", y_label="", digits=None, ax=None):
    """One bar for each name in `values`; `errors` maps names to half-widths, `truth` is (name, level), drawn dashed.
    `digits` writes each value over its bar."""
    ax = _axes(ax, 2.8, title, x_label, y_label)
    names, heights = list(values), [float(v) for v in values.values()]
    colours = [_colour(roles or ["model"] * len(names), k) for k in range(len(names))]
    drawn = ax.bar(
        range(len(names)),
        heights,
        yerr=[float(errors[n]) for n in names] if errors else None,
        color=colours,
        capsize=3,
        width=0.7,
    )
    ax.set_xticks(range(len(names)), names, fontsize=9)
    if digits is not None:
        ax.bar_label(drawn, fmt=f"{{:.{digits}f}}", fontsize=9, padding=2)
    if truth:
        level = float(truth[1])
        ax.axhline(level, color=COLOURS["truth"], linestyle="--", linewidth=1.4)
        ax.annotate(truth[0], (1.01, level), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    return ax.figure


def points(clouds, roles=(), limit=None, title="", size=3, ax=None):
    """Clouds of points on a plane: `clouds` maps a name to (N, 2). `limit` is the half-width of the square shown."""
    ax = _axes(ax, 3.2, title)
    for k, (name, cloud) in enumerate(clouds.items()):
        colour = _colour(roles, k)
        ax.scatter(*to_array(cloud).T, s=size, color=colour, marker="ox+^sv"[k % 6], linewidths=0.5, label=name)
    if len(clouds) > 1:
        ax.legend(frameon=False, fontsize=9, markerscale=2)
    ax.set_aspect("equal")
    if limit:
        limit = float(limit)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
    return ax.figure


def _even_letters(fig):
    """Make letters that are larger than the small ones as small, those of the ticks, too."""
    from matplotlib.text import Text

    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            if any(label.get_fontsize() > _POINTS for label in axis.get_ticklabels()):
                axis.set_tick_params(labelsize=_POINTS)
    for text in fig.findobj(Text):
        text.set_fontsize(min(text.get_fontsize(), _POINTS))


def to_png(fig, dpi=160):
    """A figure as PNG bytes."""
    if _for_slides():
        _even_letters(fig)
        dpi *= _PAGE / max(fig.get_figwidth(), _SLIDE)
    fig.savefig(buffer := io.BytesIO(), format="png", dpi=dpi)
    return buffer.getvalue()
