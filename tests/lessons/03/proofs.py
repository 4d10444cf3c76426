"""What lesson 03 says, proved in the middle of its run."""

# %% after: b1-widget
assert gaps[1] < 1e-4
assert gaps[20] < 0.006
assert 0.06 < gaps[100] < 0.1
assert gaps[200] > 0.3
assert gaps[300] > 0.7
assert 0.4 < worst[5] < 0.5
assert 0.13 < worst[10] < 0.17
assert 0.001 < worst[200] < 0.003
one_step = fitted_gaussian(way_back(300, 299, torch.tensor([[0.3]])))[2].sqrt().item()
assert abs(one_step - 0.08) < 0.005
assert abs(one_step / schedule.beta[300].sqrt().item() - 1) < 0.02  # nearly the width of the forward step
hill = modes.log_density(line[:, None], alpha_bar[299])
assert (hill.diff().sign().diff() < 0).sum() == 1  # one hump at t = 299
leaning = way_back(300, 0, torch.tensor([[1.5]]))
assert abs((leaning[0, line < 0].sum() * dx).item() - 0.04) < 0.01
narrower = ((1 - alpha_bar[:10]) / (1 - alpha_bar[1:11])).sqrt()  # single points: the step back over the forward one
assert narrower[0] == 0
assert abs(narrower[9].item() - 0.92) < 0.005
both = way_back(300, 200, torch.tensor([[0.3]]))[0]  # two pixels, independent, each at 0.3: 100 steps back
bell = fitted_gaussian(both[None])[0][0]
gap_of_two = (both[:, None] * both - bell[:, None] * bell).abs().sum() * dx**2 / 2
assert gap_of_two > 1.3 * gaps[100]  # more pixels, a larger gap

# %% after: b2-explain
for fit, exact in fits.values():
    assert all(abs(a - b) < 0.003 for a, b in zip(fit, exact, strict=True))
assert abs(fits[200, 100][1][0] - 0.259) < 5e-4
assert abs(fits[200, 100][1][2] - 0.283) < 5e-4
mean_at_0, std_at_0 = q_posterior(schedule, torch.ones(1), torch.zeros(1), 500, 0)
assert std_at_0 == 0
assert abs(mean_at_0.item() - 1) < 1e-6

# %% after: ask-03-3
assert spread[1] < 3e-5
assert spread[2] < 1e-8
assert place[-1] > 1e25
assert all(0.95 < v < 1.05 for v in right)
times = (1 - alpha_bar).sqrt() / (0.1**2 * alpha_bar + 1 - alpha_bar)  # by how much eps_hat multiplies a distance
assert abs(times.max().item() - 5) < 0.1
assert abs(times.argmax().item() - 28) <= 1
assert abs((1 - alpha_bar[28]).sqrt().item() - 0.1) < 0.003
assert 155 < (times > 2).nonzero().max() < 165  # from here down a step overshoots
assert (times[4:155] > 2).all()
assert times[3] < 2
assert max(place[100:900]) < 1.5  # stays
assert max(abs(a - b) for a, b in pairwise(place[1:901])) < 0.004  # one point that moves by eps_hat
wide = (1 - alpha_bar).sqrt() / (0.3**2 * alpha_bar + 1 - alpha_bar)
assert wide.max() < 2
calm, denoise, taken = x_T.double(), GaussianMixture(means, 0.3, weights).eps_model(schedule), []
for t in range(1000, 0, -1):
    eps_calm = denoise(calm, torch.tensor(t))
    taken.append(eps_calm.abs().max().item())
    calm = calm - eps_calm
assert max(taken[1:900]) < 0.01  # (c) remains, too
assert calm.abs().max() < 2  # bumps of std 0.3: nothing explodes
assert calm.std() < 1e-3  # only one point is left
assert abs((1 / (1 - alpha_bar[1]).sqrt()).item() - 100) < 0.1  # single points
beta = schedule.beta[1:]
fraction = beta / (1 - alpha_bar[1:]).sqrt() / (1 - beta).sqrt()  # of eps_hat, in one step, (T,)
assert 0.0055 < fraction.min() < 0.0065
assert 0.0195 < fraction.max() < 0.0205
guess = mixture.posterior_mean(x_T, alpha_bar[700])
eps_now = eps_model(x_T, torch.tensor(700))
assert torch.allclose(convert(schedule, x_T, 700, eps_now, "eps", "x0"), guess, atol=1e-3)  # (8) is E[x_0 | x_t]
by_score = (x_T + (1 - alpha_bar[700]) * mixture.score(x_T, alpha_bar[700])) / alpha_bar[700].sqrt()
assert torch.allclose(by_score.float(), guess.float(), atol=1e-3)  # Tweedie's formula with the score

# %% after: b4-explain
assert abs(w[0] - 0.5) < 1e-3
assert abs(w[0] / w[499] - 91) < 1
assert 300 < w.argmin() < 400
assert abs(w[:100].sum() / w.sum() - 0.37) < 0.01
assert abs((1 - alpha_bar[100]).sqrt().item() - 0.32) < 0.006
assert all(abs(got - said) < 0.006 for got, said in zip(result.values(), (1.0, 0.569, 1.102), strict=True))

