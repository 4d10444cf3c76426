"""What lesson 06 says, proved in the middle of its run."""

# %% after: b1-explain-2
assert apart[1] == 0
assert apart[2:5].min() > 0.1
assert len(pieces["too long"]) - LENGTH == 25
if small:
    assert [len(pieces[name]) for name in ("two things", "astronaut", "Korean")] == [16, 10, 11]
    assert len(pieces["a web interface's weight"]) == 19  # with start and end

# %% after: b2-explain-3
assert x[0].numel() == 48 * latent.mean[0].numel()
if small:
    assert 68 < on_pixels / on_latents < 72
    assert psnr > 32
    assert abs(1 / f - 1.47) < 0.01
    assert abs(std - 1.47) < 0.05
    assert counts["f x 1"] > 0.9
    assert 0.5 < counts["f x 0.8"] < 0.84
    assert 0.15 < counts["f x 1.25"] < 0.5
    assert counts["f x 0.5"] < 0.4
    assert max(counts["f x 0.2"], counts["f x 2"], counts["f x 5"]) < 0.15
    assert 0.05 < counts["not divided"] < 0.4
    assert obeyed(ONE, wrong["not divided"], "shape") > 0.8

# %% after: ex-cfg-pair-check
CLOSE = 1e-4 if pipe.dtype == torch.float32 else 0.1  # half precision rounds
assert max(off.values()) < CLOSE
assert lost["DDIM"][:2] == [0, 0]
if small:
    assert abs(lost["Euler"][0] - 0.8) < 0.15
    assert abs(lost["Euler"][1] - 0.3) < 0.15
    assert 0.3 < lost["DDIM"][6] < 0.6  # no padding
    assert lost["DDIM"][2] > 0.9
    assert 0 < lost["DDIM"][8] < 0.02
    assert 0 < lost["Euler"][8] < 0.02

# %% after: b4-explain-2
cell_scales = dict(zip(SCALES, zip(shares["one thing"], shares["two things"], strict=True), strict=True))
if small:
    assert min(cell_scales[s][0] for s in (1.0, 2.0, 4.0)) > 0.9
    assert cell_scales[2.0][1] >= max(0.8, cell_scales[1.0][1])
    assert cell_scales[7.5][1] < cell_scales[4.0][1] - 0.1
    assert max(cell_scales[30.0]) < 0.1
    assert spread[4.0] < spread[1.0] - 0.01
    assert spread[15.0] > spread[4.0] + 0.1
    assert abs(loud[4.0] - 1) < 0.1
    assert loud[30.0] > 2.2
    assert at_usual[25] > at_usual[10] + 0.15

# %% after: b5-explain-2
assert torch.equal(*tries["negative 'red' at scale 1, and none"])
assert torch.equal(*tries["negative '' at 7.5, and none"])
for name in ("negative = prompt, at 7.5 and at 30", "negative = prompt at 7.5, and scale 1"):
    assert torch.allclose(*tries[name], atol=CLOSE)
if small:
    far = {name: [s for s in describe(away[text]) if s.things] for name, text in zip("ABC", NEGATIVES, strict=True)}
    assert sum(s.things[0].colour == "cyan" for s in far["A"]) >= 9
    assert sum(s.background == "black" for s in far["A"]) >= 9
    assert sum(s.things[0].colour == "yellow" for s in far["B"]) >= 9
    assert sum(s.background == "white" for s in far["B"]) >= 9
    assert sum(s.background == "black" for s in far["C"]) >= 7
    pushed, unpushed = tries["'(worst quality:1.4)' at 7.5, and none"]
    assert 0.5 < (pushed - unpushed).abs().max() < 1.5  # of 2

