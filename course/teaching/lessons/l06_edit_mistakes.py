"""The mistakes that are known where image to image starts (lesson 06), as code: one part of the answer exchanged."""

from course.teaching.exercises.spec import Mistake


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
        "You round the number of steps that are run: some strengths get one too many.",
        "By hand: 8 steps, strength 0.6.",
        "Use int(n * strength), which cuts 4.8 to 4.",
        _start(lambda grid, strength: len(grid) - 1 - round((len(grid) - 1) * strength)),
    ),
    Mistake(
        "You cut the steps that are skipped; what is cut is the steps that are left.",
        "By hand: 8 steps, strength 0.6. How many steps are run?",
        "int goes around the steps that are left: n - int(n * strength).",
        _start(lambda grid, strength: int((len(grid) - 1) * (1 - strength))),
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
        "You return how many steps are left, where the place of the start is asked for.",
        "At strength 0 no step is left. Which place of the grid is that?",
        "With k steps left of n, the start is at n - k.",
        _start(first=lambda grid, k: len(grid) - 1 - k),
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
        _start(mix=variances),
    ),
    Mistake(
        "You exchange the two weights: the less noise belongs to the time, the more you add.",
        "At strength 0, what should come out?",
        "sqrt(alpha_bar) belongs to z0, sqrt(1 - alpha_bar) to the noise.",
        _start(mix=exchanged),
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
