"""What lesson 04 says, proved in the middle of its run."""

# %% after: hook-explain
assert abs(scores["A", "training"] - 0.0205) < 0.001
assert abs(scores["A", "unseen"] - 2.24) < 0.25
assert abs(scores["B", "training"] - 0.086) < 0.002
assert abs(scores["B", "unseen"] - 0.088) < 0.002
assert copied["A"] > 480
assert copied["B"] == 0
assert abs(card.metrics["held_out"] - scores["B", "unseen"]) < 2e-3

# %% after: ask-04-3
a = schedule.alpha_bar[times]
assert torch.allclose(base_t["x_t"].double(), a * m2 + (1 - (1 - a).sqrt()) ** 2, rtol=0.05)
assert abs(m2 - 0.72) < 0.01
assert abs(a[times.index(500)] * 0.72 + (1 - (1 - a[times.index(500)]).sqrt()) ** 2 - 0.0582) < 1e-4
assert abs(average["linear"] - 0.12) < 0.004
assert abs(average["c_t x_t"] - 0.249) < 0.006
assert abs(average["zero"] - 1) < 0.01
assert abs(base_t["linear"][0] - 0.96) < 0.03
assert base_t["x_t"][-1] < 1e-4
assert base_t["linear"][0] / base_t["linear"][-1] > 3e4
assert exact_t["its own"][:4].max() < 3e-6
assert len(scans.unique()) == len(unseen.unique()) == 17


def rounded(x, t, c=None):
    """The noise, if the image is x_t rounded to the 17 grey levels."""
    a = schedule.at(t, x.ndim).to(x)
    return (x - a.sqrt() * (((x / a.sqrt() + 1) * 8).round().clamp(0, 16) / 8 - 1)) / (1 - a).sqrt()


assert per_t(rounded)[0] < 1e-4
assert exact_t["unseen"][0] > 100
every = torch.arange(10, 1001, 10)
shares = loss_per_t(linear_guess, schedule, unseen, every, generator=seeded(0))
assert 0.86 < shares[every <= 300].sum() / shares.sum() < 0.92
assert 0.01 < shares[every > 500].sum() / shares.sum() < 0.03

# %% after: b2-train
assert abs(first - target.square().mean().item()) < 1e-6
assert abs(first - 1) < 0.08
assert smooth[-3:].mean() < 0.2
assert shapes["down1"] == (32, 4, 4)
assert shapes["up1"] == (32, 4, 4)
assert shapes["out"] == (1, 8, 8)

# %% after: b3-timed
by_hand, package = Net(TimedBlock, Time()), B.net  # the package's U-Net: its weights go into ours
places = {
    **{name: getattr(package, name) for name in ("enter", "norm", "out")},
    **{f"down{k}": package.down[k][0] for k in (0, 1)},
    **{f"up{k}": package.up[k][0] for k in (0, 1)},
    **dict(zip(("middle0", "look", "middle1"), package.middle, strict=True)),
    "time": package.clock,
    "smaller": package.smaller[0],
    "larger": package.larger[0],
}
for name, part in places.items():
    getattr(by_hand, name).load_state_dict(part.state_dict())
asked = torch.randint(1, 1001, (500,), generator=seeded(7))
with torch.no_grad():
    assert (by_hand(x_T, asked) - package(x_T, asked)).abs().max() < 1e-4
assert sum(p.numel() for p in by_hand.parameters()) == sum(p.numel() for p in package.parameters())

# %% after: b3-train-explain
assert losses[0] > 0.5
assert 100 <= passed <= 220
assert abs(mine_average - 0.088) < 0.004
assert losses[14] - losses[-1] < 0.07  # a few hundredths after step 150
three = [runs[name] for name in ("base", "seed 1", "seed 2")]
assert all(0.0875 < run["held_out"] < 0.0882 for run in three)

# %% after: b4-explain
assert abs(twin_average / mine_average - 1.16) < 0.05
at = {t: ratio_t[times.index(t)].item() for t in times}
assert max(at[50], at[100]) < 1.15
assert min(at, key=at.get) in (20, 50, 100)
assert 1.1 < at[5] < 1.35
assert 1.3 < at[500] < 1.65
assert 2 < at[700] < 4
assert 7 < at[900] < 14

