"""The exercises of lesson 06, Stable Diffusion: guidance here, latents and edits in their own modules."""

import torch

from course.models import cfg
from course.teaching.exercises.spec import Case, Exercise, Mistake, normal
from course.teaching.lessons.l06_edits import IMG2IMG_START, INPAINT_BLEND
from course.teaching.lessons.l06_latents import DECODE, ENCODE, SCALE_FACTOR


def _guided(eps_null, eps_cond, scale):
    """The package's guidance, of a model that knows these two answers."""
    answers, rows = torch.cat([eps_null, eps_cond]), torch.arange(2 * len(eps_null)).split(len(eps_null))
    return cfg(lambda x, t, row: answers[row], scale, null=rows[0])(eps_null, 0, rows[1])


def cfg_pair(eps, scale):
    """Guidance of one batch that holds both answers, null first: (2B, C, H, W) -> (B, C, H, W)."""
    eps_null, eps_cond = eps.chunk(2)
    return eps_null + scale * (eps_cond - eps_null)


def _cases(generator):
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


FROM_COND = (
    "You start from the conditional answer: your scale is everyone else's scale + 1.",
    "What must come out at scale 1?",
    "At scale 1 the conditional answer itself comes out, so the sum begins with eps_null.",
    lambda u, c, s: c + s * (c - u),
)
WHOLE = (
    "You add the conditional answer whole, not its difference from the null one.",
    "Let both answers be equal: what should come out, at any scale?",
    "What is multiplied by the scale is eps_cond - eps_null.",
    lambda u, c, s: u + s * c,
)

CFG = (
    Mistake(*FROM_COND),
    Mistake(
        "You exchange null and conditional: this is guidance at 1 - scale, away from the prompt.",
        "Which of the two answers should a large scale flee?",
        "Start at eps_null and walk towards eps_cond: the difference is eps_cond - eps_null.",
        _exchanged,
    ),
    Mistake(
        "You give the null answer the weight -1 at every scale.",
        "Let both answers be equal: what should come out, at any scale?",
        "The two weights add up to 1: before eps_null stands 1 - scale.",
        lambda u, c, s: s * c - u,
    ),
    Mistake(*WHOLE),
    Mistake(
        "You do not use the null answer: the noise has only grown.",
        "Compare the std of what goes in with that of what comes out.",
        "The scale multiplies the difference of the two answers, which is added to eps_null.",
        lambda u, c, s: s * c,
    ),
    Mistake(
        "You return the push alone, without the answer that it pushes.",
        "What must come out at scale 0?",
        "Add eps_null to your product.",
        lambda u, c, s: s * (c - u),
    ),
    Mistake(
        "You divide by the scale in the end.",
        "What must come out at scale 0?",
        "Nothing is divided: eps_null + scale (eps_cond - eps_null) is all.",
        lambda u, c, s: (u + s * (c - u)) / s,
    ),
    Mistake(
        "You built in the library's switch: up to 1 it leaves the null branch out. The formula does not.",
        "What must come out at scale 0?",
        "At 0 the formula gives eps_null: let it count at every scale.",
        lambda u, c, s: u + s * (c - u) if s > 1 else c,
    ),
)
PAIR = (
    Mistake(
        "You mix up which half of the batch is which: this is guidance away from the prompt.",
        "In which order do the two prompts go through the network?",
        "Null comes first: eps_null, eps_cond = eps.chunk(2).",
        _pair(guide=_exchanged),
    ),
    Mistake(
        "You take every other row: that would be right if null and conditional took turns.",
        "With three prompts, which rows are the null answers?",
        "The first half of the batch is null, the second half conditional.",
        _pair(lambda eps: (eps[0::2], eps[1::2])),
    ),
    Mistake(
        "You cut along the channels, so every latent meets its own other half.",
        "Which dimension holds null and conditional?",
        "The batch is dimension 0, where chunk(2) cuts by itself.",
        _pair(lambda eps: eps.chunk(2, dim=1)),
    ),
    Mistake(
        "You take one row for null and all the others for conditional.",
        "What becomes of it with three prompts, so six rows?",
        "Cut the batch in the middle, at len(eps) // 2.",
        _pair(lambda eps: (eps[:1], eps[1:])),
    ),
    Mistake(
        "You take the first two rows only, and lose the dimension of the batch.",
        "What is the shape of your result for one prompt, so two rows?",
        "Cut the batch in the middle: eps.chunk(2) keeps the dimension.",
        _pair(lambda eps: (eps[0], eps[1])),
    ),
    Mistake(*FROM_COND[:3], _pair(guide=FROM_COND[3])),
    Mistake(*WHOLE[:3], _pair(guide=WHOLE[3])),
)

EXERCISES = (
    Exercise("06-cfg", truth=_guided, cases=_cases, mistakes=CFG, ours=(cfg,)),
    Exercise(
        "06-cfg_pair",
        truth=lambda eps, scale: _guided(*eps.chunk(2), scale),
        cases=_pair_cases,
        mistakes=PAIR,
        ours=(cfg_pair,),
    ),
    SCALE_FACTOR,
    ENCODE,
    DECODE,
    IMG2IMG_START,
    INPAINT_BLEND,
)
