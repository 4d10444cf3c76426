"""What lesson 01 says, proved in the middle of its run."""

# %% after: posterior-explain
assert right[10] > 0.998
assert abs(right[1] - 0.87) < 0.015
assert abs(right[0.3] - 0.53) < 0.03
assert abs(right[0.27] - 0.5) < 0.03
assert abs(right[0.01] - 0.152) < 0.012
assert all(abs(right[snr] - sure[snr]) < 0.02 for snr in right)
generator = torch.Generator().manual_seed(4)
of_16 = []
for _ in range(8):  # 16 pixels at random
    few = digits.flatten(1)[:, torch.randperm(64, generator=generator)[:16]]
    behind_few = mix(few, 1, torch.randn(few.shape, generator=generator))
    nearer = torch.softmax(-torch.cdist(behind_few, few * 0.5**0.5).square(), 1) @ one_hot(labels).float()
    of_16.append((nearer.argmax(1) == labels).float().mean().item())
assert abs(sum(of_16) / 8 - 0.41) < 0.05

# %% after: onestep-explain
assert from_grey < 0.01
assert abs(grey_from_image - 0.379) < 0.001
assert (one_step - grey).square().mean((1, 2, 3)).sqrt().max() < 0.03  # all alike to the eye

# %% after: steps-explain
assert copies[1] == 0
assert copies[2] < 0.02
assert abs(copies[3] - 0.7) < 0.06
assert copies[5] > 0.98
assert abs(eights[3] - 0.37) < 0.05
assert abs((labels == 8).float().mean() - 0.097) < 0.001
assert eights[3] > eights[5] > eights[10] > eights[20] > eights[50] - 0.01
assert abs(eights[10] - 0.13) < 0.03
assert abs(eights[50] - 0.1) < 0.025
nearest_to_grey = labels[(digits - grey).square().mean((1, 2, 3)).argsort()[:20]]
assert (nearest_to_grey == 8).sum() == 18


def share_of_eights(snrs):
    *_, (x, _) = sample(noise, snrs)
    return (labels[nearest(x, digits)[1]] == 8).float().mean().item()


start, low, high, end = between(3)
assert abs(low - 0.05) < 0.01
assert abs(high - 21) < 1
first_cut = torch.cat([torch.logspace(-4, low.log10(), 51), high[None], end[None]])
second_cut = torch.cat([start[None], torch.logspace(low.log10(), high.log10(), 51), end[None]])
assert abs(share_of_eights(first_cut) - eights[3]) < 0.05
assert abs(share_of_eights(second_cut) - 0.1) < 0.025

# %% after: lean-explain
assert abs(agree[0] - 0.585) < 0.05
assert abs((steps[0][1] - grey).square().mean().sqrt() - 0.0063) < 0.0005
centred = (digits - grey).flatten(1)
seen_through = noise.flatten(1) @ (centred.T @ centred / len(digits))
rest = (steps[0][1] - grey).flatten(1)
assert torch.corrcoef(torch.stack([seen_through.flatten(), rest.flatten()]))[0, 1] > 0.999
assert abs((leaning(noise + grey) == final).float().mean() - 0.72) < 0.05  # the noise itself, by the same rule
chances_at_start = classify(noise, 1e-4)
assert abs(chances_at_start.gather(1, final[:, None]).mean() - 0.1) < 0.01
assert 0.08 < chances_at_start.min() < chances_at_start.max() < 0.13

# %% after: fresh-explain
assert agree_fresh[0] < 0.17
assert agree[25] > 0.92
half_way = (snr_fresh - 0.1).abs().argmin()
assert agree_fresh[half_way] < 0.45
assert agree_fresh[-1] == 1

# %% after: diversity-explain
assert abs(fair - 767) < 1
assert most < 8
assert abs(different - fair) < 40  # the count of a fair die has a spread of about 10
assert torch.equal(again, steps[-1][0])
assert abs(same_image[1] - 0.95) < 0.04
assert abs(same_image[3] - 0.6) < 0.1
assert same_image[5] < 0.02
assert (nearest(steps[-1][0], digits)[0] < COPY).all()
of_a_die = torch.randint(1797, (200, 1000), generator=torch.Generator().manual_seed(0))
assert abs(torch.tensor([len(row.unique()) for row in of_a_die]).float().std() - 11) < 2

# %% after: patch-explain
by_pixels, by_neighbours, by_mask = stds.values()
assert all(abs(rule["sky"].mean() - 0.1) < 0.002 for rule in stds.values())
assert abs(patches["grass"].std() - 0.285) < 0.001
assert abs(by_pixels["grass"].mean() - math.hypot(0.285, 0.1)) < 0.002
assert abs(by_neighbours["ramp"].mean() - 0.1) < 0.002
assert abs(by_mask["ramp"].mean() - 0.1) < 0.002
assert abs(by_neighbours["grass"].mean() - 0.164) < 0.004
assert abs(by_mask["grass"].mean() - 0.126) < 0.004
assert abs(mask.square().sum() - 1) < 1e-6

# %% after: spoil-explain
assert all(abs(row["rms"] - 0.5) < 0.05 for row in told.values())
assert told["dots"]["untouched"] > 0.8
assert [name for name, row in told.items() if row["repeats"]] == ["blur"]
assert abs(told["randn"]["correlation"]) < 0.01
assert abs(told["blur"]["correlation"] + 0.87) < 0.01

# %% after: unit-explain
assert abs(hits["[-1, 1]"] - 0.87) < 0.02
assert abs(hits["[0, 1]"] - 0.48) < 0.05
assert hits["[0, 255]"] == 1
bytes_behind = mix(rows, 1e-4, eps)  # rows are those of the last range, [0, 255]
of_bytes = GaussianMixture(rows, 0.0).posterior(bytes_behind, 1e-4 / (1 + 1e-4)) @ one_hot(labels).double()
assert (of_bytes.argmax(1) == labels).float().mean() > 0.85

# %% after: all-three-figure
assert ((measured / true - 1).abs() < 0.08).all()
assert ((true - torch.tensor([0.30, 0.71, 0.95, 1.00])).abs() < 0.006).all()
