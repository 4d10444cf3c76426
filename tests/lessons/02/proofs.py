"""What lesson 02 says, proved in the middle of its run."""

# %% after: hook-explain
assert classify(ends[0], left.at(200).item() ** 0.5, (1 - left.at(200).item()) ** 0.5).argmax() == labels[which]
assert abs(accuracy(left.alpha_bar[-1].item()) - 38) < 2
assert abs(accuracy(right.alpha_bar[-1].item()) - 10.7) < 1

# %% after: add
assert abs(added - 10.05) < 1e-3
assert abs(x.var().item() - 10.62) < 0.2
assert 28 < add_right < 35

# %% after: two-explain
assert abs(kept[-1].item() / 4.036e-5 - 1) < 1e-3
assert abs(sigma[-1].item() - 157.4) < 0.1
same = classify(shrunk, kept[-1].sqrt(), (1 - kept[-1]).sqrt())
assert torch.allclose(same, classify(shrunk / kept[-1].sqrt(), 1, sigma[-1]))  # a scaling changes no posterior
half_way = torch.randn(digits.shape, generator=seeded(4)) * 0.7 + 0.7 * digits
assert torch.allclose(classify(half_way, 0.7, 0.7), classify(half_way / 0.7, 1, 1))
assert not torch.allclose(classify(half_way, 0.7, 0.7), classify(half_way, 1, 1))
apart = (torch.tensor(read["add more"]) - torch.tensor(read["shrink, then add"])).abs()
assert apart.max() < 5.5  # two draws of 1,797 digits: the std of their difference is at most 1.7
assert abs(read["add more"][-1] - 10) < 3
assert abs(std["add more"][-1] - 157.4) < 2
assert 0.74 < min(std["shrink, then add"]) < max(std["shrink, then add"]) < 1.02

# %% after: factor-explain
assert abs(ended["root of 1 - beta"] - 1) < 0.05
assert abs(ended["1 - beta"] - 1 / (2 - 0.02)) < 0.03
assert ended["1 - root of beta"] < 0.2
for name, V in (("digits", 0.566), ("invented", 4.0)):
    start = (
        digits.double().flatten()[:100_000]
        if name == "digits"
        else 2 * torch.randn(100_000, generator=seeded(9)).double()
    )
    now, V_start = start, start.var()
    for s, beta_t in enumerate(beta, start=1):
        now = (1 - beta_t).sqrt() * now + beta_t.sqrt() * torch.randn(now.shape, generator=seeded(9 + s))
        if s % 250 == 0:
            assert abs(now.var() - (1 - kept[s - 1] * (1 - V_start))) < 0.03 * now.var()
    assert abs(V_start - V) < 0.03 * V

# %% after: grows-explain
assert crossing == 208
assert int((alpha_bar < 0.5).nonzero()[0]) == 260
assert abs(noise_std[208].item() - 0.6) < 0.01
assert 100 < (digit_std[208] / digit_std[1000]).item() < 150
assert 48 < levels[390] < 53
assert 12.8 < levels[700] < 15
assert 9.7 < levels[1000] < 11.7

# %% after: jump-derive-explain
for s in walked:
    mean, spread = 0.7 * amplitude[s].item(), noise_std[s].item()
    for z in (walked[s], jumped[s]):
        curve = torch.special.ndtr((z.double().sort().values - mean) / spread)
        gap = (curve - (torch.arange(n) + 0.5) / n).abs().max().item() + 0.5 / n
        assert gap < 1.95 / n**0.5  # of true Gaussian samples one in a thousand exceeds this
        wrong = torch.special.ndtr((z.double().sort().values - mean) / (1.05 * spread))
        assert (wrong - (torch.arange(n) + 0.5) / n).abs().max() > 1.95 / n**0.5  # 5 % would be noticed
assert abs(math.sqrt(1 - 0.9 * 0.8) - 0.529) < 1e-3
assert abs(math.sqrt(alpha_bar[510] / alpha_bar[500] * (1 - alpha_bar[500]) / (1 - alpha_bar[510])) - 0.946) < 1e-3

# %% after: coin-explain
for s, at_least, at_most in ((1, 0.3, 1), (4, 0.03, 1), (1000, 0, 1.95 / n**0.5)):
    curve = torch.special.ndtr((flipped[s].double().sort().values - 0.7 * amplitude[s]) / noise_std[s])
    assert at_least <= (curve - (torch.arange(n) + 0.5) / n).abs().max() < at_most

