"""What lesson 05 says, proved in the middle of its run."""

# %% after: ask-05-11
assert all(abs(a - stranger) < 0.05 for a, _, stranger in kept.values())
assert kept["exact"][1] < 0.002
assert kept["network"][1] < 0.02
assert abs(kept["exact"][2] - 0.8) < 0.03
assert abs(alpha_bar[1000].sqrt() - 0.0064) < 1e-4

# %% after: b2-explain-2
assert plain < 1e-12
assert euler < 1e-11
assert all(abs(done[t] - said) < 0.02 for t, said in ((980, 0.54), (500, 0.37), (300, 0.20), (100, 0.06)))

# %% after: b3-explain
wrong, right = ends.values()
assert abs(wrong.std() - 0.98) < 0.02
assert abs((wrong.abs() < 0.5).double().mean() - 0.30) < 0.03
assert w1(wrong, truth) > 0.45
assert w1(right, truth) < 0.08

# %% after: b4-explain
for n in (20, 50):  # every interval holds some value that the others hold too
    assert max(score[k, n][1] for k in KINDS) < min(score[k, n][2] for k in KINDS)
assert score["DDPM, beta-tilde", 5][0] > max(score["DDPM, beta", 5][2], score["DDIM", 5][2])
assert score["DDPM, beta-tilde", 10][0] > max(score["DDPM, beta", 10][0], score["DDIM", 10][0])
assert not quick or score["DDPM, beta-tilde", 10][1] < score["DDIM", 10][2]
assert abs(score["DDIM", 10][0] - score["DDPM, beta", 10][0]) < 0.2
assert score["DDIM", 50][1] < real[2] + 0.05
assert score["DDIM", 50][0] < 0.3
for n in (5, 10, 20, 50):
    assert errors["DDPM, beta", n].mean() < min(errors[k, n].mean() for k in KINDS[:2])
assert all(errors[k, 1000].mean() < 1.6 * floor for k in KINDS)
assert clean["DDPM, beta-tilde"] < clean["DDIM"] < clean["truth"] < clean["DDPM, beta"]
said = {"DDIM": 0.124, "DDPM, beta-tilde": 0.113, "DDPM, beta": 0.159, "truth": 0.147}
assert all(abs(clean[name] - value) < 0.004 for name, value in said.items())

# %% after: ask-05-4
gap = {n: apart(made["DDIM", n][:M], fine).median().item() for n in (50, 10)}
assert abs(gap[50] - 0.018) < 0.004
assert abs(gap[10] - 0.08) < 0.015
assert stranger / gap[50] > 25
assert abs(other - stranger) < 0.06
assert 0.62 < (nearest(made["DDIM", 10][:M], train)[1] == home).float().mean() < 0.85

# %% after: ask-05-10
bad = {name: frechet_of(x) for name, x in blown.items()}
for name in ("linear", "cosine, no error", "cosine, clipped", "cosine, from sigma 80", "cosine, all the dice"):
    assert bad[name][1] < real[2], name
assert bad["cosine"][1] > 4
net_bad = {name: frechet_of(x) for name, x in nets.items()}
for name in ("linear", "cosine, clipped", "cosine, from sigma 80", "cosine, predicts v"):
    assert net_bad[name][1] < real[2] + 0.3, name
assert net_bad["cosine"][0] > 1e5
assert net_bad["cosine, all the dice"][0] > 1e6
assert abs(firsts["net"].std() - 19) < 4
assert abs(firsts["1 %"].std() - 6.3) < 0.5
assert nets["cosine"].abs().max() > 1000
assert frechet_of(wrong)[1] > 5
assert abs(schedule.at(980).sqrt() * (schedule.sigma(1000) - schedule.sigma(980)) - 0.22) < 0.01
assert abs(cos.at(980).sqrt() * (cos.sigma(1000) - cos.sigma(980)) - 631) < 1
assert abs((cos.at(980) / cos.at(1000)).sqrt() - 632.4) < 0.5
assert abs((cos.at(995) / cos.at(1000)).sqrt() - 158) < 1
assert abs(cos.at(1000).sqrt() - 5e-5) < 1e-6

