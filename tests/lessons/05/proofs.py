"""What lesson 05 says, proved in the middle of its run."""

# %% after: ask-05-11
assert all(abs(a - unrelated) < 0.12 for a, _, unrelated in kept.values())  # medians of 40 pairs
assert kept["exact"][1] < 0.002
assert kept["network"][1] < 0.02
assert all(a > 0.5 for a, _, _ in kept.values())
for who in drawn:  # most pairs, not the median alone
    x, _, new_start = drawn[who].values()
    assert (apart(x, new_start) < 0.1).double().mean() > 0.8  # 0.87 and more on four seeds
assert abs(alpha_bar[1000].sqrt() - 0.0064) < 1e-4
direct = (alpha_bar[1000] / alpha_bar[400]).sqrt() * (1 - alpha_bar[400]) / (1 - alpha_bar[1000])
assert abs(direct - 0.012) < 1e-3
sd = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2  # Stable Diffusion's betas
assert abs((1 - sd).prod().sqrt() - 0.068) < 1e-3

# %% after: b2-explain-2
assert plain < 1e-12
assert euler < 1e-11
at_time = {at.t.item(): d for at, d in zip(shown, done, strict=True)}
assert 0.55 < at_time[500] / at_time[980] < 0.8  # two thirds
assert at_time[300] < 0.5 * at_time[980]
assert at_time[100] < 0.16 * at_time[980]

# %% after: b3-explain
wrong, right = ends.values()
assert abs(wrong.std() - 0.98) < 0.02
assert abs((wrong.abs() < 0.5).double().mean() - 0.30) < 0.03
assert w1(wrong, truth) > 0.45
left = torch.tensor(1.0, dtype=torch.float64)  # the variance of the noise, step by step, with one-step coefficients
for t in schedule.grid(50)[:-1]:
    a, b = alpha_bar[t], alpha_bar[t - 1]
    left = left * (a / b) * ((1 - b) / (1 - a)) ** 2 + (1 - b) / (1 - a) * (1 - a / b)
assert abs(left.sqrt() - 0.74) < 0.01
assert w1(right, truth) < 0.08

# %% after: b4-explain
for n in (20, 50):  # every interval holds some value that the others hold too
    assert max(score[k, n][1] for k in KINDS) < min(score[k, n][2] for k in KINDS)
    assert all(score[k, n][1] < real[2] + 0.1 for k in KINDS)
    assert all(0.1 < (score[k, n][2] - score[k, n][1]) / 2 < 0.45 for k in KINDS)  # about 0.2 as it ships
for n in (5, 10, 20, 50):
    assert errors["DDPM, beta", n].mean() < min(errors[k, n].mean() for k in ("DDIM", "DDPM, beta-tilde"))
assert best == "DDPM, beta"
chance = [bumps.sample(4000, seeded(100 + k)) for k in range(20)]
luck = torch.tensor([2 * abs((x > 0).double().mean() - 0.7) for x in chance])  # the bumps are 2 apart
assert luck.mean() > 0.6 * floor

# %% after: ask-05-14
for (kind, _), ratio in grain.items():
    assert ratio < 0.7 or kind == "DDPM, beta"
assert 3.2 < grain["DDPM, beta", "100, 1, 0"] < 3.8
assert 1.5 < grain["DDPM, beta", "100, 0"] < 1.9
assert 0.45 < grain["DDIM", "100, 1, 0"] < 0.65
assert 0.3 < grain["DDPM, beta-tilde", "100, 1, 0"] < 0.45
a, b = schedule.at(torch.tensor(100)), schedule.at(torch.tensor(1))
assert abs((1 - a / b).sqrt() - 0.32) < 0.01
assert abs(((1 - b) / (1 - a) * (1 - a / b)).sqrt() - 0.01) < 1e-3
assert abs((1 - b).sqrt() - 0.01) < 1e-3

# %% after: b4-explain-3
said = {"DDPM, beta": (5.1, 2.8, 1.5)}
for kind, values in said.items():
    assert all(abs(got - value) < 0.05 for got, value in zip(finest["ends 20, 1, 0", kind], values, strict=False))
