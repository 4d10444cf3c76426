"""What lesson 00 says, proved in the middle of its run."""

# %% after: walk-explain
assert len(x) == 1797
assert len(path) == 51
apart = (x - path[50]).square().mean((1, 2, 3)).sqrt()  # of every image from the end
assert apart.min() < 0.05  # a copy, as every lesson counts it
assert (x - path[25]).square().mean((1, 2, 3)).sqrt().min() > 0.5  # half-way there is little to see
again = [noise, *(step.x for step in ddim(FiniteSet(x).eps_model(schedule), schedule, noise, schedule.grid(50)))]
assert torch.equal(again[-1], path[-1])
other_noises = torch.cat([torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(k)) for k in range(40)])
others = [step.x for step in ddim(FiniteSet(x).eps_model(schedule), schedule, other_noises, schedule.grid(50))][-1]
far, which = nearest(others, x)
assert far.max() < 0.05  # a clear one each time
assert which.unique().numel() > 35  # another image
assert (y[which] == digit).sum() < 12  # mostly of another digit

# %% after: map
assert y[7] == 7  # the real seven
assert digit != 7  # another image comes back
