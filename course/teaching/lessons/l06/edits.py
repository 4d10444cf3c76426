"""Lesson 06: where image to image starts, and how inpainting keeps what is known."""

import torch

from course.forward import q_sample
from course.schedules import Schedule, linear, scaled_linear
from course.teaching.exercises.spec import Case, Exercise, as_given, coarse, column, normal


def mixed(a, z0, eps):
    """Latents z0, noised with eps to where alpha_bar is a."""
    return a.sqrt() * z0 + (1 - a).sqrt() * eps


def variances(a, z0, eps):
    """The same with variances where stds belong."""
    return a * z0 + (1 - a) * eps


def exchanged(a, z0, eps):
    """The same with the two weights exchanged."""
    return (1 - a).sqrt() * z0 + a.sqrt() * eps


def _whole(n, strength):
    return n - min(int(n * strength), n)


def _start(index=lambda grid, strength: _whole(len(grid) - 1, strength), mix=mixed,
           read=lambda table, grid, k: table[grid[k]], first=lambda grid, k: k):  # fmt: skip
    """my_img2img_start with one part exchanged."""

    def fn(alpha_bar, z0, grid, strength, eps):
        k = index(grid, strength)
        return first(grid, k), mix(read(alpha_bar, grid, k), z0, eps)

    return fn


def _nearest(grid, strength):
    """The place of the time that is nearest to strength times T."""
    return int((grid - strength * grid[0]).abs().argmin())


def _cross_fade(alpha_bar, z0, grid, strength, eps):
    return _whole(len(grid) - 1, strength), (1 - strength) * z0 + strength * eps


def _blend(known=mixed, join=lambda m, z, q: m * z + (1 - m) * q, read=lambda table, s: table[s], shape=column):
    """my_inpaint_blend with one part exchanged."""

    def fn(alpha_bar, z, z0, s, eps, mask):
        return join(mask, z, known(shape(read(alpha_bar, s), z), z0, eps))

    return fn


def _all_noised(alpha_bar, z, z0, s, eps, mask):
    return mixed(column(alpha_bar[s], z), mask * z + (1 - mask) * z0, eps)


def img2img_start(alpha_bar, z0, grid, strength, eps):
    """Where image to image starts on a falling grid (n + 1,), and the latents z0 (B, ...), noised to that time."""
    n = len(grid) - 1
    index = n - min(int(n * strength), n)
    return index, q_sample(Schedule(alpha_bar), z0, grid[index], eps)


def inpaint_blend(alpha_bar, z, z0, s, eps, mask):
    """z (B, ...) where the mask is 1, and where it is 0 the known z0, noised to the time s (B,) that z has reached."""
    return mask * z + (1 - mask) * q_sample(Schedule(alpha_bar), z0, s, eps)


def _uneven(T, n):
    """A grid of n steps from T to 0 that walk further where there is more noise."""
    return (T * torch.linspace(1, 0, n + 1, dtype=torch.float64) ** 1.7).round().long()


def _disc(generator, B, side):
    """Pictures (B, 1, side, side) of one bright disc each, float64."""
    axis = torch.linspace(-1, 1, side, dtype=torch.float64)
    x, y = torch.rand(2, B, 1, 1, generator=generator, dtype=torch.float64) - 0.5
    return 1.5 * (torch.hypot(axis - x, axis[:, None] - y) < 0.45).double()[:, None] - 0.6


def _start_cases(generator):
    """No strength counts a number of steps that is nearly whole: floats would decide it."""

    def part(k, n, least=0.6):
        return (k + least + 0.3 * torch.rand((), generator=generator).item()) / n

    z0 = _disc(generator, 4, 24)
    yield Case("disc", (linear().alpha_bar, z0, _uneven(1000, 8), part(4, 8), normal(generator, *z0.shape)))
    for slug, table, shape, n, strength, dtype in (
        ("gentle", scaled_linear().alpha_bar, (2, 4, 5, 3), 10, part(2, 10, 0.1), torch.float64),
        ("short-table", coarse(), (3, 4, 4, 4), 7, part(3, 7), torch.float64),
        ("float32", scaled_linear().alpha_bar, (2, 4, 8, 8), 9, part(5, 9), torch.float32),
        ("strength-1", coarse(), (2, 4, 3, 3), 6, 1.0, torch.float64),
        ("strength-0", coarse(), (2, 4, 3, 3), 6, 0.0, torch.float64),
    ):
        z0, eps = normal(generator, 2, *shape, dtype=dtype)
        grid = Schedule(table).grid(n) if slug == "gentle" else _uneven(len(table) - 1, n)
        yield Case(slug, (table, z0, grid, strength, eps))


