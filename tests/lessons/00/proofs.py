"""What lesson 00 says, proved in the middle of its run."""

# %% after: walk-explain
assert len(x) == 1797
assert len(path) == 51
apart = (x - path[50]).square().mean((1, 2, 3)).sqrt()  # of every scan from the end of the walk
assert apart.min() < 0.05  # a copy, as every lesson counts it
assert y[apart.argmin()] == 4
assert (x - path[25]).square().mean((1, 2, 3)).sqrt().min() > 0.5  # half the walk long there is nothing to see

# %% after: map
assert y[7] == 7  # the real seven
