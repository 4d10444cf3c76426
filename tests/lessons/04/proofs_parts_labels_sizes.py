"""What the notebook on parts, labels and sizes says, proved in the middle of its run."""

# %% after: a-explain
assert (look(h) - theirs(h)).abs().max() < 1e-4
whole = runs["half"]
assert 1.15 < runs["no skips"]["held_out"] / whole["held_out"] < 1.25
assert abs(runs["no skips"]["per_t"][0] - 0.99) < 0.01
assert abs(runs["no attention"]["held_out"] - whole["held_out"]) < 0.001
assert runs["one level"]["held_out"] < whole["held_out"]
assert all(
    runs["one level"]["per_t"][stored_times.index(t)] > whole["per_t"][stored_times.index(t)] for t in (200, 300)
)
assert runs["one level"]["frechet"][1] > whole["frechet"][2]
assert [round(run["frechet"][0], 2) for run in (runs["one level"], whole)] == [0.84, 0.34]
assert 1.5 < runs["one level"]["seconds"] / whole["seconds"] < 2.5

# %% after: b-explain
share = {t: value / t for t, value in doubt.items()}
assert all(abs(median[t] - t) < 5 for t in (20, 50, 100, 200))
assert min(share, key=share.get) in (100, 200)
assert 0.25 < share[500] < 0.4
assert share[1] > 0.5
assert sorted(doubt.values())[:6] == [doubt[t] for t in (1, 5, 20, 50, 100, 200)]
assert doubt[900] < 1.2 * doubt[500]

# %% after: c-explain
assert abs(untrained - 0.25) < 0.02
assert abs(at_end["none"] - 6.7) < 0.1
assert at_end["c) v, loss\non v"] > 0.5
assert 0.8 < at_end["b)\nweights"] / at_end["none"] < 0.9
assert at_end["a) t at\nrandom"] > at_end["none"]
assert max(at_end["c) v, loss\non v"], at_end["d) v, loss\non eps"]) < 0.65
assert (sigma * per_t(repaired).sqrt())[-1] < 0.75
assert (sigma * per_t(eps_net).sqrt())[-1] > 2
seeds = [runs[name]["held_out"] for name in ("half", "half, seed 1", "half, seed 2")]
assert runs["half, v, eps loss"]["held_out"] < min(seeds) - 0.001
assert runs["half, v, eps loss"]["held_out"] < min(runs[run]["held_out"] for run in list(changes.values())[:4])
assert runs["half, v"]["held_out"] > max(seeds)
assert abs(runs["half"]["largest"] - 14) < 0.5
assert max(runs["half, v"]["largest"], runs["half, v, eps loss"]["largest"]) < 1.6
assert max(runs[run]["frechet"][1] for run in changes.values()) < min(
    runs[run]["frechet"][2] for run in changes.values()
)
assert 2.5 < runs["x0"]["held_out"] / runs["base"]["held_out"] < 3
surplus = torch.tensor(runs["x0"]["per_t"]) - torch.tensor(runs["base"]["per_t"])
early = stored_times.index(50) + 1
spaced = torch.tensor(stored_times)
below = torch.trapezoid(surplus[:early], spaced[:early])
assert below / torch.trapezoid(surplus, spaced) > 0.9
assert runs["x0"]["frechet"][1] < runs["base"]["frechet"][2]

# %% after: d-explain
assert 300 < times[ratio.argmin()] < 800
assert times[saved.argmax()] in (100, 200, 300)
assert with_label[-1] < without_label[-1] < 2e-5
assert 0.58 < ratio[times.index(500)] < 0.65  # nearly 40 % less
assert 0.94 < ratio[times.index(20)] < 1
assert (shuffled - 1).abs().max() < 0.05

# %% after: d-explain-2
assert right_digit[0] < 0.25
assert abs(right_digit[1] - 0.95) < 0.05
assert min(right_digit[w] for w in (2, 4, 8)) > 0.97
assert far_off[1][0] < far_off[2][0] < far_off[4][0] < far_off[8][0]
assert far_off[8][1] > far_off[1][2]
assert far_off[0][1] > far_off[1][2]
assert abs(beyond[8] - 0.65) < 0.1

# %% after: e-mnist-explain
mnist = {kind: stored[kind]["frechet"] for kind in ("eps", "v", "linear")}
assert mnist["eps"][1] > mnist["linear"][2]
assert mnist["v"][2] < mnist["linear"][1]
assert [round(mnist[kind][0]) for kind in ("eps", "linear")] == [28, 15]
assert (round(mnist["v"][0], 1), round(stored["floor"][0], 1)) == (9.6, 8.2)
assert [round(stored[kind]["held_out"], 3) for kind in ("eps", "linear")] == [0.061, 0.073]
assert abs(stored["v"]["held_out"] / stored["eps"]["held_out"] - 0.95) < 0.01
late = range(stored_times.index(500), 11)
assert all(stored["eps"]["per_t"][k] > 1.2 * stored["linear"]["per_t"][k] for k in late)
assert all(stored["v"]["per_t"][k] < 1.25 * stored["linear"]["per_t"][k] for k in late)
assert all(75 < stored[kind]["seconds"] < 95 for kind in ("eps", "v"))

# %% after: e-cifar-explain
assert (card.step, card.recipe["batch"], card.net["width"]) == (6000, 64, 32)
assert abs(loss - 0.0387) < 0.0002
assert abs(minutes - 8.5) < 0.1
