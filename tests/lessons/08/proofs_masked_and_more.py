"""What the further notebook of lesson 08 says, proved in the middle of its run."""

# %% after: masked-explain
assert len(scans) == 1273
assert 7 <= agree[16] <= 11
assert agree[32] == 1
brute = torch.stack([ink[(ink[:, rank[7] < 16] == ink[7, rank[7] < 16]).all(1)].mean(0)])
assert (denoise(ink[[7]], (rank[[7]] < 16).float()) - brute).abs().max() < 1e-5
assert (denoise(ink[:1], torch.zeros(1, 64)) - ink.mean(0)).abs().max() < 1e-5

# %% after: steps-explain
shares = [point for point, _, _ in exact_share.values()]
assert shares == sorted(shares)
assert shares[0] < 0.01
assert abs(shares[STEPS.index(8)] - 0.5) < 0.1
assert shares[-1] == 1
assert all(abs(x.mean() - ink.mean()) < 0.015 for x in drawn.values())
twins = torch.randint(2, (20_000, 2), generator=seeded(3))  # two pixels, each ink in half of the cases, drawn apart
assert abs((twins[:, 0] != twins[:, 1]).double().mean() - 0.5) < 0.02

# %% after: order-explain
random_16, certain_16, uncertain_16, certain_64, confident_64 = by_order.values()
assert uncertain_16[0].mean() > 0.995
assert certain_16[0].mean() < 0.02
assert 0.65 < random_16[0].mean() < 0.87
assert certain_64[0].mean() == 1
assert confident_64[0].mean() == 1
assert all(abs(different - fair_count) < 35 for _, different in (uncertain_16, certain_64))
assert confident_64[1] < 40
assert sum(SINGLY) == sum(EVENLY) == sum(ONE_BY_ONE) == 64
last_p = []
uncover(lambda p, draw, shuffled: last_p.append(p) or uncertain(p, draw, shuffled), SINGLY)
decided = ((last_p[-1] < 1e-6) | (last_p[-1] > 1 - 1e-6)).double().mean()
assert decided > 0.999  # after fifteen answers the probabilities are 0 or 1

# %% after: bound-explain
assert abs(values.mean() - entropy) < 4 * error
assert abs(entropy - 7.132) < 0.001
assert abs(entropy / torch.tensor(2.0).log() - 10.29) < 0.005
few = {steps: matched(uncover(uncertain, [1] * (steps - 1) + [65 - steps]))[0].mean() for steps in (8, 11, 12)}
assert few[8] < 0.1
assert abs(few[11] - 2 / 3) < 0.1
assert few[12] > 0.97
seen, chain = torch.zeros(len(ink), 64), torch.zeros(len(ink))  # the chain rule, one random order for each scan
for k in range(64):
    p = denoise(ink, seen)
    now = (rank == k).float()
    chain = chain - (torch.where(ink > 0, p, 1 - p).clamp(1e-9).log() * now).sum(1)
    seen = seen + now
which = torch.cdist(ink, scans, p=1).argmin(1)
assert (chain + weights[which].log()).abs().max() < 1e-3  # for the exact denoiser the sum is -log p in any order

# %% after: line-explain
assert abs(edge + 0.524) < 0.05
assert abs(normal.icdf(torch.tensor(0.3)) + 0.524) < 0.001
assert bool((z_1.flatten().argsort() == path[-1].flatten().argsort()).all())
away = (path[-1] - look_up(z_1)).abs()
assert (away > 0.03).double().mean() < 0.01  # all but the points at the edge
crossed = path[:, z_1.flatten().argsort(), 0].diff(dim=1)
assert crossed.min() > 0  # no two paths meet

# %% after: reflow-explain
by_steps = {n: w1(flow(z_1, n)[-1], truth) for n in (1, 2, 5, 20)}
assert abs(by_steps[1] - 0.84) < 0.01
assert list(by_steps.values()) == sorted(by_steps.values(), reverse=True)
assert w1(look_up(z_1), truth) < 1.3 * fair_w1.max()
assert abs((z_1 - ends).square().mean() - 0.5) < 0.05
assert abs((z_1 - costs["random pairs"]).square().mean() - 2.0) < 0.12
assert abs(straightness(path) - 0.98) < 0.05
between = torch.stack([(1 - u) * ends + u * z_1 for u in torch.linspace(0, 1, 11).double()])
assert (
    between[1:, z_1.flatten().argsort(), 0].diff(dim=1).min() > 0
)  # the lines do not meet (the table rounds their ends)
assert straightness(between) < 1e-9

# %% after: dial-explain
assert all(row[-1] < 1.5 * fair_gap for found in gap.values() for row in found.values())
for found in gap.values():
    assert found[2][1] > 2 * max(found[eta][1] for eta in (0, 0.5, 1))
assert gap["by_hand"][0][0] < gap["by_hand"][1][0] / 2
assert gap["packaged"][1][0] < gap["packaged"][0][0] / 1.3
walked = {
    eta: list(reverse_sde(bumps_eps, schedule, starts, schedule.grid(10), eta=eta, generator=seeded(30)))
    for eta in (0, 1)
}
assert mean_w1(walked[0][-1].x0) < 0.75 * gap["packaged"][0][0]  # the last step to x_0_hat instead
a = schedule.at(100)
tweedie = (walked[1][-2].x + (1 - a) * bumps.score(walked[1][-2].x, a)) / a.sqrt()
assert (tweedie - walked[1][-1].x0).abs().max() < 1e-9
assert (walked[1][-1].x - tweedie).abs().mean() < 0.2 * (walked[0][-1].x - walked[0][-1].x0).abs().mean()

# %% after: net-explain
assert mean["SDE"] < mean["ODE"] * 2 / 3
for k in range(3):
    assert found["SDE", k][1] > 1.6 * found["ODE", k][1]
    assert found["SDE", k][2] < found["ODE", k][2] - 0.05
assert found["ODE, 400 calls", 0][0] > found["ODE", 0][0] - 0.1
assert abs(found["exact ODE", 0][0] - found["exact SDE", 0][0]) < 0.06
assert found["shipped SDE", 0][0] > found["shipped ODE", 0][0] - 0.05
assert max(found[f"shipped {dial}", 0][0] for dial in ("ODE", "SDE")) < 0.45
assert trained.loss < 0.5
