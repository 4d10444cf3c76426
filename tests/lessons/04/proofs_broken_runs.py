"""What the notebook on broken runs says, proved in the middle of its run."""

# %% after: a-explain-2
ends = {name: run["loss"][-1] for name, run in exhibits.items()}
assert (order["D"], order["G"], order["B"], order["C"], order["E"]) == ("seed", "lr 0.2", "lr 2e-5", "sign", "healthy")
assert (order["A"], order["F"], order["H"]) == ("0..1", "t to 500", "0..16")
assert min(ends, key=ends.get) == "seed"
assert ends["seed"] < 1e-5
assert exhibits["seed"]["frechet"][1] > exhibits["healthy"]["frechet"][2]
assert exhibits["sign"]["loss"] == healthy
assert abs(exhibits["sign"]["largest"] - 2021) < 5
assert abs(exhibits["sign"]["held_out"] - 3.65) < 0.01
assert exhibits["lr 0.2"]["loss"][0] > 3
assert 0.8 < min(exhibits["lr 0.2"]["loss"]) <= ends["lr 0.2"] < 1.02
assert ends["0..1"] < 0.7 * ends["healthy"] < ends["t to 500"]
flat = scans.flatten(1).double()
a, spread = schedule.alpha_bar[1:, None], torch.linalg.eigvalsh(torch.cov(flat.T)).clamp(min=0)
by_variance = {k: (k * a * spread / (k * a * spread + 1 - a)).mean() for k in (0.25, 1, 64)}  # of the linear guess
assert 0.5 < by_variance[0.25] / by_variance[1] < 0.7  # data in 0..1 have a quarter of the variance
assert 2.5 < by_variance[64] / by_variance[1] < 3.5  # and in 0..16 sixty-four times
assert 2.5 < ends["0..16"] / ends["healthy"] < 3.2
assert [round(exhibits[name]["frechet"][0], 1) for name in ("0..1", "0..16", "healthy")] == [1.3, 1.5, 1.4]
assert exhibits["t to 500"]["frechet"][1] < exhibits["healthy"]["frechet"][2]
assert abs(healthy[0] - 1) < 0.5
assert healthy[5] < 0.2
assert min(healthy[20:]) < 0.121
assert leak[-1] < 0.0205
assert fresh > 5 * leak[-1]

# %% after: b-explain
assert abs(sixteen["floor"] - 0.008) < 0.001
assert sixteen["floor"] < sixteen["own"] < 2.2 * sixteen["floor"]
assert sixteen["copies"] > 120
assert sixteen["held_out"] > 10 * sixteen["own"]
early = sixteen["loss"][20:25]  # steps 200 to 250
assert 4.5 < sum(early) / 5 / sixteen["floor"] < 8

# %% after: c-explain
assert apart_by["resumed"] == 0
assert apart_by["optimiser forgotten"] > 1e-4

# %% after: d-explain
assert abs(ends[torch.float32] - ends[torch.bfloat16]) < 0.01
