"""The mistakes that are known in inpainting (lesson 06), as code: one part of the answer exchanged."""

from course.teaching.exercises.spec import Mistake, column
from course.teaching.lessons.l05_mistakes import as_given
from course.teaching.lessons.l06_edit_mistakes import exchanged, mixed, variances


def _blend(known=mixed, join=lambda m, z, q: m * z + (1 - m) * q, read=lambda table, s: table[s], shape=column):
    """my_inpaint_blend with one part exchanged."""

    def fn(alpha_bar, z, z0, s, eps, mask):
        return join(mask, z, known(shape(read(alpha_bar, s), z), z0, eps))

    return fn


def _all_noised(alpha_bar, z, z0, s, eps, mask):
    return mixed(column(alpha_bar[s], z), mask * z + (1 - mask) * z0, eps)


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
        _blend(variances),
    ),
    Mistake(
        "You exchange the two weights in the noising of z0: the less noise belongs to s, the more you add.",
        "At s = 0 the known part is z0 itself: is yours?",
        "sqrt(alpha_bar[s]) belongs to z0, sqrt(1 - alpha_bar[s]) to the noise.",
        _blend(exchanged),
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
