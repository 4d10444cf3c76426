"""The numbers of those questions of lesson 06 that vary from student to student. No torch is needed."""

from course.teaching.lessons.draws import apart, drawn, written


def _calls(steps, percent):
    """How often image to image calls the U-Net, with a strength in percent."""
    called, share = steps * percent // 100, steps * percent / 100
    texts = {"steps": str(steps), "strength": written(percent / 100), "share": written(share), "calls": str(called)}
    return texts, [called, called + 1, steps, steps - called, 2 * called, share]


# int and round must differ, so the share is a whole number and a half
_HALVES = [(n, p) for n in range(20, 105, 5) for p in range(15, 100, 5) if n * p % 100 == 50]

VARIANTS = {
    "06-7": drawn(_calls, (50, 75), [pair for pair in _HALVES if apart(_calls(*pair)[1], 0)]),
}
