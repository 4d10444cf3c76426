"""What lesson 01 says, proved in the middle of its run."""

# %% after: held-out-explain
assert right[10] > 0.998
assert abs(right[1] - 0.87) < 0.015
assert abs(right[0.27] - 0.5) < 0.03
assert abs(right[0.01] - 0.155) < 0.025
assert all(abs(right[snr] - sure[snr]) < 0.02 for snr in right)
assert 0.78 < new_right < new_sure < right[1]

# %% after: ask-01-3
assert abs(pixels["sky"].mean() - 0.1) < 0.002
assert abs(neighbours["sky"].mean() - 0.1) < 0.002
assert abs(neighbours["ramp"].mean() - 0.1) < 0.002
assert abs(pixels["grass"].mean() - math.hypot(0.285, 0.1)) < 0.002
assert abs(neighbours["grass"].mean() - 0.164) < 0.004

# %% after: decide-explain
assert from_grey < 0.02
assert abs(grey_from_scan - 0.379) < 0.005
arrived = {n: (distance < COPY).float().mean().item() for n, distance in far.items()}
assert arrived[1] == 0
assert abs(arrived[10] - 0.82) < 0.04
assert arrived[20] > 0.98
assert agree[:3].max() < 0.18
assert abs(agree[5] - 0.5) < 0.1
assert abs(agree[7] - 0.92) < 0.06

# %% after: diversity-explain
assert abs(fair - 767) < 1
assert abs(different - fair) < 40  # the count of a fair die has a spread of about 10
assert torch.equal(again, walks[20])
assert abs(same_scan[1] - 0.95) < 0.04
assert abs(same_scan[3] - 0.6) < 0.1
assert same_scan[5] < 0.02

# %% after: spoil-explain
assert all(abs(row["rms"] - 0.5) < 0.07 for row in told.values())
assert abs(told["dots"]["untouched"] - 0.89) < 0.01
assert abs(told["blur"]["correlation with the picture"] + 0.79) < 0.01
assert abs(told["randn"]["correlation with the picture"]) < 0.02
assert [name for name, row in told.items() if row["repeats"]] == ["blur"]

# %% after: unit-explain
assert abs(hits["[-1, 1]"] - 0.87) < 0.03
assert abs(hits["[0, 1]"] - 0.5) < 0.04
assert hits["[0, 255]"] > 0.999

# %% after: learn-explain
assert 0.01 < gain.mean() < 0.035
assert (gain > 0).sum() >= 7
assert 0.08 < (accuracy["none"] - accuracy["frozen"]).mean() < 0.14
assert abs(accuracy["none"].mean() - 0.88) < 0.015
assert abs(accuracy["fresh"].mean() - 0.90) < 0.015
assert abs(accuracy["frozen"].mean() - 0.77) < 0.025

# %% after: ring-explain
blobs, share_inside, unevenness = ({name: row[i] for name, row in counted.items()} for i in range(3))
assert (blobs["VAE"] == 8).all()
assert (blobs["diffusion"] == 8).all()
assert unevenness["GAN"].mean() > 2 * unevenness["diffusion"].mean()
assert unevenness["GAN"].mean() > 0.15
assert unevenness["diffusion"].max() < 0.11
assert unevenness["VAE"].max() < 0.15
assert abs(share_inside["VAE"].mean() - budget(quick=0.34, full=0.6)) < 0.1
assert (blobs["anywhere"] == 8).all()
assert abs(share_inside["anywhere"].mean() - 0.2) < 0.02
assert abs(share_inside["diffusion"].mean() - 0.9) < 0.05

# %% after: average-explain
assert all(abs(std * k**0.5 - 0.5) < 0.01 for std, k in zip(left, counts, strict=True))
assert abs(glow - 0.16) < 0.03
assert clipped_rms > 1.3 * left[-1]

# %% after: net-explain
assert after["randn"] < 0.6 * before["randn"]
assert abs(after["rand"] - after["randn"]) < 0.02
assert after["randn"] < after["dots"] < after["randn"] + 0.07
assert after["blur"] > 0.75 * before["blur"]
assert abs(after["clean"] - 0.18) < 0.04