# %% after: slips-explain
assert abs(least.item() - 0.75) < 1e-3
assert at.item() == 259
assert abs(beta_for_root[-1] - 0.019) < 1e-3
assert abs(same_eps[-1] ** 2 - 224) < 1
columns = (alpha_bar[torch.arange(28)].sqrt() * mnist[:28]).float()
rows = alpha_bar[torch.arange(28)].sqrt().reshape(-1, 1, 1, 1) * mnist[:28]
assert columns.shape == rows.shape
assert not torch.allclose(columns, rows.float())

# %% after: end-explain
verdicts = [each.verdict for each in judged.values()]
assert verdicts == ["good", "good", "warns", "warns", "fails", "fails", "fails"]
end_of = {name.replace("\n", " "): each.alpha_bar_T for name, each in judged.items()}
assert abs(end_of["linear 200"] - 0.132) < 1e-3
assert abs(end_of["linear 300"] - 0.048) < 1e-3
assert abs(end_of["linear 500"] - 6.35e-3) < 1e-5
assert abs(end_of["SD 1.x 1000"] - 4.66e-3) < 1e-5
assert abs(linear(200).alpha_bar[-1].sqrt().item() - 0.36) < 5e-3
copied = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 501, dtype=torch.float64), 0)[-1]  # the notebook's own table
assert abs(copied / 6.3e-3 - 1) < 0.03

# %% after: missing-explain
assert min(copies.values()) == 500
assert counts["T = 200"][1] <= 13
assert counts["T = 300"][1] <= 24
assert all(counts["T = 200"][k] > 64 for k in (0, 2))
assert 160 < ones["DDPM, T = 1000"] < 240
assert 105 < ones["SD 1.x, T = 1000"] < 180
for name in ("DDPM, T = 1000", "SD 1.x, T = 1000", "T = 200, from the true x_T"):
    assert 18 < counts[name].min() <= counts[name].max() < 82
assert counts["T = 200, darker start"][1] > 75
assert follows > 0.8
assert abs(len(found["T = 200"][1].unique()) - 300) < 50
assert abs(starts["T = 200, from the true x_T"][1].mean().item() + 0.27) < 0.02
assert abs(mnist.mean().item() + 0.742) < 1e-3

# %% after: cosine-explain
assert spent["linear"].tolist() == [27, 66, 166, 226, 189, 326]
assert spent["cosine"].tolist() == [56, 132, 308, 307, 133, 64]
assert spent["linear"][2:4].sum() == 392
assert spent["cosine"][2:4].sum() == 615
assert abs(linear().at(500).item() - 0.079) < 1e-3
assert abs(cosine().at(500).item() - 0.494) < 1e-3
in_band = [accuracy(1 / (1 + 10 ** (-dB / 10))) for dB in (10, -10, -20)]
assert in_band[0] > 99.5
assert 28 < in_band[1] < 35
assert in_band[2] < 19

# %% after: circle-explain
assert abs(min(lengths) - 1) < 0.05
assert abs(max(lengths) - 1) < 0.05
assert (angle["cosine"][5:996] - 0.09 * torch.arange(5, 996)).abs().max() < 0.64
assert (angle["linear"][10] - angle["linear"][9]) > 10 * (angle["linear"][900] - angle["linear"][899])
wish = torch.cos((torch.arange(1001).double() / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2
assert int((1 - wish[1:] / wish[:-1] > 0.999).sum()) == 1
assert abs(cosine().sigma(1000).item() - 20_291) < 5

# %% after: errors-explain
assert torch.allclose(becomes["eps to x0"], linear().snr(after) ** -0.5)
assert torch.allclose(becomes["x0 to eps"], linear().snr(after) ** 0.5)
assert abs(becomes["eps to x0"][899].item() - 60) < 1
assert abs(becomes["eps to x0"][-1].item() - 157) < 1
assert abs(becomes["x0 to eps"][0].item() - 100) < 0.1
assert max(becomes["v to x0"].max(), becomes["v to eps"].max()) < 1
assert abs(linear().snr(900).item() - 2.75e-4) < 1e-6
best_rms, nothing_rms = rms.values()
assert abs(best_rms - 0.009) < 5e-4
assert abs(nothing_rms - 0.014) < 5e-4
by_hand = convert(Schedule(torch.tensor([1.0, 0.36])), torch.tensor([1.2]), 1, torch.tensor([0.5]), "eps", "v")
assert abs(by_hand.item() + 0.767) < 1e-3
assert abs(best_rms * becomes["eps to x0"][899].item() - 0.54) < 0.02
assert abs(nothing_rms * becomes["eps to x0"][899].item() - 0.85) < 0.02