# %% after: b4-explain-2
assert apart["without t"][1] > apart["with t"][2]  # the intervals do not meet
assert abs(apart["unseen scans"][0]) < 0.15
assert abs(wrong[0] - 14) < 2
assert wrong[1] > 2  # the range of an image
assert abs(yours[3] - yours[4]) < 0.1
assert yours[0] > yours[1] > yours[4]
points, lows, highs = stored.unbind(2)
assert (abs(points[:, 3] - points[:, 4]) < 0.06).all()  # with t from 900 down: as good
assert (lows[:, 1] > highs[:, 4]).all()  # from 300 down: worse, in each pair
assert (points[:, 0] > points[:, 1]).all()
above = (points[:, 0] - points[:, 1]) / (points[:, 0] - points[:, 4])  # share of the harm from above t = 300
assert (abs(above - 0.5) < 0.2).all()  # about half
assert (points[:, :-1] > points[:, 1:]).all()  # in each pair every part without t costs something
assert (lows[:, 1] < highs[:, 2]).all()  # from 300 to 500 the intervals overlap
assert (lows[:, 2] > highs[:, 3]).all()
other_way = distance(draw(cut(mine, twin, 300)).clamp(-1, 1))[0]  # without t below 300 only
assert 0.15 < (other_way - yours[4]) / (yours[0] - yours[4]) < 0.75
s, e = schedule.alpha_bar[960], schedule.alpha_bar[1000]  # the sampler's first step
assert wrong[0] * (s.sqrt() - ((1 - s) * e / (1 - e)).sqrt()) < 0.1  # what the worthless image moves x_t by
shrunk = cut(lambda x, t, c=None: 0.8 * B(x, t, c), B, 600)
shrunk_average, _ = held_out_loss(
    lambda x, t, c: torch.where(t[:, None, None, None] > 600, 0.8, 1.0) * B(x, t, c),
    schedule,
    unseen,
    generator=seeded(0),
)
assert 1.12 < shrunk_average / scores["B", "unseen"] < 1.25
assert distance(draw(shrunk, 200).clamp(-1, 1))[1] > 4
assert 1.1 < at[300] < 1.3
assert max(ratio for t, ratio in at.items() if 300 <= t <= 900) == at[900]  # about ten
spaced = torch.tensor(times)
upto = times.index(300) + 1
assert 0.8 < torch.trapezoid(mine_t[:upto], spaced[:upto]) / torch.trapezoid(mine_t, spaced) < 0.9

# %% after: b5-explain
e = embedding(torch.tensor([0.001, 1.0, 500, 501]), 16)  # as many as the network is given
assert abs(e[0] @ e[1] / 8 - 0.936) < 0.002
assert abs(e[2] @ e[3] / 8 - 0.936) < 0.002
held = {name: runs[run]["held_out"] for name, run in units.items()}
assert held["no time\ninput"] > held["t as a\nnumber"] > 1.02 * max(list(held.values())[2:])
small_ones = [runs[f"thousandths{more}"] for more in ("", ", seed 1", ", seed 2")]
in_steps = [runs[name] for name in ("base", "seed 1", "seed 2")]
assert all(
    0.0890 < one["held_out"] < 0.0905 and one["held_out"] < 1.03 * other["held_out"]
    for one in small_ones
    for other in in_steps
)
assert all(0.185 < run["frechet"][0] < 0.225 for run in small_ones)
assert all(one["frechet"][1] < other["frechet"][2] for one in small_ones for other in in_steps)
assert all(one["frechet"][2] > other["frechet"][1] for one in small_ones for other in in_steps)
fd = {name: value[0] for name, value in found.items()}
assert max(list(fd.values())[2:6]) < 0.3
assert fd["no time\ninput"] > 2 * max(list(fd.values())[1:6])
assert found["trained on t,\nsampled\nwith t/1000"][1] > 4

# %% after: ask-04-7
assert abs(mine_t[times.index(50)] / mine_own[times.index(50)] - 1) < 0.04
assert abs(exact_t["unseen"][times.index(50)] - 2.4) < 0.5
assert exact_t["its own"][times.index(50)] < 1e-3
assert 0.24 < mine_t[times.index(100)] < mine_t[0] < 0.95
assert (mine_own[: times.index(300) + 1] > exact_t["its own"][: times.index(300) + 1]).all()
assert mine_t[-1] > 10 * base_t["linear"][-1]

