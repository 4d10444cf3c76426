"""The mistakes that are known in the exercises of lesson 05, as code: the right formula with one part exchanged.

A and B are alpha_bar at the noisier time t and at the cleaner time s, shaped like the rows of x.
"""

from course.teaching.exercises.spec import Mistake, column

SHAPES = (
    "You multiply pictures by alpha_bar[t] as it is, (B,), which lines up with their last axis.",
    "Print the shapes: which axis of x does (B,) meet?",
    "Reshape it to (B, 1, ..., 1), with as many dimensions as x has.",
)
EARLY = (
    "You read the table one entry too early.",
    "What is alpha_bar[0], and which time does it belong to?",
    "The table has an entry for t = 0, so alpha_bar[t] is the one: subtract nothing.",
)
NO_DIVISION = (
    "Your x_0_hat lacks the division by the root of alpha_bar.",
    "How large is the share of x_0 in a noisy x?",
    "The noise taken away, sqrt(alpha_bar) x_0 is left: divide by that root.",
)


def as_given(a, x):
    """alpha_bar as it comes out of the table, (B,)."""
    return a


def _both(table, t, s):
    return table[t], table[s]


def _early(table, t, s):
    return table[t - 1], table[s - 1]


def _clean(x, a, eps):
    return (x - (1 - a).sqrt() * eps) / a.sqrt()


def _undivided(x, a, eps):
    return x - (1 - a).sqrt() * eps


def _tilde(A, B):
    return (1 - B) / (1 - A) * (1 - A / B)


def _left(A, B, var):
    return (1 - B - var).sqrt()


def _step(x0=_clean, signal=lambda A, B, var: B.sqrt(), noise_left=_left, fresh=1, read=_both, shape=column,
          std=lambda A, B, eta: eta * _tilde(A, B).sqrt()):  # fmt: skip
    def fn(alpha_bar, x_t, t, s, eps, noise, eta):
        A, B = (shape(a, x_t) for a in read(alpha_bar, t, s))
        spread = std(A, B, eta)
        kept = signal(A, B, spread**2) * x0(x_t, A, eps)
        return kept + noise_left(A, B, spread**2) * eps + fresh * spread * noise

    return fn


def _eta_unsquared(alpha_bar, x_t, t, s, eps, noise, eta):
    A, B = (column(a, x_t) for a in _both(alpha_bar, t, s))
    kept = B.sqrt() * _clean(x_t, A, eps) + (1 - B - eta * _tilde(A, B)).sqrt() * eps
    return kept + eta * _tilde(A, B).sqrt() * noise