for kind in KINDS:
    assert all(value < 1 for value in finest["ends 20, 0", kind][:3])
assert max(finest["ends 20, 1, 0", kind][k] for kind in ("DDIM", "DDPM, beta-tilde") for k in range(4)) < 1
quadratic = [int(800 * (k / 9) ** 2) + 1 for k in range(10)]  # the grid of the paper's program: 1, 10, 40, ..., 801
assert quadratic[:3] == [1, 10, 40]
theirs = torch.tensor([*reversed(quadratic), 0])
assert abs(std_kept(BANDS["31-62"], theirs, "DDPM, beta") - 1.75) < 0.01
a, b = schedule.at(200), schedule.at(100)
too_much = ((1 - b) - (1 - b) / (1 - a) * (1 - a / b) + (1 - a / b)).sqrt()  # noise in x_100, where beta was drawn
assert abs((1 - a / b).sqrt() - 0.51) < 0.01
assert abs(too_much - 0.54) < 0.01
fits = (schedule.sigma(torch.arange(1001)) - too_much / b.sqrt()).abs().argmin().expand(24)  # the time for that noise
*_, at_100, _ = ddpm(photo_net, schedule, photo_starts, ten, variance=1.0, generator=seeded(20))
told = at_100.x * (schedule.at(fits[0]) / b).sqrt().float()
told = convert(schedule, told, fits, photo_net(told, fits), "eps", "x0")
assert 0.4 < (measure_bands(told)["31-62"] / BANDS["31-62"]) ** 0.5 < 0.62
assert blind_far > 0.42
assert abs(blind_far - 0.47) < 0.04
assert abs(written.median() - 0.26) < 0.01
assert blind_score[0] < score["DDPM, beta", 10][2]  # as good as before
assert blind_score[1] < 0.3
grainy = held_out + 0.4 * torch.randn(held_out.shape, generator=seeded(1))  # covered as much
assert nearest(grainy, train)[0].median() > 0.42
assert abs(frechet_of(grainy)[0] - real[0] - 0.15) < 0.05

# %% after: b5-explain
assert abs(away[50] - 0.018) < 0.005
assert abs(away[10] - 0.08) < 0.018
assert unrelated / away[50] > 25
assert abs(other - unrelated) < 0.12
assert 0.6 < same[10] < 0.9
far = torch.cdist(fine.flatten(1), train.flatten(1)).sort(1).values / 8  # rms per pixel
assert abs(far[:, 0].median() - 0.34) < 0.04
assert (far[:, 1] - far[:, 0]).median() < 0.03

# %% after: b7-explain
largest = {who: d.max(0).values.mean().item() for who, d in jump.items()}
middle_step = {who: d.median().item() for who, d in jump.items()}
assert middle_step["exact"] < 0.01
assert abs(largest["exact"] - 0.53) < 0.1
assert largest["network"] < 0.45 * largest["exact"]
assert abs(largest["exact"] / middle_step["exact"] - 80) < 25
assert 1.5 < (jump["network"].max(0).values / jump["network"].median(0).values).median() < 9  # a few times
assert (jump["network"].max(0).values / jump["network"].median(0).values).max() > 7  # ten times
assert on_path.min() > 0.1  # no copy
assert on_path.median() > written.median() + 0.03
assert abs(on_path.median() - 0.33) < 0.04
assert abs(nearest(made["DDIM", 50], train)[0].median() - on_path.median()) < 0.05  # as any image of this network

# %% after: b8-explain
trip = {name: dict(zip(ns, e, strict=True)) for name, e in back.items()}
long = {name: dict(zip(ns, e, strict=True)) for name, e in length.items()}
assert abs(trip["network, held-out"][50] - 0.029) < 0.004
assert abs(trip["exact, its own"][50] - 0.040) < 0.01
assert abs(trip["exact, its own"][200] - 0.011) < 0.004
assert abs(trip["network, held-out"][200] - 0.008) < 0.0015
assert 3 < trip["network, held-out"][50] / trip["network, held-out"][200] < 4.5
assert trip["exact, its own"][50] > 3 * trip["exact, its own"][200]
assert trip["exact, held-out"][200] > max(0.2, 0.8 * trip["exact, held-out"][10])  # it does not fall
assert abs(long["exact, held-out"][200] - 1.14) < 0.04
assert 0.7 < long["network, held-out"][50] < 0.85
assert abs(inner - 1.0) < 0.07
assert abs(border - 0.2) < 0.12
for some in (train, held_out):
    inked = (some > -0.75).any(2).float().mean((0, 1))  # of each column: the share of digits with ink in it
    assert inked[0] < 0.01
    assert abs(inked[7] - 0.08) < 0.02
