"""What the notebook that goes further than lesson 02 says, proved in the middle of its run."""

# %% after: climb-explain
for (name, line), row in zip(computed.items(), measured, strict=True):
    assert ((row - line[::50]).abs() < 0.04 * line[::50]).all(), name
assert abs(mnist.var().item() - 0.374) < 1e-3
assert abs(mnist.square().mean().item() - 0.924) < 1e-3
assert abs(mnist.mean().item() + 0.742) < 1e-3
assert abs(mnist.var(0).mean().item() - 0.264) < 1e-3

# %% after: broadcast-explain
assert apart > 0.3
assert as_written.shape == each_its_own.shape

# %% after: noises-explain
weight = beta * alpha_bar[-1] / alpha_bar[1:]  # the share of each step in the variance at the end
assert abs(-2 * weight.square().sum().item() + 0.020) < 1e-3
assert abs(97 * weight.square().sum().item() - 0.955) < 0.01
assert abs(tails["coin flips"]) < 0.1
assert 0.5 < tails["rare dots"] < 1.5
assert abs(ends["rand() by mistake"].mean().item() - 7.5) < 0.05
assert abs(ends["rand() by mistake"].std().item() - 0.29) < 0.01
drawn = kinds["rand() by mistake"](seeded(13))
assert abs(drawn.std().item() - 0.29) < 0.01  # its own std
far_off = {}  # from the Gaussian of the same mean and std: the largest distance of the two distribution functions
for name, z in ends.items():
    place = torch.special.ndtr(((z - z.mean()) / z.std()).sort().values)
    far_off[name] = (place - torch.arange(1, n + 1) / n).abs().max().item()
assert far_off["rand() by mistake"] < 1.63 / n**0.5  # 1 of 100 Gaussian samples is farther off
assert far_off["coin flips"] < 1.63 / n**0.5
assert far_off["rare dots"] > 3 * 1.63 / n**0.5
assert all(abs(ends[name].mean().item()) < 0.03 for name in ("coin flips", "rare dots"))
assert all(abs(ends[name].std().item() - 1) < 0.03 for name in ("coin flips", "rare dots"))
since, generator = torch.zeros(n), seeded(13)
for _ in beta:  # steps since the last dot, with the dots of the cell
    since = torch.where(dots(generator) == 0, since + 1, torch.zeros(n))
spike = ends["rare dots"].abs() < 0.1
assert spike.double().mean().item() > 1.25 * 0.08  # N(0, 1) has 8 of 100 there
assert since[spike].median() > 2 * since[~spike].median()

# %% after: size-explain
assert 28 < read["8 x 8"] < 36
assert read["64 x 64"] > 99.5
assert list(read.values()) == sorted(read.values())
assert abs(match[512] - 0.17) < 0.02
assert abs(match[16] - 0.98) < 0.015


def band(image, fine, coarse):
    """What averaging to `coarse` pixels a side takes out of the image that is averaged to `fine` pixels a side."""
    image = avg_pool2d(image, 512 // fine)
    return image - avg_pool2d(image, fine // coarse).repeat_interleave(fine // coarse, 2).repeat_interleave(
        fine // coarse, 3
    )


kept = {}  # correlation of clean and noisy photograph, from fine detail to large shapes
for fine, coarse in ((512, 256), (256, 128), (128, 64), (64, 32), (32, 16)):
    two = [band(image, fine, coarse).flatten() for image in (camera, noisy)]
    kept[fine] = torch.corrcoef(torch.stack(two))[0, 1].item()
assert list(kept.values()) == sorted(kept.values())
assert kept[512] < 0.1
assert kept[32] > 0.5

# %% after: own-explain
assert health(mine).verdict == "good" or mine.name != "my own"
assert health(linear(250)).verdict == "fails"
assert abs(health(linear(250)).amplitude - 0.28) < 0.005
assert abs(mine.alpha_bar[-1] / alpha_bar[-1] - 1) < 0.3  # the same end, but for the squares of the betas

# %% after: full-explain
assert ones["linear, T = 200"] < 0.6 * share * many
