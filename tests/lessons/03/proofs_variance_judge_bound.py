"""What the further notebook of lesson 03 says, proved in the middle of its run."""

# %% after: a-explain
assert better == "beta"
assert abs(bump["beta-tilde", 50] - 0.07) < 0.006
assert abs(bump["beta", 50] - 0.104) < 0.006
assert 0.085 < bump["beta-tilde", 500] < 0.1
assert abs(bump["beta", 500] - bump["beta-tilde", 500]) < 0.015  # with more steps the two meet
assert 0.5 < empty["beta-tilde", 2] < 0.7
assert empty["beta-tilde", 1] == 1
assert 0.08 < bump["beta", 20] < 0.097  # too narrow, too
assert bump["beta-tilde", 20] < bump["beta", 20] - 0.02

# %% after: a-explain-2
assert abs(tilde + rest - whole) < 1e-6
assert abs(tilde - 0.5217) < 1e-4
assert abs(rest - 0.0820) < 1e-4
beta = 1 - (alpha_bar[500] / alpha_bar[400]).item()
assert abs(beta - whole) < abs(tilde - whole)
at, places = x_t, torch.linspace(-4, 4, 81, dtype=torch.float64)
exact = []
for place in places:
    x_t = place.reshape(1, 1)
    exact.append(variance_of(s))
x_t, exact = at, torch.tensor(exact, dtype=torch.float64)
assert (exact[places.abs() < 0.95] > beta).all()
assert (exact[places.abs() > 1.05] < beta).all()
common = modes.log_density(places[:, None], alpha_bar[t]).flatten().softmax(0)
assert abs((common * exact).sum().item() - beta) < 0.002  # the data have variance 1.01
assert tilde < (common * exact).sum().item()

# %% after: b-explain
found = {name.replace("\n", " "): (shares[name], away[name]) for name in shares}
assert 0.38 < found["sees 5 x 5"][0] < 0.62
assert (found["sees 5 x 5"][1] < COPY).sum() <= 5
assert 0.65 < found["sees 7 x 7"][0] < 0.95
assert 0.05 < found["sees 3 x 3"][0] < 0.28  # of 100 images; 0.10 to 0.20 in four runs
assert (found["sees 3 x 3"][1] < COPY).sum() == 0
assert found["pure noise"][0] == 0
assert (clearness(held_out) > bar).float().mean() > 0.89
assert abs(found["network"][0] - found["sees 5 x 5"][0]) < 0.2  # not told apart with 100 images
assert found["network, label"][0] > 0.87
assert found["5 x 5, label"][0] > 0.87
assert abs(found["network, label"][0] - found["5 x 5, label"][0]) < 0.1
assert abs(found["network, label"][1].median() - 0.25) < 0.025  # about as far as a digit written afresh
assert (found["network, label"][1] < COPY).sum() == 0
assert (found["5 x 5, label"][1] < COPY).sum() <= 6
assert (card.step, round(card.seconds / 60)) == (3000, 4)

# %% after: c-explain
assert abs((x > 0).float().mean() - 0.5) < 0.05
assert ((x > 0) == (x_T > 0)).float().mean() > 0.98
assert abs(x[x > 0].std() - 0.016) < 0.003
assert 2 <= len(ends["nothing"]) <= 4
assert {end[0] for end in ends["nothing"]} == {8}
assert max(end[2] for end in ends["nothing"]) < 11
assert sum(end[1] for end in ends["those three"] if end[0] == 8) > 90
assert all(end[0] == 8 and end[2] < 2 for end in ends["those three"][:2])  # the two nearest to the mean
assert {end[0] for end in ends["all eights"]} <= {0, 9}
assert min(end[2] for end in ends["all eights"]) > 0
assert ends["all eights"][0][::2] == (9, 52)
assert ends["all eights"][0][1] > 50

# %% after: d-explain
gap = {name: bound - own for name, (bound, own) in values.items()}
assert abs(values["exact"][0] - values["exact"][1]) < 0.01
assert abs(values["exact"][1] - 0.5 * torch.log(torch.tensor(2 * torch.pi)).item() - 0.5) < 0.01
assert abs(gap["wrong slopes"] - 0.084) < 0.01
assert abs(gap["other data"] - 0.002) < 0.002
assert values["wrong slopes"][1] > values["exact"][1] + 0.05
assert abs(values["other data"][1] - values["exact"][1] - 0.82) < 0.02
v2 = 1 - a2 * 0.75  # from the start that the other data would have, no gap is left
c2, s2, c1, s1 = models["other data"]
log_p = log_normal(x2, 0, v2) + log_normal(x1, c2 * x2, s2) + log_normal(x0, c1 * x1, s1)
log_q = log_normal(x1, a1**0.5 * x0, 1 - a1) + log_normal(x2, alpha**0.5 * x1, 1 - alpha)
assert (
    abs((log_q - log_p + log_normal(x0, 0, c1**2 * (c2**2 * v2 + s2) + s1)).mean().item()) < 1e-6
)  # a log in float32 rounds