def _blend_cases(generator):
    z0, s = _disc(generator, 6, 24), torch.tensor([0, 1, 3, 5, 8, 20])
    eps, other = normal(generator, 2, *z0.shape)
    z = q_sample(Schedule(coarse()), -z0, s, other)  # what is drawn new: the negative
    mask = torch.zeros_like(z0)
    mask[..., 12:] = 1
    yield Case("discs", (coarse(), z, z0, s, eps, mask))
    for slug, shape, table, dtype in (
        ("own-time", (5, 4, 6, 3), coarse(), torch.float64),
        ("square", (4, 4, 4, 4), coarse(), torch.float64),
        ("one-mask", (3, 4, 8, 8), scaled_linear().alpha_bar, torch.float32),
    ):
        z, z0, eps = normal(generator, 3, *shape, dtype=dtype)
        s = torch.randint(1, len(table), shape[:1], generator=generator)
        masks = (1 if slug == "one-mask" else shape[0], 1, *shape[2:])
        yield Case(slug, (table, z, z0, s, eps, (torch.rand(masks, generator=generator) < 0.5).to(dtype)))


def _draw_start(case, yours, truth):
    from course import viz

    _, z0, grid, strength, _ = case.args
    fig, (left, right) = viz.panels(2, width=8.0, height=3.0, ratios=(1, 1))
    mine, right_one = int(yours[0]), int(truth[0])
    dots = {"yours": ([mine], grid[[mine]])} if 0 <= mine < len(grid) else {}
    title = f"strength = {strength:.2f}"
    viz.curves(range(len(grid)), {"grid": grid}, dots=dots, title=title, x_label="place", y_label="t", ax=left)
    left.axvline(right_one, color=viz.COLOURS["truth"], linestyle="--")
    rows = [z.float() for z in (z0, yours[1], truth[1])]
    viz.pictures(rows, labels=("z0", "yours", "right"), ax=right)
    return fig


def _draw_blend(case, yours, truth):
    from course import viz

    rows = [z.float() for z in (case.args[2], yours[0], truth[0])]
    titles = [f"s = {s}" for s in case.args[3].tolist()]
    return viz.pictures(rows, titles=titles, labels=("z0", "yours", "right"))


IMG2IMG_START = Exercise(
    "06-img2img_start",
    truth=img2img_start,
    cases=_start_cases,
    mistakes={
        "from-noisy-end": _start(lambda grid, strength: len(grid) - 1 - _whole(len(grid) - 1, strength)),
        "nearest-time": _start(_nearest),
        "late": _start(lambda grid, strength: _whole(len(grid) - 1, strength) + 1),
        "early": _start(lambda grid, strength: _whole(len(grid) - 1, strength) - 1),
        "rounded": _start(lambda grid, strength: len(grid) - 1 - round((len(grid) - 1) * strength)),
        "skipped-cut": _start(lambda grid, strength: int((len(grid) - 1) * (1 - strength))),
        "entries-as-steps": _start(lambda grid, strength: _whole(len(grid), strength)),
        "time-not-place": _start(first=lambda grid, k: int(grid[k])),
        "steps-left": _start(first=lambda grid, k: len(grid) - 1 - k),
        "table-at-place": _start(read=lambda table, grid, k: table[k]),
        "no-roots": _start(mix=variances),
        "exchanged": _start(mix=exchanged),
        "full-size": _start(mix=lambda a, z0, eps: z0 + (1 - a).sqrt() * eps),
        "cross-fade": _cross_fade,
        "noise-alone": _start(mix=lambda a, z0, eps: eps),
        "clean": _start(mix=lambda a, z0, eps: z0),
    },
    ours=(img2img_start, q_sample),
    picture=_draw_start,
)

INPAINT_BLEND = Exercise(
    "06-inpaint_blend",
    truth=inpaint_blend,
    cases=_blend_cases,
    mistakes={
        "clean": _blend(lambda a, z0, eps: z0),
        "mask-upside-down": _blend(join=lambda m, z, q: (1 - m) * z + m * q),
        "early": _blend(read=lambda table, s: table[s - 1]),
        "added": _blend(join=lambda m, z, q: z + (1 - m) * q),
        "blended-first": _all_noised,
        "no-roots": _blend(variances),
        "exchanged": _blend(exchanged),
        "noise-alone": _blend(lambda a, z0, eps: (1 - a).sqrt() * eps),
        "first-time": _blend(read=lambda table, s: table[s[:1]].expand(len(s))),
        "last-axis": _blend(shape=as_given),
    },
    ours=(inpaint_blend, q_sample),
    picture=_draw_blend,
)
