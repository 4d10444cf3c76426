"""What the notebook on GAN, VAE and diffusion says, proved in the middle of its run."""

# %% after: ring-explain
assert all((counted[name][0] == 8).all() for name in counted)
assert abs(counted["real points"][1].mean() - 0.99) < 0.005
assert abs(counted["thrown anywhere"][1].mean() - 0.2) < 0.02
assert counted["thrown anywhere"][2].mean() < 0.12

# %% after: gan-explain
assert crowded < 0.4
assert left_out > 0.9
assert share[share < 0.01].mean() < 0.002  # in the blobs left out next to no point
assert (counted["GAN"][0] < 8).any()

# %% after: vae-explain
assert abs(doubtful.float().mean() - 0.21) < 0.05
between = to_centre(best)[0] > 3 * BLOB_STD
assert doubtful[between].float().mean() > 0.75  # what the best decoder puts between comes from where two blobs meet
assert doubtful[~between].float().mean() < 0.1
assert abs(inside_best.mean() - 0.84) < 0.04
both = (of_point @ one_hot(to_centre(real)[1], 8).float()).topk(2).values.sum(-1)
assert 0.75 < (both[doubtful] > 0.95).float().mean() < 0.97  # mostly two blobs, the rest more
assert abs(counted["VAE"][1].mean() - 0.61) < 0.05
assert abs(inside_drawn.mean() - 0.56) < 0.04
assert (inside_drawn < counted["VAE"][1]).all()
assert (counted["VAE"][1] < inside_best - 0.1).all()

# %% after: diffusion-explain
assert by_calls[1].norm(dim=-1).mean() < 0.3
assert inside_by_calls[1] < 0.01
assert abs(inside_by_calls[3] - 0.5) < 0.05
assert abs(inside_by_calls[10] - 0.85) < 0.03
assert abs(inside_by_calls[50] - 0.92) < 0.02
assert inside_by_calls[200] - inside_by_calls[50] < 0.02


def exact(x, calls):
    """The steps of `denoised` with the least-squares denoiser of the ring itself."""
    for a, less in pairwise(torch.linspace(math.pi / 2, 0, calls + 1)):
        off = x[..., None, :] - a.cos() * centres / SIZE  # (SEEDS, n, 8, 2)
        wide = (BLOB_STD / SIZE) ** 2
        variance = a.cos() ** 2 * wide + a.sin() ** 2
        of_blob = (-off.square().sum(-1) / (2 * variance)).softmax(-1)[..., None]
        x0 = (of_blob * (centres / SIZE + a.cos() * wide / variance * off)).sum(-2)
        x = less.cos() * x0 + less.sin() * (x - a.cos() * x0) / a.sin()
    return x * SIZE


assert abs(count_blobs(exact(codes, 50))[1].mean() - 0.99) < 0.006

# %% after: compare-explain
assert (counted["VAE"][0] == 8).all()
assert (counted["diffusion"][0] == 8).all()
assert counted["GAN"][2].min() > 0.15
assert 1 <= (counted["GAN"][0] < 8).sum() <= 4  # some, not all
assert counted["VAE"][1].mean() < counted["GAN"][1].mean() < counted["diffusion"][1].mean()
assert max(counted["VAE"][2].max(), counted["diffusion"][2].max()) < 0.15
assert counted["VAE"][1].mean() < counted["GAN"][1].mean() - 0.05
assert counted["GAN"][1].max() > counted["diffusion"][1].mean() - 0.05
assert counted["GAN"][1].std() > 2 * counted["diffusion"][1].std()

# %% after: circle-explain
assert all(abs(gap_length[name].median() - 5.1) < 0.1 for name in ("VAE", "diffusion"))
assert abs(in_gap["VAE"].median() - 0.2) < 0.03
assert abs(in_gap["diffusion"].median() - 0.04) < 0.01
assert all(path.diff(dim=1).norm(dim=-1).max() < 0.2 for path in paths.values())
rounds, travelled = {}, {}  # of each path about the middle of the ring
for name, path in paths.items():
    bends = torch.atan2(path[..., 1], path[..., 0]).double().diff(dim=1)
    bends = ((bends + math.pi) % (2 * math.pi) - math.pi) / (2 * math.pi)
    rounds[name], travelled[name] = bends.sum(1).abs().round(), bends.abs().sum(1)
assert all((rounds[name] == 1).all() for name in ("VAE", "diffusion"))
assert rounds["GAN"].sum() == 1
assert rounds["GAN"][0] == 0
assert 1.6 < travelled["GAN"][0] < 2  # nearly round, and back
central = 0.6 * torch.rand(SEEDS, 2000, 1, generator=seeded(8)).sqrt() * torch.nn.functional.normalize(codes, dim=-1)
assert abs(1 - count_blobs(vae["decoder"](central).detach())[1].mean() - 0.85) < 0.03

# %% after: noise-explain
assert (counted["GAN, noise"][0] == 8).sum() > (counted["GAN"][0] == 8).sum()
assert counted["GAN, noise"][2].mean() < counted["GAN"][2].mean() - 0.1
assert [runs["hit"].count(8) for runs in longer["noise"].values()] == [3, 12]
assert [runs["hit"].count(1) for runs in longer["noise"].values()] == [1, 2]
assert sum(longer["noise"]["gan-noise"]["inside"]) < sum(longer["noise"]["gan"]["inside"])

# %% after: fair-explain
mean_inside = {
    name: {count: sum(run["inside"]) / SEEDS for count, run in runs.items()} for name, runs in longer["updates"].items()
}
assert all(runs["800"] < runs["1500"] < runs["6000"] for runs in mean_inside.values() if runs is not mean_inside["gan"])
assert max(mean_inside, key=lambda name: mean_inside[name]["6000"] - mean_inside[name]["1500"]) == "vae"
assert mean_inside["gan"]["6000"] > mean_inside["gan"]["1500"]
assert min(longer["updates"]["gan"]["6000"]["hit"]) < 8
