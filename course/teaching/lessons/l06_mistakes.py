"""The mistakes that are known in the exercises of lesson 06 on latents: the scale factor, encoding, decoding."""

from course.teaching.exercises.spec import Mistake

SCALE_FACTOR = (
    Mistake(
        "You return the spread itself, not its inverse.",
        "Multiply the latents by your factor: which std do they have then?",
        "What is multiplied by 1 / std has a std of one.",
        lambda z: z.std(),
    ),
    Mistake(
        "You divide by the variance.",
        "When all latents are doubled, what should the factor do?",
        "Doubled latents need half the factor: take the root of the variance.",
        lambda z: 1 / z.var(),
    ),
    Mistake(
        "You divide by the root mean square, which counts the mean as spread.",
        "Add 10 to all latents: should the factor change?",
        "Take the mean away before you square; std does.",
        lambda z: 1 / z.square().mean().sqrt(),
    ),
    Mistake(
        "You return a factor for each channel: the pipeline has one for all.",
        "What is the shape of your result?",
        "One std over all dimensions: z.std() without arguments.",
        lambda z: 1 / z.std((0, 2, 3)),
    ),
    Mistake(
        "You take a factor for each channel, and average them.",
        "Is the mean of the inverses the inverse of the mean?",
        "One std over all dimensions: z.std() without arguments.",
        lambda z: (1 / z.std((0, 2, 3))).mean(),
    ),
    Mistake(
        "You divide by the std inside a picture, averaged over the pictures: how they differ is left out.",
        "Is the mean of many stds the std of all numbers together?",
        "One std over all dimensions, the batch included: z.std() without arguments.",
        lambda z: 1 / z.std((1, 2, 3)).mean(),
    ),
    Mistake(
        "You divide by the largest entry, which hangs on one outlier.",
        "Take twice as many latents: should the factor change?",
        "What should be one is the std, not the largest entry.",
        lambda z: 1 / z.abs().max(),
    ),
    Mistake(
        "You return 0.18215, which belongs to the autoencoder of Stable Diffusion 1.",
        "Where did those who wrote 0.18215 get it from?",
        "They measured the std of their latents; measure that of z.",
        lambda z: 0.18215,
    ),
)

ENCODE = (
    Mistake(
        "You divide by the factor: that is the way back.",
        "Raw latents of std 2 have the factor 0.5: which std should come out?",
        "On the way to the U-Net the latents are multiplied by the factor.",
        lambda mean, std, noise, factor: (mean + std * noise) / factor,
    ),
    Mistake(
        "You leave the factor out.",
        "Which std does the U-Net expect?",
        "Multiply mean and noise together by the factor.",
        lambda mean, std, noise, factor: mean + std * noise,
    ),
    Mistake(
        "You return the mean alone: the encoder names a distribution, and a draw is asked for.",
        "Where do std and noise go?",
        "The draw is mean + std noise, before the factor.",
        lambda mean, std, noise, factor: mean * factor,
    ),
    Mistake(
        "You multiply the noise by std squared, which is the variance.",
        "What is the std of many encodings of one picture?",
        "The draw is mean + std noise: no square.",
        lambda mean, std, noise, factor: (mean + std**2 * noise) * factor,
    ),
    Mistake(
        "You take std for a variance: the noise gets its square root.",
        "What is the std of many encodings of one picture?",
        "The draw is mean + std noise: no root.",
        lambda mean, std, noise, factor: (mean + std.sqrt() * noise) * factor,
    ),
    Mistake(
        "You scale the noise only: the mean keeps its old size.",
        "With noise 0 and factor 0.5, what should come out?",
        "Brackets around the whole draw, then the factor.",
        lambda mean, std, noise, factor: mean + std * noise * factor,
    ),
    Mistake(
        "You scale the mean only: the noise keeps its old size.",
        "By hand: mean 0, std 2, noise 1, factor 0.5.",
        "Brackets around the whole draw, then the factor.",
        lambda mean, std, noise, factor: mean * factor + std * noise,
    ),
    Mistake(
        "You do not use std: every place gets the same noise.",
        "How sure is the encoder of each place?",
        "The draw is mean + std noise.",
        lambda mean, std, noise, factor: (mean + noise) * factor,
    ),
    Mistake(
        "You take std for the logarithm of a variance, which the encoder's network prints; here it is a std already.",
        "What does your function make of std = 0?",
        "No exponential: the draw is mean + std noise.",
        lambda mean, std, noise, factor: (mean + (std / 2).exp() * noise) * factor,
    ),
)

DECODE = (
    Mistake(
        "You multiply by the factor a second time.",
        "Which std does the decoder expect, one or that of the raw latents?",
        "encode multiplied, so the way back divides.",
        lambda z, factor: z * factor,
    ),
    Mistake(
        "You hand the latents over as they are: the decoder never saw a std of one.",
        "Which std does the decoder expect?",
        "Undo what encode did with the factor.",
        lambda z, factor: z,
    ),
    Mistake(
        "You divide by the factor twice.",
        "Encode with noise 0, decode: does the mean come back?",
        "The factor went in once: one division undoes it.",
        lambda z, factor: z / factor**2,
    ),
    Mistake(
        "You divide by 0.18215, another autoencoder's number.",
        "What is the second argument for?",
        "Divide by the factor that is handed in.",
        lambda z, factor: z / 0.18215,
    ),
    Mistake(
        "You bring the latents to [0, 1]: that is done to the picture, after the decoder.",
        "Do latents have a black and a white?",
        "Divide by the factor, and leave the rest to the picture.",
        lambda z, factor: (z / factor / 2 + 0.5).clamp(0, 1),
    ),
)
