"""The exercises of lesson 06, Stable Diffusion, as code; their words stand in the quiz file of the lesson."""

import torch

from course.forward import q_sample
from course.models import cfg
from course.schedules import Schedule, linear, scaled_linear
from course.teaching.exercises.spec import Case, Exercise, coarse, column, normal
from course.teaching.lessons.l05 import as_given

SCALE_FACTOR = {
    "spread": lambda z: z.std(),
    "variance": lambda z: 1 / z.var(),
    "root-mean-square": lambda z: 1 / z.square().mean().sqrt(),
    "each-channel": lambda z: 1 / z.std((0, 2, 3)),
    "mean-of-channels": lambda z: (1 / z.std((0, 2, 3))).mean(),
    "mean-of-pictures": lambda z: 1 / z.std((1, 2, 3)).mean(),
    "largest": lambda z: 1 / z.abs().max(),
    "fixed": lambda z: 0.18215,
}

ENCODE = {
    "divided": lambda mean, std, noise, factor: (mean + std * noise) / factor,
    "no-factor": lambda mean, std, noise, factor: mean + std * noise,
    "mean-alone": lambda mean, std, noise, factor: mean * factor,
    "std-squared": lambda mean, std, noise, factor: (mean + std**2 * noise) * factor,
    "std-root": lambda mean, std, noise, factor: (mean + std.sqrt() * noise) * factor,
    "noise-scaled-only": lambda mean, std, noise, factor: mean + std * noise * factor,
    "mean-scaled-only": lambda mean, std, noise, factor: mean * factor + std * noise,
    "no-std": lambda mean, std, noise, factor: (mean + noise) * factor,
    "log-variance": lambda mean, std, noise, factor: (mean + (std / 2).exp() * noise) * factor,
}

DECODE = {
    "multiplied": lambda z, factor: z * factor,
    "unchanged": lambda z, factor: z,
    "divided-twice": lambda z, factor: z / factor**2,
    "fixed": lambda z, factor: z / 0.18215,
    "to-pixels": lambda z, factor: (z / factor / 2 + 0.5).clamp(0, 1),
}


def scale_factor(z):
    """The number that gives latents z (N, C, h, w) a std of one, 0-dim: one std over all that they hold."""
    return 1 / z.std()


def encode(mean, std, noise, factor):
    """Latents as the U-Net knows them, from what the encoder says of a picture: a draw, then the scale."""
    return (mean + std * noise) * factor


def decode(z, factor):
    """Latents as the decoder knows them, from those of the U-Net."""
    return z / factor


def _factor_cases(generator):
    """So many numbers that n and n - 1 in the std are the same, and a different std and mean in every channel."""
    for what, size in (("latents, their channels unlike each other", 2.0), ("latents of small std", 0.2)):
        std = torch.tensor([0.5, 1.0, 2.0, 4.0])[torch.randperm(4, generator=generator)]
        mean = 1 + torch.rand(4, generator=generator)
        z = normal(generator, 64, 4, 16, 16, dtype=torch.float32)
        yield Case(what, (size * (z * std[:, None, None] + mean[:, None, None]),))
    z = normal(generator, 256, 4, 8, 8, dtype=torch.float32)
    spread = 0.5 + 3 * torch.rand(256, 1, 1, 1, generator=generator)  # of every picture its own
    yield Case("latents of 256 pictures, some flat, some rich", (spread * z + 1,))


def _factor(generator, large):
    """A factor that is neither near 1 nor near 0.18215."""
    return (1.5 if large else 0.3) + 0.4 * torch.rand((), generator=generator).item()


def _encode_cases(generator):
    for what, shape, large, dtype in (
        ("latents, a factor below 1", (3, 4, 5, 6), False, torch.float64),
        ("as many as channels, rows and columns, a factor above 1", (4, 4, 4, 4), True, torch.float64),
        ("float32", (2, 4, 8, 8), False, torch.float32),
    ):
        mean, noise = normal(generator, 2, *shape, dtype=dtype)
        std = (0.3 + 1.2 * torch.rand(shape, generator=generator, dtype=torch.float64)).to(dtype)
        yield Case(what, (mean, std, noise, _factor(generator, large)))
    mean, std = normal(generator, 2, 2, 4, 3, 3)
    yield Case("noise 0, the mean itself", (mean, std.abs() + 0.1, torch.zeros_like(mean), _factor(generator, True)))


def _decode_cases(generator):
    for what, shape, large, dtype in (
        ("latents, a factor below 1", (3, 4, 5, 6), False, torch.float64),
        ("a factor above 1", (4, 4, 4, 4), True, torch.float64),
        ("float32", (2, 4, 8, 8), False, torch.float32),
    ):
        yield Case(what, (normal(generator, *shape, dtype=dtype), _factor(generator, large)))