# %% after: b5-explain-2
again, more = mixture.sample(4000, seeded(99)), mixture.sample(4000, seeded(98))
assert abs((x_on > 0).float().mean() - 0.7) < 0.03
assert w1(x_on, again) < 0.06
assert w1(again, more) < 0.06  # a second set of true samples
assert abs(x_on[x_on > 0].std().item() - 0.094) < 0.004  # 0.1 is right
assert abs(x_on[x_on < 0].std().item() - 0.094) < 0.006
assert abs(x_off.mean() - 0.994) < 0.003
assert x_off.std() < 0.001
cloud = {t: x.std().item() for t, x in without}
assert abs(cloud[900] - 0.4) < 0.03
assert abs(cloud[500] - 0.022) < 0.01
*_, (_, ours) = sample(exact_eps, x_T, schedule.grid(50), 1)
package = last(ddpm(eps_model, schedule, x_T, schedule.grid(50), generator=seeded(1)))
assert torch.allclose(ours, package, atol=1e-3)  # the sampler written out is the package's
kinds, counts = nearest(blocks[1], train)[1].unique(return_counts=True)
assert len(kinds) <= 4
assert (train_label[kinds] == 8).all()
assert counts.max() > 50
assert which[0].unique().numel() > 90
assert which[2].unique().numel() > 90
assert same > 80  # one start, the same noise in the steps: about nine of ten are the same images
*_, (_, other) = sample(digit_eps, blocks[0].flip(0) * 0 + noises.flip(0), schedule.grid(200), 1)
assert (nearest(other, train)[1] == which[0]).sum() > 80
assert which[0][:12].unique().numel() >= 11
width = {t: x.std(0).mean().item() for t, x in sample(digit_eps, noises, schedule.grid(200), 0)}  # of the cloud
assert abs(min(width.values()) - 0.008) < 0.001
assert 210 <= min(width, key=width.get) <= 290
assert 0.07 < width[0] < 0.09
to_middle = (train - train.mean(0)).flatten(1).norm(dim=1)  # how far each digit lies from the mean image
assert all((to_middle < to_middle[kind]).sum() < 11 for kind in kinds)
assert abs((1 - alpha_bar[20]).sqrt().item() - 0.076) < 5e-4

# %% after: ex-ddpm-step-use
stored = load("mnist_mini")[0]
assert nearest(x, stored)[0].max() < 1e-3  # copies, as section 6 says

# %% after: b6-explain
assert far[50].max() < 1e-3
assert far[200].max() < 1e-3
assert 0.7 < (far[10] < COPY).float().mean() < 0.9
assert (far[5] < COPY).float().mean() < 0.2
assert far[5].median() > 0.1
assert drawn[5].square().mean() < held_out.square().mean() - 0.05  # grey: less contrast
assert abs(far_held_out.median() - 0.26) < 0.01
assert nearest(drawn[1], train.mean(0, keepdim=True))[0].max() < 0.05

# %% after: b7-explain-2
together, t400 = torch.randn(3, 1, 8, 8, generator=seeded(9)), torch.tensor(400)
assert torch.allclose(window_model(train, 15)(together, t400), digit_eps(together, t400), atol=1e-3)  # 15 x 15 sees all
copies = {name: (d < COPY).float().mean().item() for name, (d, _) in twins.items()}
middle = {name: d.median().item() for name, (d, _) in twins.items()}
assert copies["sees everything"] > 0.97
assert copies["noisy data, std 0.15"] == 0
assert abs(middle["noisy data, std 0.15"] - 0.11) < 0.01
assert 0.08 < copies["sees 7 x 7"] < 0.5
assert copies["sees 5 x 5"] < 0.05
assert copies["sees 3 x 3"] == 0
noisy_data = GaussianMixture(train, 0.15).eps_model(schedule)
finer = last(ddpm(noisy_data, schedule, starts, schedule.grid(500), generator=seeded(2)))
assert 0.13 < nearest(finer, train)[0].median() < 0.155  # more steps keep more of the noise
assert abs(made["sees 5 x 5"].square().mean() - held_out.square().mean()) < 0.03  # the contrast of a scan
assert abs(middle["sees 5 x 5"] - 0.33) < 0.03
assert middle["sees 7 x 7"] < far_held_out.median() < middle["sees 5 x 5"] < middle["sees 3 x 3"]
assert (train_label[(train - train.mean(0)).square().mean((1, 2, 3)).argsort()[:12]] == 8).all()
assert exact_ink["sees everything"] > 0.99
assert exact_ink["sees 7 x 7"] > 0.85
assert abs(exact_ink["sees 5 x 5"] - 0.75) < 0.05
assert abs(exact_ink["drawn by a person"] - 0.3) < 0.06
assert held_out.unique().numel() == 17  # grey levels of a scan


def kinds_of(name, b):
    """The classes behind the ink of image b, without the white ones."""
    return len(set(parts[name][:, b].tolist()) - {-1})


assert kinds_of("sees everything", most) == 1
assert kinds_of("sees 5 x 5", most) >= 3
assert kinds_of("drawn by a person", most) >= 2
assert sum(kinds_of("drawn by a person", b) >= 2 for b in range(48)) > 27
kinds_behind = torch.stack([(parts["sees 5 x 5"] == k).any(0) for k in range(10)]).sum(0)
assert kinds_behind.median() == 3
assert count.sort(0).values[-3, most] >= 5  # three classes with much of its ink each