assert abs(long["exact, its own"][200] - 1) < 0.03
finely, few = GaussianMixture(train.double(), 0.15), held_out[:12].double()


def slope(u, level):
    """du / dsigma of the exact denoiser, at an alpha_bar below 1."""
    x = u * level.sqrt()
    return (x - level.sqrt() * finely.posterior_mean(x, level)) / (1 - level).sqrt()


def followed(x, levels, order):
    """From images along alpha_bar `levels`: by Euler's steps, as DDIM, or by Heun's, of second order."""
    u, sigma = x / levels[0].sqrt(), ((1 - levels) / levels).sqrt()
    for k, length_of in enumerate(sigma.diff()):
        begin, end = levels[k], levels[k + 1]
        first = slope(u, min(begin, end) if order == 1 or begin == 1 else begin)
        second = slope(u + length_of * first, end) if order == 2 and end < 1 else first
        u = u + length_of * (first + second) / 2
    return u * levels[-1].sqrt()


missed = [apart(followed(followed(few, alpha_bar, k), alpha_bar.flip(0), k), few).median() for k in (1, 2)]
assert missed[0] > 0.7 * trip["exact, held-out"][50]  # a thousand of Euler's steps: hardly better than fifty
assert missed[1] < 0.65 * missed[0]
package = last(invert(network, schedule, held_out[:25], schedule.grid(50)))
assert apart(package, noise_of["network, held-out", 50]).max() < 1e-3  # your steps are the package's

# %% after: b8-edit-explain
assert len(threes) == 50
as_inky = eights[(threes.mean((1, 2, 3))[:, None] - eights.mean((1, 2, 3))).abs().argmin(1)]
assert torch.corrcoef(torch.stack([hand(threes)[0], hand(as_inky)[0]]))[0, 1] > 0.99
assert abs(apart(as_inky, threes).mean() - 0.7) < 0.05
found = {who: {name: apart(x, threes).mean().item() for name, x in sets.items()} for who, sets in edits.items()}
for who in edits:
    assert found[who]["edited: 8"] < found[who]["a random 8"] - 0.1
    assert (judge.predict(edits[who]["edited: 8"].flatten(1)) == 8).mean() > 0.9
assert (judge.predict(edits["network"]["edited: 8"].flatten(1)) == 8).all()
said = {"network": (0.035, 0.48, 0.66), "exact": (0.243, 0.54, 0.69)}
for who, values in said.items():
    assert all(abs(got - value) < 0.04 for got, value in zip(found[who].values(), values, strict=True))
assert abs(apart(nearest_eight, threes).mean() - 0.49) < 0.01
point = {mark: {name: value[0] for name, value in by.items()} for mark, by in kept_hand.items()}
said = {"edited,\nnetwork": (0.97, 0.85), "edited,\nexact": (0.60, 0.65), "most like it": (0.03, 0.76)}
for name, values in said.items():
    assert all(abs(point[mark][name] - value) < 0.02 for mark, value in zip(point, values, strict=True))
assert kept_hand["ink"]["edited,\nexact"][1] > kept_hand["ink"]["most like it"][2]  # not chance
assert all(abs(point[mark]["a random 8"]) < 0.45 for mark in point)  # 50 pairs
draws_of_chance = torch.randn(2000, 2, 50, generator=seeded(1))
chance = torch.stack([torch.corrcoef(pair)[0, 1] for pair in draws_of_chance]).abs().quantile(0.95)
assert abs(chance - 0.3) < 0.04
