"""The mistakes that are known in the exercises of lesson 06 on edits, as code: one part of the answer exchanged."""

from course.exercises.lesson_05_mistakes import as_given
from course.exercises.spec import Mistake, column


def _mixed(a, z0, eps):
    return a.sqrt() * z0 + (1 - a).sqrt() * eps


def _variances(a, z0, eps):
    return a * z0 + (1 - a) * eps


def _whole(n, strength):
    return n - min(int(n * strength), n)


def _start(index=lambda grid, strength: _whole(len(grid) - 1, strength), mix=_mixed,
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


IMG2IMG = (
    Mistake(
        "You count the steps from the noisy end: strength 0.1 would destroy most of the picture.",
        "Which end of the grid is noise, and where should strength 0 start?",
        "Of n steps the last int(n * strength) are run, so the start is n minus that.",
        _start(lambda grid, strength: len(grid) - 1 - _whole(len(grid) - 1, strength)),
    ),
    Mistake(
        "You look for the time nearest to strength times T: right only where all steps have one length.",
        "Strength counts steps. What share of them is run on a grid whose steps shrink?",
        "The place comes from n and strength alone: n - int(n * strength).",
        _start(_nearest),
    ),
    Mistake(
        "You start one step late: the first time the network hears of is not the one of the noise.",
        "At strength 1, where does your function start?",
        "Add nothing to n - int(n * strength).",
        _start(lambda grid, strength: _whole(len(grid) - 1, strength) + 1),
    ),
    Mistake(
        "You start one step early.",
        "At strength 0, how many steps does your function run?",
        "Subtract nothing more: the grid has n + 1 times, so n is its last place.",
        _start(lambda grid, strength: _whole(len(grid) - 1, strength) - 1),
    ),
    Mistake(
        "You round the number of steps; int cuts.",
        "By hand: 8 steps, strength 0.6.",
        "Use int(n * strength), which cuts 4.8 to 4.",
        _start(lambda grid, strength: len(grid) - 1 - round((len(grid) - 1) * strength)),
    ),
    Mistake(
        "You count the entries of the grid as steps, but n + 1 times make n steps.",
        "At strength 1, where does your function start, and at strength 0?",
        "n is len(grid) - 1.",
        _start(lambda grid, strength: _whole(len(grid), strength)),
    ),
    Mistake(
        "You return the time, where its place in the grid is asked for.",
        "How would a loop over the rest of the grid use your first value?",
        "Return the index; grid[index] is only for the table.",
        _start(first=lambda grid, k: int(grid[k])),
    ),
    Mistake(
        "You read the table at the place in the grid: so early in it there is hardly any noise.",
        "Which time does that place stand for?",
        "alpha_bar is indexed by a time: alpha_bar[grid[index]].",
        _start(read=lambda table, grid, k: table[k]),
    ),
    Mistake(
        "You leave out the square roots: variances stand where stds belong.",
        "For z0 and eps of std 1, which std does your z have?",
        "The weights are sqrt(alpha_bar) and sqrt(1 - alpha_bar).",
        _start(mix=_variances),
    ),
    Mistake(
        "You add the noise to z0 at full size.",
        "For z0 and eps of std 1, which std does your z have?",
        "z0 has a weight too: sqrt(alpha_bar).",
        _start(mix=lambda a, z0, eps: z0 + (1 - a).sqrt() * eps),
    ),
    Mistake(
        "You fade z0 into the noise by the strength: no time of the schedule looks like that.",
        "For z0 and eps of std 1, which std does your z have at strength 0.5?",
        "The weights come from alpha_bar at the time of the start.",
        _cross_fade,
    ),
    Mistake(
        "You start from the noise alone: nothing of the picture is left.",
        "What should strength 0 give back?",
        "Mix z0 and eps with the weights of the time where you start.",
        _start(mix=lambda a, z0, eps: eps),
    ),
    Mistake(
        "You start from the clean latents: the network is told of noise that is not there.",
        "How much noise belongs to the time grid[index]?",
        "Mix z0 and eps with the weights of the time where you start.",
        _start(mix=lambda a, z0, eps: z0),
    ),
)


def _blend(known=_mixed, join=lambda m, z, q: m * z + (1 - m) * q, read=lambda table, s: table[s], shape=column):
    """my_inpaint_blend with one part exchanged."""

    def fn(alpha_bar, z, z0, s, eps, mask):
        return join(mask, z, known(shape(read(alpha_bar, s), z), z0, eps))

    return fn


def _all_noised(alpha_bar, z, z0, s, eps, mask):
    return _mixed(column(alpha_bar[s], z), mask * z + (1 - mask) * z0, eps)


INPAINT = (
    Mistake(
        "You put the known part back clean, beside new parts that are noisy at s.",
        "How much noise does the network expect at s, everywhere?",
        "Noise z0 to the time s first: the jump of lesson 02.",
        _blend(lambda a, z0, eps: z0),
    ),
    Mistake(
        "Your mask is upside down: what should stay is drawn new.",
        "What should come out where the mask is 1?",
        "Multiply z by mask, the known part by 1 - mask.",
        _blend(join=lambda m, z, q: (1 - m) * z + m * q),
    ),
    Mistake(
        "You noise the known part to s - 1, one time early.",
        "The table begins with t = 0. Which entry belongs to s?",
        "alpha_bar[s] is the one: subtract nothing.",
        _blend(read=lambda table, s: table[s - 1]),
    ),
    Mistake(
        "You add the known part to z, which is still there.",
        "What should come out where the mask is 0, and what is z doing there?",
        "z has a weight too: the mask.",
        _blend(join=lambda m, z, q: z + (1 - m) * q),
    ),
    Mistake(
        "You blend first and then noise the whole: z has its noise already.",
        "What should come out where the mask is 1?",
        "Noise z0 alone to the time s, then blend.",
        _all_noised,
    ),
    Mistake(
        "You leave out the square roots in the noising of z0.",
        "For z0 and eps of std 1, which std does the known part have?",
        "The weights are sqrt(alpha_bar) and sqrt(1 - alpha_bar).",
        _blend(_variances),
    ),
    Mistake(
        "You fill the known part with noise alone.",
        "At s = 0 the known part is z0 itself: is yours?",
        "The known part is sqrt(alpha_bar) z0 + sqrt(1 - alpha_bar) eps.",
        _blend(lambda a, z0, eps: (1 - a).sqrt() * eps),
    ),
    Mistake(
        "You give the whole batch the time of its first row.",
        "s is (B,): what happens to its other entries?",
        "Index the table with the whole s, then shape the result to (B, 1, 1, 1).",
        _blend(read=lambda table, s: table[s[:1]].expand(len(s))),
    ),
    Mistake(
        "You multiply latents by alpha_bar[s] as it is, (B,), which lines up with their width, not with the batch.",
        "Print the shapes: which axis of z0 does (B,) meet?",
        "Shape it to (B, 1, 1, 1), so that each row meets its own s.",
        _blend(shape=as_given),
    ),
)
