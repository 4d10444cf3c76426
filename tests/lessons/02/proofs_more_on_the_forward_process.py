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

# %% after: size-explain
assert 28 < read["8 x 8"] < 36
assert read["64 x 64"] > 99.5
assert list(read.values()) == sorted(read.values())
assert abs(match[512] - 0.17) < 0.02
assert abs(match[16] - 0.98) < 0.015

# %% after: own-explain
assert health(mine).verdict == "good" or mine.name != "my own"

# %% after: full
assert ones["linear, T = 200"] < 0.6 * share * many
