"""What the notebook on averaging, learning with noise and told noise levels says, proved in the middle of its run."""

# %% after: average-explain
assert all(abs(std * k**0.5 - 0.5) < 0.01 for std, k in zip(left, counts, strict=True))
assert abs(glow - 0.16) < 0.03

# %% after: nonlocal-explain
assert 5.8 < worth < 7.5
assert errors["non-local means"] < 0.85 * errors["mean of 3x3"]
assert abs(errors["mean of 3x3"] - 0.1) < 0.004  # 0.2 / sqrt(4)
assert 42 < elsewhere["sky"] < 65
assert abs(elsewhere["grass"] - 2.9) < 0.2

# %% after: learn-explain
assert 0 < gain.mean() < 0.04
assert abs(gain.mean() - 0.017) < 3 * error(gain)
assert 0.08 < loss.mean() < 0.16
assert (loss > 0).all()

# %% after: recipes-explain
mean_gain = {name: gains.mean().item() for name, gains in recipe_gain.items()}
assert set(recipe_gain) - set(clear) == {"std 1.5"}
assert abs(mean_gain["std 0.25"] - 0.006) < 0.001
assert all(0.01 < gain < 0.025 for name, gain in mean_gain.items() if name not in ("std 0.25", "std 1.5"))

# %% after: net-explain
assert all(abs(before[name] - 0.5) < 0.06 for name in before if name != "clean")
assert abs(after["randn"] - 0.11) < 0.01
assert abs(after["rand"] - after["randn"]) < 0.01
assert after["randn"] + 0.02 < after["dots"] < 0.18
assert [name for name in before if after[name] > before[name]] == ["blur", "clean"]
assert abs(after["clean"] - 0.09) < 0.01
ink, dark = images > 0.5, images < -0.9
changed = {name: [(output[name] - images)[part].mean().item() for part in (ink, dark)] for name in ("clean", "randn")}
assert abs(changed["clean"][0] + 0.06) < 0.015
assert abs(changed["clean"][1] - 0.05) < 0.01
assert -0.09 < changed["randn"][0] < -0.04
assert abs(changed["randn"][1]) < 0.015

# %% after: told-explain
assert least == {"randn": 0.5, "clean": 0.02}
assert by_told["clean"][0] < 0.01
assert by_told["randn"][0] > 0.45
