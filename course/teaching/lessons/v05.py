"""The numbers of those questions of lesson 05 that vary from student to student. No torch is needed."""

from course.teaching.lessons.draws import apart, drawn, written

_TENS = ("Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety")
_ONES = ("", "-one", "-two", "-three", "-four", "-five", "-six", "-seven", "-eight", "-nine")


def _ddim(x_t, eps):
    """One step of DDIM from alpha_bar 0.36 to 0.64."""
    clean = (x_t - 0.8 * eps) / 0.6
    step = 0.8 * clean + 0.6 * eps
    values = [step, 0.8 * 0.6 * clean + 0.6 * eps, 0.8 * clean + 0.8 * eps, x_t, 0.64 * clean + 0.36 * eps]
    texts = {"noisy": x_t, "eps": eps, "clean": clean, "undivided": 0.6 * clean, "image": 0.8 * clean}
    texts |= {"noise": 0.6 * eps, "step": step}
    given = {"given": f"{x_t:.1f}"}
    return given | {name: written(value) for name, value in texts.items()}, [round(value, 4) for value in values]


def _draws(steps):
    """How many normal tensors ddpm draws in so many steps."""
    tens, ones = divmod(steps - 1, 10)
    texts = {"steps": str(steps), "draws": str(steps - 1), "spelled": _TENS[tens - 2] + _ONES[ones]}
    return texts, [steps - 1, steps, 0, 1000, 999]


def _told_apart(x_t, eps):
    """Whether all answers of `_ddim` are told apart, and none is as good as 0."""
    values = _ddim(x_t, eps)[1]
    return apart(values, 0.025) and min(values) > 0.1


_PAIRS = [(x / 10, e / 10) for x in range(5, 20) for e in range(1, 10) if (x + e) % 3 == 0]  # x_0_hat has two decimals

VARIANTS = {
    "05-5": drawn(_ddim, (1.0, 0.5), [pair for pair in _PAIRS if _told_apart(*pair)]),
    "05-11": drawn(_draws, (50,), [(steps,) for steps in range(25, 101)]),
}
