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
one_step = best_gaussian(way_back(300, 299, torch.tensor([[0.3]])))[2].sqrt().item()
assert abs(one_step - 0.08) < 0.005
hill = modes.log_density(line[:, None], alpha_bar[299])
assert (hill.diff().sign().diff() < 0).sum() == 1  # one hump at t = 299
leaning = way_back(300, 0, torch.tensor([[1.5]]))
assert abs((leaning[0, line < 0].sum() * dx).item() - 0.04) < 0.01

# %% after: b2-explain
for fit, exact in fits.values():
    assert all(abs(a - b) < 0.003 for a, b in zip(fit, exact, strict=True))
assert abs(fits[200, 100][1][0] - 0.259) < 5e-4
assert abs(fits[200, 100][1][2] - 0.283) < 5e-4
assert q_posterior(schedule, torch.ones(1), torch.zeros(1), 500, 0)[1] == 0

# %% after: ask-03-3
assert spread[1] < 3e-5
assert spread[2] < 1e-8
assert place[-1] > 1e25
assert all(0.95 < v < 1.05 for v in right)
times = (1 - alpha_bar).sqrt() / (0.1**2 * alpha_bar + 1 - alpha_bar)  # by how much eps_hat multiplies a distance
assert abs(times.max().item() - 5) < 0.1
assert 155 < (times > 2).nonzero().max() < 165  # from here down a step overshoots
assert max(place[100:900]) < 1.5  # quiet
assert fraction.min() > 0.005
assert fraction.max() < 0.0205

# %% after: b4-explain
assert abs(w[0] - 0.5) < 1e-3
assert abs(w[0] / w[499] - 91) < 1
assert 300 < w.argmin() < 400
assert abs(w[:100].sum() / w.sum() - 0.37) < 0.01
assert all(abs(got - said) < 0.006 for got, said in zip(stds.values(), (0.996, 0.566, 1.099), strict=True))

# %% after: b5-explain-2
assert torch.allclose(ours, package, atol=1e-4)
assert abs((x_on > 0).float().mean() - 0.7) < 0.03
assert w1(x_on, again) < 0.06
assert abs(x_off.mean() - 0.994) < 0.003
assert x_off.std() < 0.001
cloud = {t: x.std().item() for t, x in without}
assert abs(cloud[900] - 0.38) < 0.02
assert abs(cloud[500] - 0.022) < 0.01
kinds, counts = nearest(blocks[1], train)[1].unique(return_counts=True)
assert len(kinds) <= 5
assert (train_label[kinds] == 8).all()
assert counts.max() > 50
assert nearest(blocks[0], train)[1].unique().numel() > 90
assert nearest(blocks[0][:12], train)[1].unique().numel() == 12
to_middle = (train - train.mean(0)).flatten(1).norm(dim=1)  # how far each digit lies from the mean picture
assert all((to_middle < to_middle[kind]).sum() < 30 for kind in kinds)
assert abs((1 - alpha_bar[20]).sqrt().item() - 0.076) < 5e-4

# %% after: b6-explain
assert far[50].max() < 1e-3
assert far[200].max() < 1e-3
assert 0.7 < (far[10] < COPY).float().mean() < 0.9
assert (far[5] < COPY).float().mean() < 0.2
assert far[5].median() > 0.1
assert abs(far_held_out.median() - 0.26) < 0.01
assert nearest(drawn[1], train.mean(0, keepdim=True))[0].max() < 0.05

# %% after: b7-explain-2
together, t400 = torch.randn(3, 1, 8, 8, generator=seeded(9)), torch.tensor(400)
assert torch.allclose(window_model(train, 15)(together, t400), digit_eps(together, t400), atol=1e-3)  # 15 x 15 sees all
copies = {name: (d < COPY).float().mean().item() for name, (d, _) in twins.items()}
middle = {name: d.median().item() for name, (d, _) in twins.items()}
assert copies["sees everything"] > 0.97
assert copies["blurred data, std 0.15"] == 0
assert abs(middle["blurred data, std 0.15"] - 0.11) < 0.01
assert 0.08 < copies["sees 7 x 7"] < 0.5
assert copies["sees 5 x 5"] < 0.03
assert copies["sees 3 x 3"] == 0
assert contrast["sees everything, 5 steps"] < 0.66
assert abs(contrast["sees 5 x 5"] - held_out.square().mean()) < 0.03
whose = train_label[sources(made["sees 5 x 5"][7:8], 5)[:, 0]][made["sees 5 x 5"][7].flatten() > -0.5]
assert set(whose.bincount(minlength=10).topk(3).indices.tolist()) == {5, 7, 9}
assert number["sees everything"].max() == 1
assert number["sees 5 x 5"].median() > 3 * number["sees 7 x 7"].median()
assert abs(middle["sees 5 x 5"] - 0.33) < 0.03
assert middle["sees 7 x 7"] < far_held_out.median() < middle["sees 5 x 5"] < middle["sees 3 x 3"]

# %% after: further-c-explain
assert 0.38 < passed["5 x 5"][0] < 0.67
assert 0.65 < passed["7 x 7"][0] < 0.95
assert passed["3 x 3"][0] < 0.35
assert passed["pure noise"][0] == 0
assert abs(bump["beta-tilde", 50] - 0.07) < 0.006
assert abs(bump["beta", 50] - 0.104) < 0.006
assert bump["beta-tilde", 500] > 0.085
assert bump["beta-tilde", 500] < 0.1
assert abs(empty["beta-tilde", 2] - 0.61) < 0.06
assert empty["beta-tilde", 1] == 1
assert abs(tilde + rest - exact) < 1e-6
assert abs(exact - 0.6037) < 1e-3
assert abs((x > 0).float().mean() - 0.5) < 0.05
assert x[x > 0].std() < 0.05
assert ((x > 0) == (x_T > 0)).float().mean() > 0.98