DDIM_STEP = (
    Mistake(*NO_DIVISION, _step(_undivided)),
    Mistake(
        "You mix the noise back in at its old level, that of t.",
        "Which std of noise should x_s have?",
        "The root before eps_hat holds alpha_bar at s.",
        _step(noise_left=lambda A, B, var: (1 - A - var).sqrt()),
    ),
    Mistake(
        "You leave out the square roots: your two weights are variances.",
        "At eta = 0, add up the squares of your weights: is it 1?",
        "The weights are sqrt(alpha_bar_s) and sqrt(1 - alpha_bar_s - std^2).",
        _step(signal=lambda A, B, var: B, noise_left=lambda A, B, var: 1 - B - var),
    ),
    Mistake(
        "You exchange the weights of x_0_hat and eps_hat.",
        "Put s = 0: which of the two should be left?",
        "sqrt(alpha_bar_s) belongs to x_0_hat.",
        _step(signal=_left, noise_left=lambda A, B, var: B.sqrt()),
    ),
    Mistake(
        "You step to t - 1, not to s.",
        "A grid of 50 steps visits every 20th time only.",
        "alpha_bar_s is alpha_bar[s], whatever lies between s and t.",
        _step(read=lambda table, t, s: (table[t], table[t - 1])),
    ),
    Mistake(
        "You add fresh noise, but keep eps_hat at full size.",
        "What is the variance of the noise in x_s in all?",
        "The variances add up to 1 - alpha_bar_s: before eps_hat stands sqrt(1 - alpha_bar_s - std^2).",
        _step(noise_left=lambda A, B, var: (1 - B).sqrt()),
    ),
    Mistake(
        "You turn eps_hat down, but add no fresh noise in its place.",
        "At eta = 1, where does the lost variance come back?",
        "Add std times noise in the end.",
        _step(fresh=0),
    ),
    Mistake(
        "You put eta under the root: it multiplies your variance.",
        "Test eta = 0.5, the ends 0 and 1 cannot tell.",
        "eta stands before the root, so the variance holds eta squared.",
        _step(std=lambda A, B, eta: (eta * _tilde(A, B)).sqrt()),
    ),
    Mistake(
        "You square std, but not eta, in the weight of eps_hat.",
        "Test eta = 0.5, the ends 0 and 1 cannot tell.",
        "What is taken from 1 - alpha_bar_s is std^2, which holds eta squared.",
        _eta_unsquared,
    ),
    Mistake(
        "Your std is a variance: its root is missing.",
        "Compare your std at eta = 1 with that of 03-q_posterior.",
        "std is eta times the square root of beta-tilde.",
        _step(std=lambda A, B, eta: eta * _tilde(A, B)),
    ),
    Mistake(
        "You take eta times the root of beta; DDIM's family uses beta-tilde.",
        "At s = 0, is your std 0?",
        "Under the root, beta = 1 - alpha_bar_t / alpha_bar_s is multiplied by (1 - alpha_bar_s) / (1 - alpha_bar_t).",
        _step(std=lambda A, B, eta: eta * (1 - A / B).sqrt()),
    ),
    Mistake(*EARLY, _step(read=_early)),
    Mistake(*SHAPES, _step(shape=as_given)),
)


def _up(x0=_clean, weights=lambda A, B: (A.sqrt(), (1 - A).sqrt()), read=_both, shape=column):
    def fn(alpha_bar, x_s, s, t, eps):
        A, B = (shape(a, x_s) for a in read(alpha_bar, t, s))
        signal, noise = weights(A, B)
        return signal * x0(x_s, B, eps) + noise * eps

    return fn


INVERT_STEP = (
    Mistake(
        "You make the forward step of lesson 02, with a new noise; inversion continues the noise that is there.",
        "Two noises along one direction: do their variances add up, or their amplitudes?",
        "Compute x_0_hat from x_s first, then mix it with the same eps at the level of t.",
        _up(lambda x, B, eps: x, lambda A, B: ((A / B).sqrt(), (1 - A / B).sqrt())),
    ),
    Mistake(
        "You exchange the two times, and step towards the picture.",
        "Which alpha_bar is larger, that of s or that of t?",
        "x_0_hat needs alpha_bar at s, where x_s is; the mixing needs alpha_bar at t.",
        _up(read=lambda table, t, s: (table[s], table[t])),
    ),
    Mistake(
        "You take x_s for a clean picture, which it is at s = 0 only.",
        "How much noise does x_s hold already?",
        "Compute x_0_hat from x_s and eps first, with alpha_bar at s.",
        _up(lambda x, B, eps: x),
    ),
    Mistake(
        "You take noise away at the end; going up, it is put back.",
        "At s = 0 the step must be the jump of lesson 02.",
        "The last term is + sqrt(1 - alpha_bar_t) eps.",
        _up(weights=lambda A, B: (A.sqrt(), -(1 - A).sqrt())),
    ),
    Mistake(
        "You mix the noise back in at its old level, that of s.",
        "Which std of noise should x_t have?",
        "The root before eps holds alpha_bar at t.",
        _up(weights=lambda A, B: (A.sqrt(), (1 - B).sqrt())),
    ),
    Mistake(*NO_DIVISION, _up(_undivided)),
    Mistake(*EARLY, _up(read=_early)),
    Mistake(*SHAPES, _up(shape=as_given)),
)
