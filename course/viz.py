"""Static figures in one language: each function draws one kind of figure and returns it; `show` puts it on the page.

Colours mean the same in every lesson (Okabe, Ito; safe for colour-blind readers), and never stand alone: lines are
labelled or dashed as well. Pictures share one grey scale, [-1, 1].
"""

import base64
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

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
_STYLES = ("-", "-", "-", "-", (0, (4, 1)), (0, (1, 1)))


def panels(columns=1, rows=1, width=8.0, height=2.8, ratios=None):
    """An empty figure (size in inches) and its axes as a flat list, to draw into with `ax=`."""
    fig = Figure(figsize=(width, height), dpi=160, layout="constrained", facecolor="white")
    axes = fig.subplots(rows, columns, squeeze=False, width_ratios=ratios).flatten().tolist()
    return fig, axes


def _axes(ax, height, title, x_label="", y_label=""):
    """The axes to draw on, dressed: the given ones or those of a new figure."""
    if ax is None:
        ax = panels(height=height)[1][0]
    ax.set_title(title, loc="left", fontsize=11, wrap=True)
    ax.set(xlabel=x_label, ylabel=y_label)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _array(values):
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=float)


def grid_array(rows, gap=1):
    """Rows of pictures, each (N, C, H, W) in [-1, 1], as one white-spaced array (height, width, 3) in [0, 1].

    C is 1 or 3. Raises ValueError for anything else, and for pictures of different sizes.
    """
    if not rows or any(hasattr(row, "dtype") and "int" in str(row.dtype) for row in rows):
        raise TypeError("rows must be one or more floating point pictures in [-1, 1]; divide bytes by 127.5, less 1")
    rows = [_array(row) for row in rows]
    if any(row.ndim != 4 or row.shape[1] not in (1, 3) or row.shape[1:] != rows[0].shape[1:] for row in rows):
        raise ValueError(f"rows must be (N, 1 or 3, H, W) of one size, but are {[row.shape for row in rows]}")
    _, _, h, w = rows[0].shape
    columns = max(len(row) for row in rows)
    canvas = np.ones((len(rows) * (h + gap) - gap, columns * (w + gap) - gap, 3))
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = i * (h + gap), j * (w + gap)
            canvas[top : top + h, left : left + w] = picture.clip(-1, 1).transpose(1, 2, 0) / 2 + 0.5
    return canvas


def pictures(rows, titles=(), labels=(), title="", ax=None):
    """Pictures in rows: `rows` is one (N, C, H, W) in [-1, 1] or a list of them, `titles` stand over the columns,
    `labels` before the rows. Values beyond [-1, 1] are shown as black and white."""
    rows = [rows] if hasattr(rows, "ndim") else list(rows)
    canvas = grid_array(rows)
    h, w = rows[0].shape[-2] + 1, rows[0].shape[-1] + 1
    ax = _axes(ax, min(9.0, 7.2 * canvas.shape[0] / canvas.shape[1] + 0.35 + 0.25 * bool(titles)), title)
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
    if logx:
        ax.set_xscale("log")
    if logy:
        ax.set_yscale("log")
    ends, x = [], _array(x)
    for k, (name, y) in enumerate(ys.items()):
        colour = COLOURS[roles[k] if k < len(roles) else _ORDER[k % len(_ORDER)]]
        ax.plot(x, _array(y), color=colour, linestyle=_STYLES[k % len(_STYLES)], linewidth=1.8, label=name)
        if band and name in band:
            ax.fill_between(x, *map(_array, band[name]), color=colour, alpha=0.2, linewidth=0)
        ends.append((x[-1], _array(y)[-1], name, colour))
    for name, y in (truth or {}).items():
        ax.plot(x, _array(y), color=COLOURS["truth"], linestyle="--", linewidth=1.4, label=name)
        ends.append((x[-1], _array(y)[-1], name, COLOURS["truth"]))
    for k, (name, (at, y)) in enumerate((dots or {}).items()):
        colour = (
            COLOURS[_ORDER[(k + 1) % len(_ORDER)]] if name not in ys else ax.lines[list(ys).index(name)].get_color()
        )
        ax.plot(_array(at), _array(y), "o", color=colour, markersize=4.5, label=name if name not in ys else None)
        if name not in ys and not legend:
            ends.append((_array(at)[-1], _array(y)[-1], name, colour))
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
    colours = [COLOURS[roles[k] if k < len(roles) else "model"] for k in range(len(names))]
    spread = [float(errors[name]) for name in names] if errors else None
    drawn = ax.bar(range(len(names)), heights, yerr=spread, color=colours, capsize=3, width=0.7)
    ax.set_xticks(range(len(names)), names, fontsize=9)
    if digits is not None:
        ax.bar_label(drawn, fmt=f"{{:.{digits}f}}", fontsize=9, padding=2)
    if truth:
        ax.axhline(truth[1], color=COLOURS["truth"], linestyle="--", linewidth=1.4)
        ax.annotate(truth[0], (1.01, truth[1]), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    return ax.figure


def points(clouds, roles=(), limit=None, title="", size=3, ax=None):
    """Clouds of points on a plane: `clouds` maps a name to (N, 2). `limit` is the half-width of the square shown."""
    ax = _axes(ax, 3.2, title)
    for k, (name, cloud) in enumerate(clouds.items()):
        colour = COLOURS[roles[k] if k < len(roles) else _ORDER[k % len(_ORDER)]]
        ax.scatter(*_array(cloud).T, s=size, color=colour, marker="ox+^sv"[k % 6], linewidths=0.5, label=name)
    if len(clouds) > 1:
        ax.legend(frameon=False, fontsize=9, markerscale=2)
    ax.set_aspect("equal")
    if limit:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
    return ax.figure


def to_png(fig, dpi=160):
    """A figure as PNG bytes."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def grid_image(x, columns=8, scale=4):
    """Pictures x (N, C, H, W) in [-1, 1] as one PIL image, row by row, each pixel `scale` screen pixels wide."""
    canvas = (grid_array([x[k : k + columns] for k in range(0, len(x), columns)]) * 255).round().astype(np.uint8)
    image = Image.fromarray(canvas)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def animate(states, columns=8, scale=4, ms=60, rest=1500):
    """States (N, C, H, W), in order, as the bytes of a GIF; a frame lasts `ms`, the last one `rest` milliseconds."""
    frames = [grid_image(x, columns, scale) for x in states]
    if not frames:
        raise ValueError("an animation needs at least one state")
    buffer, times = io.BytesIO(), [ms] * (len(frames) - 1) + [rest]
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return buffer.getvalue()


def show(fig, alt):
    """Put a figure, or the bytes of a PNG or GIF, on the page, with `alt`, what it shows, for those who do not see it.

    Raises ValueError where alt is empty.
    """
    from html import escape

    from IPython.display import display

    if not alt.strip():
        raise ValueError("alt must say what a sighted reader would take from the figure")
    data = fig if isinstance(fig, bytes) else to_png(fig)
    kind = "gif" if data.startswith(b"GIF") else "png"
    width = "" if isinstance(fig, bytes) else f" width={fig.get_figwidth() * 100:.0f}"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    style = "max-width:100%;background:#fff"
    html = f'<img src="{source}" alt="{escape(alt, quote=True)}"{width} style="{style}">'
    display({"text/html": html, "text/plain": f"[figure] {alt}"}, raw=True)
