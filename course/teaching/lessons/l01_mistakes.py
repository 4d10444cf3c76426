"""The mistakes that are known of the exercises 01-mix and 01-noise_std, in words and as code."""

import math

from course.teaching.exercises.spec import Mistake, column


def _weighed(weights, clip=math.inf):
    """A mix with other `weights`, a function from SNR to the factors of picture and noise."""

    def fn(x0, snr, eps):
        of_x0, of_eps = weights(column(snr, x0) if snr.ndim else snr)
        return (of_x0 * x0 + of_eps * eps).clamp(-clip, clip)

    return fn


def _right(snr):
    return (snr / (1 + snr)).sqrt(), (1 / (1 + snr)).sqrt()


def _shaped_outside(shape):
    """The right mix, with the SNR brought to a shape of one's own."""

    def fn(x0, snr, eps):
        of_x0, of_eps = _right(shape(snr))
        return of_x0 * x0 + of_eps * eps

    return fn


def _math_roots(x0, snr, eps):
    return math.sqrt(snr / (1 + snr)) * x0 + math.sqrt(1 / (1 + snr)) * eps


MIX = (
    Mistake(
        "You treat the SNR as a ratio of amplitudes; it is a ratio of powers.",
        "Power is the square of an amplitude: at SNR 4, how many times as strong as the noise is the picture?",
        "The weights are the roots of snr / (1 + snr) and 1 / (1 + snr), with snr as it comes, not squared.",
        _weighed(lambda snr: _right(snr**2)),
    ),
    Mistake(
        "Your weights add up to one but their squares do not, so the result is too faint.",
        "What is the variance of a number times noise?",
        "Both fractions are shares of the power; a picture is multiplied by the root of its share, and so is noise.",
        _weighed(lambda snr: (snr / (1 + snr), 1 / (1 + snr))),
    ),
    Mistake(
        "You take the root for the picture, and none for the noise.",
        "What is the variance of a number times noise?",
        "Noise with the share 1 / (1 + snr) of the power is multiplied by the root of that share.",
        _weighed(lambda snr: ((snr / (1 + snr)).sqrt(), 1 / (1 + snr))),
    ),
    Mistake(
        "Picture and noise have changed places.",
        "What should come out at SNR 1,000?",
        "A large SNR means much picture: x0 belongs to snr / (1 + snr), eps to 1 / (1 + snr).",
        _weighed(lambda snr: _right(snr)[::-1]),
    ),
    Mistake(
        "You leave the picture at full size: the ratio is right, but the total grows as the SNR falls.",
        "What is the variance of your result at SNR 0.01?",
        "Divide everything by the root of 1 + 1 / snr; that gives the two weights of the formula.",
        _weighed(lambda snr: (1, snr**-0.5)),
    ),
    Mistake(
        "You read the SNR as decibels; it is a plain ratio.",
        "Which SNR means that picture and noise weigh the same: 0 or 1?",
        "Use snr itself: no power of ten and no logarithm is needed.",
        _weighed(lambda snr: _right(10 ** (snr / 10))),
    ),
    Mistake(
        "You cut the result to [-1, 1], which changes the noise: it is no longer Gaussian, nor of mean zero on black.",
        "A noisy picture may leave [-1, 1].",
        "Leave out the clamp; only a clean picture has to stay within [-1, 1].",
        _weighed(_right, clip=1),
    ),
    Mistake(
        "Your snr (B,) meets the last axis: each column got an SNR of its own, where it ran at all.",
        "Print the shapes of your weight and of x0; torch lines them up from the right.",
        "Give a snr of shape (B,) the shape (B, 1, 1, 1) before you multiply: reshape(-1, 1, 1, 1).",
        _shaped_outside(lambda snr: snr),
    ),
    Mistake(
        "You index snr as if there were always one for each picture; it stops where one 0-dim snr holds for all.",
        "How many dimensions has a single number?",
        "reshape(-1, 1, 1, 1) takes both; or look at snr.ndim first.",
        _shaped_outside(lambda snr: snr[:, None, None, None]),
    ),
    Mistake(
        "You use math.sqrt, which takes a single number: it stops where there is an SNR for each picture.",
        "A tensor of several numbers has a root of its own.",
        "Use torch.sqrt or .sqrt(), and give the SNRs the shape (B, 1, 1, 1).",
        _math_roots,
    ),
)

NOISE_STD = (
    Mistake(
        "You give the variance, the square of the std.",
        "What should come out for a patch with twice the contrast?",
        "Take the root of it, or .std in place of .var.",
        lambda patch: patch.flatten(1).var(1),
    ),
    Mistake(
        "You do not take off the mean, so the grey of a patch counts as noise.",
        "What becomes of your answer when the patch is brightened?",
        "Subtract each patch's own mean before you square; .std does it for you.",
        lambda patch: (patch**2).flatten(1).mean(1).sqrt(),
    ),
    Mistake(
        "You divide by n, which comes out too small on small patches: the mean was estimated from the same pixels.",
        "Calculate the example by hand: by what is the sum of squares divided?",
        "Divide by n - 1; torch's .std does so unless it is told otherwise.",
        lambda patch: patch.flatten(1).std(1, correction=0),
    ),
    Mistake(
        "You average the distances from the mean without squaring them; for Gaussian noise that is 0.80 of the std.",
        "A std is the root of a mean of squares.",
        "Square the distances, add them, divide by n - 1, and take the root.",
        lambda patch: (patch - patch.mean((1, 2), keepdim=True)).abs().mean((1, 2)),
    ),
    Mistake(
        "You give one number for all patches, so that their different greys count as noise.",
        "N patches have N answers.",
        "Measure along the pixels of each patch only: flatten(1) and then along axis 1.",
        lambda patch: patch.std(),
    ),
    Mistake(
        "You compare the patches with each other: std along axis 0.",
        "Along which axes do the pixels of one patch lie?",
        "Axis 0 counts the patches; measure along the axes 1 and 2 together.",
        lambda patch: patch.std(0),
    ),
    Mistake(
        "You give a std for each row of each patch.",
        "A patch has one answer: its pixels lie along two axes.",
        "Measure along the axes 1 and 2 together: .std((1, 2)), or flatten(1) first.",
        lambda patch: patch.std(2),
    ),
    Mistake(
        "You average the stds of the rows, which is another number: with few pixels in a row it comes out too small.",
        "A row has few pixels and a mean of its own; a patch has one mean.",
        "Measure along the axes 1 and 2 together, about the mean of the whole patch.",
        lambda patch: patch.std(2).mean(1),
    ),
    Mistake(
        "You measure differences of neighbours, which is the repair for a patch that is not flat.",
        "These patches are flat; the example by hand uses the distances from the mean.",
        "Take the std of the pixels themselves, with n - 1.",
        lambda patch: patch.diff(dim=-1).flatten(1).std(1) / math.sqrt(2),
    ),
    Mistake(
        "You take half the range, which grows with the number of pixels.",
        "A std asks every pixel, not only the darkest and the brightest.",
        "Square the distances from the mean, add them, divide by n - 1, and take the root.",
        lambda patch: (patch.flatten(1).amax(1) - patch.flatten(1).amin(1)) / 2,
    ),
)
