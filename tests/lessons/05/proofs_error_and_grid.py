"""What the further notebook of lesson 05 says, proved in the middle of its run."""

# %% after: ask-05-10
real = frechet_of(held_out)
bad = {name: frechet_of(x) for name, x in blown.items()}
for name in ("linear", "cosine, no error", "cosine, clipped", "cosine, from sigma 80", "cosine, eta = 1"):
    assert bad[name][1] < real[2], name
assert bad["cosine"][1] > 4
net_bad = {name: frechet_of(x) for name, x in nets.items()}
for name in ("linear", "cosine, clipped", "cosine, from sigma 80", "cosine, predicts v"):
    assert net_bad[name][1] < real[2] + 0.3, name
assert net_bad["cosine"][0] > 1e5
assert net_bad["cosine, eta = 1"][0] > 1e6
assert abs(firsts["net"].std() - 19) < 4
assert abs(firsts["1 %"].std() - 6.3) < 0.5
assert nets["cosine"].abs().max() > 1000
assert frechet_of(wrong)[1] > 5
assert abs(schedule.at(980).sqrt() * (schedule.sigma(1000) - schedule.sigma(980)) - 0.22) < 0.01
assert abs(cos.at(980).sqrt() * (cos.sigma(1000) - cos.sigma(980)) - 631) < 1
assert abs((cos.at(980) / cos.at(1000)).sqrt() - 632.4) < 0.5
assert abs((cos.at(995) / cos.at(1000)).sqrt() - 158) < 1
assert abs(cos.at(1000).sqrt() - 5e-5) < 1e-6

# %% after: ask-05-12
assert list(level.values()) == sorted(level.values(), reverse=True)
assert all(abs(t - said) < 6 for t, said in zip(level.values(), (521, 336, 166, 58, 16), strict=True))
assert abs(share["even"]["31-62"] - 0.18) < 0.01
assert abs(share["quadratic"]["31-62"] - 0.68) < 0.01
assert abs(share["Karras"]["31-62"] - 0.68) < 0.02
assert abs(share["Karras"]["15-30"] - 0.72) < 0.01
assert abs(share["quadratic"]["15-30"] - 0.80) < 0.01
assert all(share["Karras"][band] < share["quadratic"][band] - 0.05 for band in ("3-6", "7-14", "15-30"))
assert abs(share["quadratic"]["1-2"] - 0.81) < 0.01
assert abs(share["even"]["1-2"] - 0.86) < 0.01
assert abs(share["Karras"]["1-2"] - 0.80) < 0.01
assert [int(t) for t in schedule.karras_grid(10) if 50 < t < 600] == [576, 415, 218, 72]
assert (schedule.karras_grid(10)[:-1] < 16).sum() == 2
assert (schedule.grid(10)[:-1] < 166).sum() == 1
assert (quadratic(10)[:-1] < 166).sum() == 4
for n in (5, 10, 20):
    assert by_grid["quadratic", n][0] < min(by_grid["even", n][0], by_grid["Karras", n][0])
    assert by_grid["quadratic", n][2] < by_grid["even", n][3]
assert quadratic(50)[-4:].tolist() == [4, 2, 0, 0]

# %% after: c-explain
change = {what: {key: v / by[key[0], "ends"] - 1 for key, v in by.items()} for what, by in lost.items()}
for who in ("exact", "network"):
    assert -0.06 < change["contrast"][who, "line"] < -0.002  # some percent
    assert -0.15 < change["variety"][who, "line"] < -0.05
    assert change["variety"][who, "line"] < change["contrast"][who, "line"] - 0.02
    assert all(abs(by[who, "sphere"]) < 0.05 for by in change.values())
straight = middles["line"].flatten(1).norm(dim=1).mean()
assert abs(straight - 5.6) < 0.15
