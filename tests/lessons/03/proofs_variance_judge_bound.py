"""What the further notebook of lesson 03 says, proved in the middle of its run."""

# %% after: a-explain
assert better == "beta"
assert abs(bump["beta-tilde", 50] - 0.07) < 0.006
assert abs(bump["beta", 50] - 0.104) < 0.006
assert 0.085 < bump["beta-tilde", 500] < 0.1
assert abs(bump["beta", 500] - bump["beta-tilde", 500]) < 0.015  # with more steps the two meet
assert 0.5 < empty["beta-tilde", 2] < 0.7
assert empty["beta-tilde", 1] == 1
assert abs(tilde + rest - whole) < 1e-6
assert abs(tilde - 0.5217) < 1e-4
assert abs(rest - 0.0820) < 1e-4
beta = 1 - (alpha_bar[500] / alpha_bar[400]).item()
assert abs(beta - whole) < abs(tilde - whole)

# %% after: b-explain
found = {name.replace("\n", " "): (shares[name], away[name]) for name in shares}
assert 0.38 < found["sees 5 x 5"][0] < 0.62
assert (found["sees 5 x 5"][1] < COPY).sum() <= 5
assert 0.65 < found["sees 7 x 7"][0] < 0.95
assert found["sees 3 x 3"][0] < 0.35
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
assert x[x > 0].std() < 0.05
assert ((x > 0) == (x_T > 0)).float().mean() > 0.98
assert {kind for kind, _, _ in ends[-1]} == {8}
assert max(rank for _, _, rank in ends[-1]) < 11
assert {kind for kind, _, _ in ends[8]} <= {0, 9}
assert min(rank for _, _, rank in ends[8]) > 0
assert max(ends[8], key=lambda end: end[1])[::2] == (9, 52)

# %% after: d-explain
assert abs(values["exact"][0] - values["exact"][1]) < 0.01
assert values["wrong"][0] > values["wrong"][1] + 0.05
assert values["wrong"][1] > values["exact"][1] + 0.05
