"""What the notebook on GAN, VAE and diffusion says, proved in the middle of its run."""

# %% after: ring-explain
assert all((counted[name][0] == 8).all() for name in counted)
assert abs(counted["real points"][1].mean() - 0.99) < 0.005
assert abs(counted["thrown anywhere"][1].mean() - 0.2) < 0.02
assert counted["thrown anywhere"][2].mean() < 0.12

# %% after: gan-explain
assert crowded < 0.4
assert left_out > 0.9
assert counted["GAN"][0].unique().numel() > 1
assert (counted["GAN"][0] < 8).any()

# %% after: vae-explain
assert abs(doubtful.float().mean() - 0.21) < 0.05
between = to_centre(best)[0] > 3 * BLOB_STD
assert doubtful[between].float().mean() > 0.75  # what the best decoder puts between comes from where two blobs meet
assert doubtful[~between].float().mean() < 0.1
assert abs(inside_best.mean() - 0.84) < 0.04
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

# %% after: compare-explain
assert (counted["VAE"][0] == 8).all()
assert (counted["diffusion"][0] == 8).all()
assert counted["GAN"][2].min() > 0.15
assert max(counted["VAE"][2].max(), counted["diffusion"][2].max()) < 0.15
assert counted["VAE"][1].mean() < counted["GAN"][1].mean() - 0.05
assert counted["GAN"][1].max() > counted["diffusion"][1].mean() - 0.05
assert counted["GAN"][1].std() > 2 * counted["diffusion"][1].std()

# %% after: circle-explain
assert all(abs(gap_length[name].median() - 5.1) < 0.1 for name in ("VAE", "diffusion"))
assert abs(in_gap["VAE"].median() - 0.2) < 0.03
assert abs(in_gap["diffusion"].median() - 0.04) < 0.01
assert all(path.diff(dim=1).norm(dim=-1).max() < 0.2 for path in paths.values())
in_a_gap = {name: (in_gap[name] / gap_length[name]).nanmedian() for name in paths}  # a GAN of one blob has no gap
assert in_a_gap["GAN"] < 0.7 * in_a_gap["VAE"]

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
assert abs(mean_inside["vae"]["6000"] - 0.8) < 0.01
assert max(mean_inside, key=lambda name: mean_inside[name]["6000"] - mean_inside[name]["1500"]) == "vae"
assert mean_inside["gan"]["6000"] > mean_inside["gan"]["1500"]
assert min(longer["updates"]["gan"]["6000"]["hit"]) < 8
