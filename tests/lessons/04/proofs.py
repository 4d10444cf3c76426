"""What lesson 04 says, proved in the middle of its run."""

# %% after: hook-explain
assert abs(scores["A, learned from"] - 0.0205) < 0.001
assert abs(scores["A, never seen"] - 2.24) < 0.1
assert abs(scores["B, learned from"] - 0.086) < 0.001
assert abs(scores["B, never seen"] - 0.088) < 0.001
assert nearest(from_a, scans)[0].max() < 1e-3
assert nearest(from_b.clamp(-1, 1), scans)[0].median() > 0.2
assert abs(card.metrics["held_out"] - scores["B, never seen"]) < 1e-3

# %% after: ask-04-3
a = schedule.alpha_bar[times]
assert torch.allclose(ruler_t["x_t"].double(), a * m2 + (1 - (1 - a).sqrt()) ** 2, rtol=0.03)
assert abs(m2 - 0.72) < 0.01
assert abs(a[times.index(500)] * 0.72 + (1 - (1 - a[times.index(500)]).sqrt()) ** 2 - 0.0582) < 1e-4
assert abs(average["linear"] - 0.12) < 0.003
assert abs(average["zero"] - 1) < 0.01
assert abs(ruler_t["linear"][0] - 0.95) < 0.02
assert ruler_t["x_t"][-1] < 1e-4
assert ruler_t["linear"][0] / ruler_t["linear"][-1] > 3e4
assert exact_t["its own"][:4].max() < 3e-6
assert exact_t["unseen"][0] > 100
every = torch.arange(10, 1001, 10)
shares = loss_per_t(linear_guess, schedule, unseen, every, generator=seeded(0))
assert 0.86 < shares[every <= 300].sum() / shares.sum() < 0.92
assert 0.01 < shares[every > 500].sum() / shares.sum() < 0.03

# %% after: b2-train
assert abs(first - first_eps.square().mean().item()) < 1e-6
assert abs(first - 1) < 0.07
assert smooth[-3:].mean() < 0.2
assert shapes["down1"] == (32, 4, 4)
assert shapes["up1"] == (32, 4, 4)
assert shapes["out"] == (1, 8, 8)
assert (look(h) - theirs(h)).abs().max() < 1e-4
assert abs(average["c x_t"] - 0.249) < 0.004

# %% after: b3-train-explain
assert gap < 1e-4
assert count == 138_065
assert losses[0] > 0.5
assert 100 <= 10 * (1 + min(k for k, loss in enumerate(losses) if loss < 0.12)) <= 200
assert abs(mine_average - 0.088) < 0.004
three = [runs[name] for name in ("base", "seed 1", "seed 2")]
assert all(abs(sum(run["loss"][7:12]) / 5 - 0.136) < 0.001 for run in three)  # steps 80 to 120
assert all(0.0945 < sum(run["loss"][47:52]) / 5 < 0.0985 for run in three)
assert all(0.0845 < sum(run["loss"][92:97]) / 5 < 0.0865 for run in three)
assert all(0.0875 < run["held_out"] < 0.0882 for run in three)

# %% after: b3-explain-2
assert abs(blind_average / mine_average - 1.16) < 0.05
assert apart["blind"][1] > apart["with clock"][2]  # the intervals do not meet
assert apart["unseen scans"][0] < 0.1
assert mine_t[0] > mine_t[4] > mine_t[7] > mine_t[9]  # t = 1, 50, 300, 700
assert abs(in_picture["blind"][-1] - 14) < 1
assert abs(in_picture["with clock"][-1] - 4.8) < 1.5
assert healed["clock from\nt = 900 down"][2] < apart["blind"][1]
assert abs(healed["clock from\nt = 900 down"][0] - apart["with clock"][0]) < 0.1
assert healed["clock from\nt = 300 down"][1] > apart["with clock"][0]
assert excess[50] < 1.1
assert 1.1 < excess[300] < 1.3
assert 1.3 < excess[500] < 1.6
assert 2 < excess[700] < 4
spaced = torch.tensor(times)
middle = slice(times.index(100), times.index(500) + 1)
extra = blind_t - mine_t
assert 0.4 < torch.trapezoid(extra[middle], spaced[middle]) / torch.trapezoid(extra, spaced) < 0.6
assert 0.8 < torch.trapezoid(mine_t[:8], spaced[:8]) / torch.trapezoid(mine_t, spaced) < 0.9  # t <= 300
assert linear_error[-1] < 0.7
assert abs(sigma[-1] - 157) < 1

