"""What lesson 06 says, proved in the middle of its run."""

# %% after: b1-explain
assert apart[1] == 0
assert apart[2:5].min() > 0.1
assert len(pieces["too long"]) - LENGTH == 25
assert [len(pieces[name]) for name in ("two things", "astronaut", "Korean")] == [16, 10, 11]
assert len(pieces["weight"]) == 19  # with start and end

# %% after: b2-explain-3
assert x[0].numel() == 48 * z[0].numel()
assert (back - x.float()).square().mean().sqrt() < 0.05
assert 1.3 < 1 / f < 1.7
assert abs(raw.std() * f - 1) < 0.1
assert latent.std.mean() < 0.1 * raw.std()
assert counts["f"] > 0.8
assert max(counts["0.5 f"], counts["5 f"]) < 0.6 * counts["f"]
assert counts["not divided"] < 0.7 * counts["f"]
assert obeyed(ONE, wrong["not divided"], "shape") >= 0.4
assert abs(1 / f - 1.66) < 0.01

# %% after: bx-explain
assert weights.shape[-2:] == (16, 77)
assert torch.allclose(weights.float().sum(-1), torch.ones(()), atol=1e-2)
assert (answer - kept["out"][-1:]).abs().max() < (1e-4 if pipe.dtype == torch.float32 else 0.05)
assert table.shape[1] - 1 + 61 == 77
assert 0.2 < table[:, -1].mean() < 0.95  # the padding

# %% after: b3-explain
CLOSE = 1e-4 if pipe.dtype == torch.float32 else 0.1  # half precision rounds
assert max(off.values()) < CLOSE

# %% after: b3-v-explain
assert pipe.scheduler.config.prediction_type == "v_prediction"
late, first = TIMES.index(951), TIMES.index(1)
assert alike["eps"][late] < 0.3
assert alike["-z0"][late] > 0.8
assert min(alike["v"][1:]) > 0.9
assert all(alike["v"][k] > max(alike["eps"][k], alike["-z0"][k]) - 0.02 for k in range(len(TIMES)))
assert max(alike[name][first] for name in alike) < 0.95

# %% after: b3-explain-2
assert lost["DDIM"][:2] == [0, 0]
assert min(lost["Euler"][:2]) > 1e-3
assert min(*lost["DDIM"][2:], *lost["Euler"][2:]) > 1e-5
assert max(lost["DDIM"][8], lost["Euler"][8]) < 0.03  # a time off by one
assert sum(describe(y * 2 - 1)[0] == parse(PROMPT) for y in made["Euler"]) >= 4  # of eleven
assert describe(made["DDIM"][10] * 2 - 1)[0] != parse(PROMPT)  # v read as eps
assert lost["DDIM"][10] > 0.2

# %% after: b3-own-explain
assert max(apart) < CLOSE
assert usual > 100 * max(apart)

# %% after: b4-explain
assert min(shares[name][k] for name in shares for k in (1, 2)) > 0.6
assert max(shares[name][5] for name in shares) < 0.25
for name in ASKED:
    assert counted[name, "2"] > max(counted[name, "1"], counted[name, "7.5"]) + 0.02  # a thousand prompts each
assert abs(loud[2.0] - 1) < 0.15
assert loud[30.0] > 2

# %% after: b5-explain-3
assert torch.equal(*tries["'red' at scale 1, and none"])
assert torch.equal(*tries["'' at 7.5, and none"])
for name in ("the prompt itself, at 7.5 and at 30", "the prompt itself at 7.5; none, scale 1"):
    assert torch.allclose(*tries[name], atol=CLOSE)
assert not torch.equal(*tries["'(worst quality:1.4)' at 4, and none"])
far = [[s for s in describe(y) if s.things] for y in away.values()]
assert Counter(s.things[0].colour for s in far[0]).most_common(1)[0][0] == "cyan"
assert sum(s.background == "black" for s in far[0]) >= 7
assert sum(s.things[0].colour == "yellow" for s in far[1]) >= 6
assert sum(s.background == "white" for s in far[1]) >= 7
of = {key: Counter(t.colour for s in describe(y) for t in s.things) for key, y in used.items()}
many = {n: paint(pipe, ["a large circle"] * 48, 100, 4.0, negative_prompt=[n] * 48) for n in ("", "red")}
near = {n: Counter(t.colour for s in describe(y) for t in s.things) for n, y in many.items()}
assert near["red"]["orange"] <= 1 < 3 < near[""]["orange"]  # of 160 images: 0 of 221 things, and 37 of 191
assert all(of["a large circle", n]["red"] <= 2 for n in ("", "red"))  # of 160 images: 0 of 221 things, and 4 of 191
assert of["a large circle", "red"].total() >= 10
assert len(of["a large circle", ""]) >= 4
assert of["a large red circle", "red"]["red"] >= 10

# %% after: b6-explain
assert int(50 * 0.75) == 37
assert 50 * 0.58 == 28.999999999999996
assert starts[1.0] == 951
img2img = with_parts(diffusers.StableDiffusionImg2ImgPipeline)
twin = img2img(PROMPT, image=given[:1] / 2 + 0.5, strength=0.6, num_inference_steps=20, guidance_scale=SCALE,
               generator=seeded(1), output_type="pt").images.float() * 2 - 1  # fmt: skip
assert (from_image(given[:1], [PROMPT], 0.6) - twin).abs().max() < CLOSE
assert [round(left[k], 2) for k in (0.3, 0.5, 1.0)] == [0.82, 0.59, 0.09]
assert min(changed[4.0, k]["background"] for k in (0.5, 0.7, 0.9)) > 0.8
assert min(changed[4.0, k]["colour"] for k in (0.7, 0.9)) > 0.8
assert all(sum(changed[1.0, k].values()) < sum(changed[4.0, k].values()) for k in (0.3, 0.5))
assert changed[1.0, 0.3]["colour"] < 0.5
seen = describe(moved[1.0, 0.5])
assert fmean(compare(parse(text), scene)["colour"] for text, scene in zip(BEFORE, seen, strict=True)) < 0.25
assert changed[1.0, 0.5]["colour"] < 0.25
assert changed[1.0, 0.3]["background"] < changed[SCALE, 0.3]["background"]

# %% after: b6-explain-2
assert (repaired[1:2] - theirs * 2 + 1).abs().max() < CLOSE
assert ((pasted - whole) * (1 - hole)).abs().max() == 0
assert outside > 0.05
with torch.no_grad():
    moves = (pipe.vae.encode(whole).latent_dist.mean - pipe.vae.encode(damaged).latent_dist.mean).abs().mean((0, 1))
edge = side * 3 // 8  # of the mask; the hole begins one latent later
beside = torch.cat([moves[edge, edge:], moves[edge + 1 :, edge]])
assert beside.mean() > 3 * torch.cat([moves[:edge].flatten(), moves[edge:, :edge].flatten()]).mean()

# %% after: b7-explain
share = {name.split(maxsplit=1)[0]: numbers for name, numbers in found.items()}
assert share["intact"][4] > 0.8
assert share["4"][4] > 0.6
assert share["lesson"][4] > 0.6
assert max(share[number][4] for number in "123567") < 0.3

# %% after: b9-explain
assert "runwayml" in hub.CHECKPOINTS["sd-1.5"].was