# %% after: b7-explain
largest = {who: d.max(0).values.mean().item() for who, d in jump.items()}
middle_step = {who: d.median().item() for who, d in jump.items()}
assert middle_step["exact"] < 0.01
assert abs(largest["exact"] - 0.5) < 0.1
assert largest["network"] < 0.45 * largest["exact"]
assert abs(largest["exact"] / middle_step["exact"] - 80) < 20
assert 3.5 < largest["network"] / middle_step["network"] < 8
for who in ("exact", "network"):
    ends, arc, straight = (table[name, who] for name in middles)
    assert abs(arc[0] / ends[0] - 1) < 0.01
    assert abs(straight[0] / ends[0] - 0.5**0.5) < 0.01
    assert abs(straight[0] - 5.6) < 0.1
    assert straight[1] > 0.96 * ends[1]
    assert straight[2] < 0.95 * ends[2]
    assert straight[3] > ends[3]
said = {("ends", "exact"): 0.77, ("straight middle", "exact"): 0.68}
said |= {("ends", "network"): 0.72, ("straight middle", "network"): 0.66}
assert all(abs(table[place][2] - value) < 0.02 for place, value in said.items())
start, arc, straight = (table[name, "network"] for name in middles)
assert abs(start[3] - 0.13) < 0.15
assert abs(straight[3] - 0.55) < 0.2
assert arc[4] < start[5]  # the two intervals meet: nothing that can be measured
assert not quick or straight[4] < start[5]

# %% after: b8-explain
trip = {name: dict(zip(ways, e, strict=True)) for name, e in back.items()}
assert abs(trip["network, held-out"][50] - 0.029) < 0.004
assert abs(trip["exact, its own"][50] - 0.040) < 0.005
assert abs(trip["exact, its own"][200] - 0.011) < 0.003
assert abs(trip["network, held-out"][200] - 0.008) < 0.0015
assert 3 < trip["network, held-out"][50] / trip["network, held-out"][200] < 4.5
assert trip["exact, its own"][50] > 3 * trip["exact, its own"][200]
assert trip["exact, held-out"][200] > 0.2
assert abs(dict(zip(ways, length["exact, held-out"], strict=True))[200] - 1.14) < 0.04
assert 0.7 < dict(zip(ways, length["network, held-out"], strict=True))[50] < 0.85
assert abs(middle - 1.0) < 0.07
assert abs(border - 0.2) < 0.12
assert train[..., [0, 7]].mean() < -0.95
assert abs(dict(zip(ways, length["exact, its own"], strict=True))[200] - 1) < 0.03

# %% after: b8-edit-explain
assert len(threes) == 50
for who in edits:
    assert moved[who][1] < moved[who][2] - 0.1
    assert (judge.predict(edits[who][1].flatten(1)) == 8).mean() > 0.9
assert abs(moved["network"][0] - 0.035) < 0.01
assert abs(moved["exact"][0] - 0.243) < 0.03
assert abs(moved["network"][1] - 0.48) < 0.03
assert abs(moved["network"][2] - 0.66) < 0.04
assert abs(moved["exact"][1] - 0.54) < 0.04
assert abs(moved["exact"][2] - 0.69) < 0.04
assert (judge.predict(edits["network"][1].flatten(1)) == 8).all()
assert all(abs(got - said) < 0.06 for got, said in zip(kept_hand["edited: 8"], (0.97, 0.85), strict=True))
assert all(abs(got - said) < 0.1 for got, said in zip(kept_hand["a random 8"], (0.11, 0.03), strict=True))

# %% after: ask-05-12
assert list(level.values()) == sorted(level.values(), reverse=True)
assert all(abs(t - said) < 6 for t, said in zip(level.values(), (521, 336, 166, 58, 16), strict=True))
assert abs(share["even"]["31-62"] - 0.18) < 0.01
assert abs(share["quadratic"]["31-62"] - 0.68) < 0.01
assert (schedule.grid(10)[:-1] < 166).sum() == 1
assert (quadratic(10)[:-1] < 166).sum() == 4
for n in (5, 10, 20):
    assert by_grid["quadratic", n][0] < min(by_grid["even", n][0], by_grid["Karras", n][0])
    assert by_grid["quadratic", n][2] < by_grid["even", n][3]
assert quadratic(50)[-4:].tolist() == [4, 2, 0, 0]