# %% after: b4-explain
assert abs(right[0, 999] - 0.966) < 0.002
assert abs(left[499, 500] - 0.966) < 0.002
assert left[499, 899] < 0.3
assert abs(points["no clock"] - 0.71) < 0.01
assert points["no clock"] > 2 * max(value for name, value in points.items() if name != "no clock")
assert [round(runs[run]["held_out"], 3) for run in ("raw", "base")] == [0.092, 0.088]
assert max(points, key=points.get) == "no clock"
assert runs["raw"]["held_out"] > 1.03 * max(runs[run]["held_out"] for run in ("fraction", "adding", "base"))
assert runs["raw"]["frechet"][1] < min(runs[run]["frechet"][2] for run in ("fraction", "adding", "base"))
assert abs(runs["raw"]["largest"] - 16) < 1
assert max(runs[run]["largest"] for run in ("fraction", "adding", "base")) < 5

# %% after: b5-explain-2
ends = {name: run["loss"][-1] for name, run in exhibits.items()}
assert min(ends, key=ends.get) == "seed"
assert ends["seed"] < 1e-5
assert exhibits["seed"]["frechet"][1] > exhibits["healthy"]["frechet"][2]
assert exhibits["sign"]["loss"] == healthy
assert abs(exhibits["sign"]["largest"] - 2021) < 5
assert abs(exhibits["sign"]["held_out"] - 3.65) < 0.01
assert exhibits["lr 0.2"]["loss"][0] > 3
assert min(exhibits["lr 0.2"]["loss"]) > 0.8
assert ends["0..1"] < 0.7 * ends["healthy"] < ends["t to 500"]
assert 2.5 < ends["0..16"] / ends["healthy"] < 3.2
assert [round(exhibits[name]["frechet"][0], 1) for name in ("0..1", "0..16", "healthy")] == [1.3, 1.5, 1.4]
assert exhibits["t to 500"]["frechet"][1] < exhibits["healthy"]["frechet"][2]
assert healthy[5] < 0.2
assert min(healthy[20:]) < 0.121
assert leak[-1] < scores["A, learned from"]
assert fresh > 5 * leak[-1]

# %% after: b6-explain-2
assert abs(mine_t[4] / own_t["your U-Net"][4] - 1) < 0.03
assert abs(mine_t[7] / own_t["your U-Net"][7] - 1) < 0.03
assert abs(exact_t["unseen"][4] - 2.4) < 0.3
assert own_t["exact set"][4] < 1e-6
assert 0.24 < mine_t[5] < mine_t[0] < 0.95
assert (own_t["your U-Net"][:8] > own_t["exact set"][:8]).all()
assert near["exact set"] < 1e-3
assert abs(near["unseen scans"] - 0.26) < 0.01
assert 0.3 < near["yours"] < 0.38
assert abs(frechet["exact set"][0]) < 0.08
assert frechet["linear"][1] > frechet["yours"][2]
assert max(frechet["linear"][1], frechet["blind"][1]) < min(frechet["linear"][2], frechet["blind"][2])
assert abs(passing["linear"] - 1 / 8) < 0.04
assert 0.4 < passing["yours"] < 0.6
assert abs(passing["exact set"] - 0.92) < 0.05
assert passing["blind"] < passing["yours"] - 0.05

# %% after: ask-04-11
assert abs(kept["0.9999"] - 0.905) < 0.001
assert abs(slow_average - slow_card.metrics["held_out"]) < 0.003
assert abs(slow_average - shadows["0.9999"]["held_out"]) < 0.003  # float16 rounds the shipped weights
fd = {name: shadow["frechet"][0] for name, shadow in shadows.items()}
assert abs(fd["raw"] - 0.56) < 0.01
assert abs(fd["0.99"] - 0.21) < 0.01
assert max(fd["0.9"], fd["0.99"]) < 0.7 * fd["raw"]
assert max(shadows[name]["held_out"] for name in ("0.9", "0.99")) < 0.98 * shadows["raw"]["held_out"]
assert abs(shadows["0.99"]["held_out"] / shadows["raw"]["held_out"] - 0.95) < 0.01
assert abs(fd["0.9999, warmed up"] - fd["0.99"]) < 0.05
assert fd["0.999"] > 4
assert fd["0.9999"] > 6
assert abs(kept["0.999"] - 0.37) < 0.01