# %% after: ex-inpaint-check
assert int(50 * 0.75) == 37
assert 50 * 0.58 == 28.999999999999996
assert (mended[1:2] - library).abs().max() < CLOSE
if small:
    assert starts[1.0] == 951
    assert [round(kept[s], 2) for s in (0.3, 0.5, 1.0)] == [0.82, 0.59, 0.09]
    assert changed["background"][2] > 0.8  # at 0.3
    assert min(changed[what][4] for what in changed) > 0.8  # at 0.5
    assert max(changed[what][1] for what in ("background", "colour", "size")) < 0.2  # at 0.2
    rings = [describe(pasted[k : k + 1])[0] == parse(WHOLE[k]) for k in (0, 2)]
    assert all(rings)
    green = [((y[1, 1] - y[1, 0]) > 0.5).sum() for y in (whole, pasted)]  # pixels, in the heart's picture
    assert green[0] == 0
    assert green[1] > 3

# %% after: b7-yours
if small:
    share = {name.split(maxsplit=1)[0]: numbers for name, numbers in table.items()}
    assert share["sound"][4] > 0.9
    assert share["4"][4] > 0.8
    assert share["lesson"][4] > 0.9
    assert max(share[number][4] for number in "123567") < 0.15
    two = [sum(len(s.things) == 2 for s in describe(x)) for x in odd]
    assert min(two) >= 6

# %% after: b8-explain
assert {kind: calls for kind, (calls, _) in asked_for.items() if calls != 50} == {
    "PNDM": 51,
    "HeunDiscrete": 99,
    "KDPM2Discrete": 99,
}
assert sum(start == 901 for _, start in asked_for.values()) == 9
if small:
    assert min(won[kind][1] for kind in ("DDIM", "EulerDiscrete", "DPMSolverMultistep")) > 0.85
    assert max(won[kind][1] for kind in ("PNDM", "HeunDiscrete")) < 0.3
    assert won["HeunDiscrete"][2] > 0.8
    assert won["PNDM"][2] < 0.6
    assert min(tenth[1.0][kind] for kind in ("PNDM", "HeunDiscrete")) > 0.7
    assert max(tenth[SCALE][kind] for kind in ("PNDM", "HeunDiscrete")) < 0.3

# %% after: fa-explain
assert shares_of["SD's schedule"][3, 1] > 0.85
assert (shares_of["SD's schedule"][0] - 1 / 3).abs().max() < 0.06
assert (shares_of["this course's"] - 1 / 3).abs().max() < 0.06
assert abs(scaled_linear().alpha_bar[-1] - 0.0047) < 5e-5
assert abs(health(scaled_linear(), shape=(1, 64, 64)).mean_shows - 4.4) < 0.1

# %% after: fb-explain
assert torch.allclose(watched, paint([WATCHED], 3), atol=CLOSE)
if small:
    left, right = (maps[:, WORDS_SHOWN[name]].unflatten(0, (low, low)).sum(0) for name in ("circle", "square"))
    assert left[:2].sum() > left[2:].sum()
    assert right[2:].sum() > right[:2].sum()
    on, ground = (maps[:, WORDS_SHOWN[name]].argmax() for name in ("on", "background"))
    assert on == maps[:, WORDS_SHOWN["square"]].argmax()
    assert ground == maps[:, WORDS_SHOWN["circle"]].argmax()
    assert 0.5 < padding < 0.7
    kept_right = [obeyed(ONE, y) for y in knocked.values()]
    assert kept_right[0] > 0.9
    assert kept_right[1] < 0.45
    assert kept_right[2] > 0.85
    assert 0.45 < kept_right[3] < 0.9

# %% after: fc-explain
differs = {name: (y - reference).abs().max().item() for name, (y, _) in rows.items()}
assert max(differs["attention in slices"], differs["decoder in slices"]) < CLOSE
assert complaint
if small:
    assert 1e-3 < differs["float16"] < differs["bfloat16"] < 0.5

# %% after: fd-explain
if small:
    grounds = [scene.background for scene in describe(between[1])]
    assert grounds == sorted(grounds, reverse=True)  # white, then black
    assert {*grounds} == {"white", "black"}
    assert {scene.background for scene in describe(between[0])} == {"white"}
    assert "purple" in {scene.things[0].colour for scene in describe(between[1]) if scene.things}