# %% after: b7-explain
frechet, near, passing = ({name: row[k] for name, row in verdict.items()} for k in range(3))
assert abs(near["unseen scans"] - 0.26) < 0.01
assert near["exact denoiser"] < 0.01
assert abs(frechet["exact denoiser"]) < 0.15
assert frechet["linear guess"] < 0.15 < frechet["linear guess, cut"]
assert frechet["linear guess"] < frechet["yours"] + 0.1  # no worse
assert 0.15 < (ghosts.abs() > 1).float().mean() < 0.28
assert abs(frechet["linear guess, cut"] - 0.7) < 0.15
assert abs(passing["linear guess"] - 1 / 8) < 0.06
assert 0.4 < passing["yours"] < 0.62
assert abs(passing["yours"] - passing["5x5 windows"]) < 0.12
assert abs(near["yours"] - near["5x5 windows"]) < 0.03
assert frechet["yours"] + 0.15 < min(one["frechet"][0] for one in alone["windows"])
for one in alone["network"]:
    assert one["copies"] == 0
    assert all(one["passes"] > other["passes"] + 0.2 for other in alone["windows"])
    assert all(one["nearest"] < other["nearest"] - 0.05 for other in alone["windows"])
    assert all(one["frechet"][2] < other["frechet"][1] for other in alone["windows"])
    assert abs(one["passes"] - 0.7) < 0.03
    assert abs(one["nearest"] - 0.29) < 0.01
    assert abs(one["held_out"] - 0.077) < 0.0005
    assert one["frechet"][1] < frechet["yours"]
assert near["linear guess"] > near["unseen scans"] + 0.05  # the ghosts fool one judge only
noisy = judged(scans[:500] + 0.26 * torch.randn(500, 1, 8, 8, generator=seeded(3)))
assert abs(noisy[0]) < 0.15
assert abs(noisy[1] - near["unseen scans"]) < 0.02
assert abs(noisy[2] - 0.9) < 0.06
assert passing["3,000 steps"] > passing["yours"] + 0.1
assert passing["with labels"] > 0.88
assert passing["exact denoiser"] > 0.87

# %% after: ask-04-11
assert abs(0.9999**1000 - 0.905) < 0.001
assert abs(0.999**1000 - 0.37) < 0.01
slow_average, _ = held_out_loss(slow, schedule, unseen, generator=seeded(0))
assert abs(slow_average - slow_card.metrics["held_out"]) < 0.01
assert abs(slow_average - averages["0.9999"]["held_out"]) < 0.01  # float16 rounds the shipped weights
fd = {name: one["frechet"][0] for name, one in averages.items()}
assert abs(fd["raw"] - 0.56) < 0.01
assert abs(fd["0.99"] - 0.21) < 0.01
assert max(fd["0.9"], fd["0.99"]) < 0.7 * fd["raw"]
assert max(averages[name]["held_out"] for name in ("0.9", "0.99")) < 0.98 * averages["raw"]["held_out"]
assert abs(averages["0.99"]["held_out"] / averages["raw"]["held_out"] - 0.95) < 0.01
assert abs(fd["0.9999, warmed up"] - fd["0.99"]) < 0.05
assert fd["0.999"] > 4
assert fd["0.9999"] > 6
assert abs(cold[most]) < 0.05 * abs(warm[most])
assert len(kept) == 149

# %% after: b9-explain
reader = SVC().fit(F.avg_pool2d(load("mnist_mini")[0], 2).flatten(1), load("mnist_mini")[1])
assert (reader.predict(F.avg_pool2d(digits, 2).flatten(1)) == torch.arange(10).numpy()).sum() >= 7
assert (larger_card.recipe["steps"], round(larger_card.seconds / 60)) == (11_000, 39)
assert larger_card.prints == "v"
assert (larger_card.net["patch"], larger_card.net["width"], larger_card.net["num_classes"]) == (2, 48, 10)

# %% after: summary
assert (scans.min(), scans.max()) == (-1, 1)