# %% after: b8-explain-2
assert abs(untrained - 0.25) < 0.02
ends = {name: error[-1].item() for name, error in at_end.items()}
assert abs(ends["nothing"] - 6.7) < 0.1
assert ends["c) v, its loss"] > 0.5
assert 0.8 < ends["b) weights"] / ends["nothing"] < 0.9
assert ends["a) t at random"] > ends["nothing"]
assert min(ends["nothing"], ends["a) t at random"], ends["b) weights"]) > 5
assert max(ends["c) v, its loss"], ends["d) v, eps loss"]) < 0.65
assert (sigma * per_t(repaired).sqrt())[-1] < 0.7
seeds = [runs[name]["held_out"] for name in ("half", "half, seed 1", "half, seed 2")]
assert runs["half, v, eps loss"]["held_out"] < min(seeds) - 0.001
assert runs["half, v, eps loss"]["held_out"] < min(runs[run]["held_out"] for run in list(changes.values())[:4])
assert runs["half, v"]["held_out"] > max(seeds)
assert runs["half, v, eps loss"]["held_out"] < repaired_average < average["linear"]  # half the steps, more loss
assert abs(runs["half"]["largest"] - 14) < 0.5
assert max(runs["half, v"]["largest"], runs["half, v, eps loss"]["largest"]) < 1.6
assert max(runs[run]["frechet"][1] for run in changes.values()) < min(
    runs[run]["frechet"][2] for run in changes.values()
)
assert 2.5 < runs["x0"]["held_out"] / runs["base"]["held_out"] < 3
assert runs["x0"]["frechet"][1] < runs["base"]["frechet"][2]

# %% after: b9-explain-2
assert times[ratio.argmin()] == 500
assert times[saved.argmax()] in (200, 300)
assert with_label[-1] < 4e-5
assert 0.57 < ratio.min() < 0.67
assert 0.95 < ratio[times.index(20)] < 1
assert (shuffled - 1).abs().max() < 0.05
assert right_digit[0] < 0.25
assert abs(right_digit[1] - 0.95) < 0.04
assert min(right_digit[w] for w in (2, 4, 8)) > 0.97
assert far_off[1][0] < far_off[2][0] < far_off[4][0] < far_off[8][0]
assert far_off[8][1] > far_off[1][2]
assert far_off[0][1] > far_off[1][2]  # at their best at 1: nearer than at 0, beyond the intervals
assert abs(beyond[8] - 0.65) < 0.08

# %% after: summary
assert (scans.min(), scans.max()) == (-1, 1)
assert abs(scans.mean() + 0.39) < 0.005
assert abs(scans.std() - 0.75) < 0.005

# %% after: further-f-explain
assert abs(floor - 0.008) < 0.0015
assert floor < on_few < 0.06
assert on_new > 3 * on_few
assert all(abs(median[t] - t) < 4 for t in (20, 50, 100, 200))
assert all(doubt[t] < 0.21 * t for t in (50, 100, 200))
assert 130 < min(doubt[500], doubt[900]) < max(doubt[500], doubt[900]) < 175
assert apart_by["resumed"] == 0
assert apart_by["optimiser forgotten"] > 1e-4
assert abs(ends[torch.float32] - ends[torch.bfloat16]) < 0.005
assert (
    operated["linear above 500, yours below"][1] < apart["with clock"][0] < operated["linear above 500, yours below"][2]
)
assert abs(operated["yours, told t / 1000"][0] - 6.4) < 0.8
assert operated["blind, with dice"][0] > 0.7 * apart["blind"][0]
whole = runs["half"]
assert 1.15 < runs["no skips"]["held_out"] / whole["held_out"] < 1.25
assert abs(runs["no skips"]["per_t"][0] - 0.99) < 0.01
assert abs(runs["no attention"]["held_out"] - whole["held_out"]) < 0.001
assert runs["one level"]["held_out"] < whole["held_out"]
assert all(runs["one level"]["per_t"][times.index(t)] > whole["per_t"][times.index(t)] for t in (200, 300))
assert runs["one level"]["frechet"][1] > whole["frechet"][2]
assert [round(run["frechet"][0], 2) for run in (runs["one level"], whole)] == [0.84, 0.34]
assert 1.5 < runs["one level"]["seconds"] / whole["seconds"] < 2.5

# %% after: further-g-explain
mnist = {kind: stored[kind]["frechet"] for kind in ("eps", "v", "linear")}
assert mnist["eps"][1] > mnist["linear"][2]
assert mnist["v"][2] < mnist["linear"][1]
assert [round(mnist[kind][0]) for kind in ("eps", "linear")] == [28, 15]
assert (round(mnist["v"][0], 1), round(stored["floor"][0], 1)) == (9.6, 8.2)
assert [round(stored[kind]["held_out"], 3) for kind in ("eps", "linear")] == [0.061, 0.073]
assert abs(stored["v"]["held_out"] / stored["eps"]["held_out"] - 0.95) < 0.01
late = range(times.index(500), 11)
assert all(stored["eps"]["per_t"][k] > 1.2 * stored["linear"]["per_t"][k] for k in late)
assert all(stored["v"]["per_t"][k] < 1.25 * stored["linear"]["per_t"][k] for k in late)
assert all(75 < stored[kind]["seconds"] < 95 for kind in ("eps", "v"))
