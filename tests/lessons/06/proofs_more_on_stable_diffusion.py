"""What the notebook on more of Stable Diffusion says, proved in the middle of its run."""

# %% after: fa-explain
assert shares_of["SD's schedule"][3, 1] > 0.85
assert (shares_of["SD's schedule"][0] - 1 / 3).abs().max() < 0.06
assert (shares_of["this course's"] - 1 / 3).abs().max() < 0.06
assert abs(scaled_linear().alpha_bar[-1] - 0.0047) < 5e-5
assert abs(health(scaled_linear(), shape=(1, 64, 64)).mean_shows - 4.4) < 0.1

# %% after: fb-explain
CLOSE = 1e-4 if pipe.dtype == torch.float32 else 0.1  # half precision rounds
assert torch.allclose(watched, paint(pipe, [WATCHED], 3), atol=CLOSE)
sharp = {name: (maps[:, k].amax() / maps[:, k].mean()).item() for name, k in WORDS_SHOWN.items()}
assert sharp["on"] > 0.8 * sharp["square"]
assert sharp["red"] > 0.5 * sharp["circle"]
assert 0.3 < padding < 0.9
assert LENGTH - len(tokens) == 61
assert kept_right["nothing"] > 0.8
assert kept_right["'circle'"] < 0.4
assert min(kept_right[f"'{name}'"] for name in WORDS_SHOWN if name != "circle") > 0.8
assert 0.1 < kept_right["'square',\nin text"] < 0.9
changed = [describe(knocked[name]) for name in ("'circle'", "'square',\nin text")]
for scenes_seen, shape, most in zip(changed, ("circle", "square"), (0.4, 0.9), strict=True):
    assert sum(shape in {thing.shape for thing in scene.things} for scene in scenes_seen) < most * COUNT

# %% after: fc-explain
differs = {name: (y - reference).square().mean().sqrt().item() for name, (y, _) in rows.items()}
assert max(differs["attention in slices"], differs["decoder in slices"]) < CLOSE
assert complaint
assert pipe.dtype != torch.float32 or differs["bfloat16"] > differs["float16"] > 1e-4

# %% after: fd-explain
backgrounds = [scene.background for scene in describe(between[1])]
assert (backgrounds[0], backgrounds[-1]) == ("white", "black")
assert backgrounds.count("gray") <= 1  # on other seeds; in the run that is told, none
assert {scene.background for scene in describe(between[0])} == {"white"}

# %% after: b7-odd-explain
assert all(scene.things for y in odd[:2] for scene in describe(y))