SCALE_FACTOR_EXERCISE = Exercise(
    "06-scale_factor",
    truth=scale_factor,
    cases=_factor_cases,
    mistakes=SCALE_FACTOR,
    ours=(scale_factor,),
)

ENCODE_EXERCISE = Exercise(
    "06-encode",
    truth=encode,
    cases=_encode_cases,
    mistakes=ENCODE,
    ours=(encode,),
)

DECODE_EXERCISE = Exercise(
    "06-decode",
    truth=decode,
    cases=_decode_cases,
    mistakes=DECODE,
    ours=(decode,),
)


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


IMG2IMG = {
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
}


def _blend(known=mixed, join=lambda m, z, q: m * z + (1 - m) * q, read=lambda table, s: table[s], shape=column):
    """my_inpaint_blend with one part exchanged."""

    def fn(alpha_bar, z, z0, s, eps, mask):
        return join(mask, z, known(shape(read(alpha_bar, s), z), z0, eps))

    return fn


def _all_noised(alpha_bar, z, z0, s, eps, mask):
    return mixed(column(alpha_bar[s], z), mask * z + (1 - mask) * z0, eps)


INPAINT = {
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
}


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
    yield Case(
        "a disc, 8 uneven steps", (linear().alpha_bar, z0, _uneven(1000, 8), part(4, 8), normal(generator, *z0.shape))
    )
    for what, table, shape, n, strength, dtype in (
        (
            "latents, a gentle strength, on steps of one length",
            scaled_linear().alpha_bar,
            (2, 4, 5, 3),
            10,
            part(2, 10, 0.1),
            torch.float64,
        ),
        ("a short table", coarse(), (3, 4, 4, 4), 7, part(3, 7), torch.float64),
        ("float32", scaled_linear().alpha_bar, (2, 4, 8, 8), 9, part(5, 9), torch.float32),
        ("strength 1", coarse(), (2, 4, 3, 3), 6, 1.0, torch.float64),
        ("strength 0", coarse(), (2, 4, 3, 3), 6, 0.0, torch.float64),
    ):
        z0, eps = normal(generator, 2, *shape, dtype=dtype)
        grid = Schedule(table).grid(n) if "one length" in what else _uneven(len(table) - 1, n)
        yield Case(what, (table, z0, grid, strength, eps))


def _blend_cases(generator):
    z0, s = _disc(generator, 6, 24), torch.tensor([0, 1, 3, 5, 8, 20])
    eps, other = normal(generator, 2, *z0.shape)
    z = q_sample(Schedule(coarse()), -z0, s, other)  # what is drawn new: the negative
    mask = torch.zeros_like(z0)
    mask[..., 12:] = 1
    yield Case("discs, the right half drawn new", (coarse(), z, z0, s, eps, mask))
    for what, shape, table, dtype in (
        ("latents, every row its own time", (5, 4, 6, 3), coarse(), torch.float64),
        ("as many as channels, rows and columns", (4, 4, 4, 4), coarse(), torch.float64),
        ("one mask for all, float32", (3, 4, 8, 8), scaled_linear().alpha_bar, torch.float32),
    ):
        z, z0, eps = normal(generator, 3, *shape, dtype=dtype)
        s = torch.randint(1, len(table), shape[:1], generator=generator)
        masks = (1 if "one mask" in what else shape[0], 1, *shape[2:])
        yield Case(what, (table, z, z0, s, eps, (torch.rand(masks, generator=generator) < 0.5).to(dtype)))


def _draw_start(case, yours, truth):
    from course import viz

    _, z0, grid, strength, _ = case.args
    fig, (left, right) = viz.panels(2, width=8.0, height=3.0, ratios=(1, 1))
    mine, right_one = int(yours[0]), int(truth[0])
    dots = {"yours": ([mine], grid[[mine]])} if 0 <= mine < len(grid) else {}
    title = f"Strength {strength:.2f} starts at the dashed line"
    viz.curves(range(len(grid)), {"grid": grid}, dots=dots, title=title, x_label="place", y_label="t", ax=left)
    left.axvline(right_one, color=viz.COLOURS["truth"], linestyle="--")
    rows = [z.float() for z in (z0, yours[1], truth[1])]
    viz.pictures(rows, labels=("z0", "yours", "asked for"), title="What starts", ax=right)
    return fig


def _draw_blend(case, yours, truth):
    from course import viz

    rows = [z.float() for z in (case.args[2], yours[0], truth[0])]
    titles = [f"s = {s}" for s in case.args[3].tolist()]
    title = "The left half is known, the right half drawn anew"
    return viz.pictures(rows, titles=titles, labels=("z0", "yours", "asked for"), title=title)


IMG2IMG_START_EXERCISE = Exercise(
    "06-img2img_start",
    truth=img2img_start,
    cases=_start_cases,
    mistakes=IMG2IMG,
    ours=(img2img_start, q_sample),
    picture=_draw_start,
)
INPAINT_BLEND_EXERCISE = Exercise(
    "06-inpaint_blend",
    truth=inpaint_blend,
    cases=_blend_cases,
    mistakes=INPAINT,
    ours=(inpaint_blend, q_sample),
    picture=_draw_blend,
)


def _guided(eps_null, eps_cond, scale):
    """The package's guidance, of a model that knows these two answers."""
    answers, rows = torch.cat([eps_null, eps_cond]), torch.arange(2 * len(eps_null)).split(len(eps_null))
    return cfg(lambda x, t, row: answers[row], scale, null=rows[0])(eps_null, 0, rows[1])


def cfg_pair(eps, scale):
    """Guidance of one batch that holds both answers, null first: (2B, C, H, W) -> (B, C, H, W)."""
    eps_null, eps_cond = eps.chunk(2)
    return eps_null + scale * (eps_cond - eps_null)


def _cfg_cases(generator):
    for what, scale, shape, dtype in (
        ("latents, scale 7.5", 7.5, (3, 4, 5, 6), torch.float64),
        ("as many as channels, rows and columns, scale 2, float32", 2.0, (4, 4, 4, 4), torch.float32),
        ("scale 1, plain conditional", 1.0, (2, 4, 3, 3), torch.float64),
        ("scale 0, plain unconditional", 0.0, (2, 4, 3, 3), torch.float64),
    ):
        yield Case(what, (*normal(generator, 2, *shape, dtype=dtype), scale))
    eps = normal(generator, 2, 4, 4, 4)
    yield Case("two equal answers, scale 30", (eps, eps.clone(), 30.0))


def _pair_cases(generator):
    for what, scale, shape, dtype in (
        ("three of each, scale 7.5", 7.5, (6, 4, 5, 3), torch.float64),
        ("one of each, scale 2", 2.0, (2, 4, 8, 8), torch.float64),
        ("as many rows as channels, four of four, float32", 5.0, (4, 4, 4, 4), torch.float32),
        ("scale 1, plain conditional", 1.0, (8, 4, 3, 3), torch.float64),
    ):
        yield Case(what, (normal(generator, *shape, dtype=dtype), scale))


def _exchanged(u, c, s):
    return c + s * (u - c)


def _pair(halves=lambda eps: eps.chunk(2), guide=lambda u, c, s: u + s * (c - u)):
    """my_cfg_pair with one part exchanged."""
    return lambda eps, scale: guide(*halves(eps), scale)


def _from_conditional(u, c, s):
    return c + s * (c - u)


def _whole_added(u, c, s):
    return u + s * c


CFG = {
    "from-conditional": _from_conditional,
    "exchanged": _exchanged,
    "null-minus-one": lambda u, c, s: s * c - u,
    "whole": _whole_added,
    "null-unused": lambda u, c, s: s * c,
    "push-alone": lambda u, c, s: s * (c - u),
    "divided": lambda u, c, s: (u + s * (c - u)) / s,
    "switched": lambda u, c, s: u + s * (c - u) if s > 1 else c,
}
PAIR = {
    "halves-exchanged": _pair(guide=_exchanged),
    "every-other": _pair(lambda eps: (eps[0::2], eps[1::2])),
    "along-channels": _pair(lambda eps: eps.chunk(2, dim=1)),
    "one-row": _pair(lambda eps: (eps[:1], eps[1:])),
    "first-two": _pair(lambda eps: (eps[0], eps[1])),
    "from-conditional": _pair(guide=_from_conditional),
    "whole": _pair(guide=_whole_added),
}

EXERCISES = (
    Exercise("06-cfg", truth=_guided, cases=_cfg_cases, mistakes=CFG, ours=(cfg,)),
    Exercise(
        "06-cfg_pair",
        truth=lambda eps, scale: _guided(*eps.chunk(2), scale),
        cases=_pair_cases,
        mistakes=PAIR,
        ours=(cfg_pair,),
    ),
    SCALE_FACTOR_EXERCISE,
    ENCODE_EXERCISE,
    DECODE_EXERCISE,
    IMG2IMG_START_EXERCISE,
    INPAINT_BLEND_EXERCISE,
)
