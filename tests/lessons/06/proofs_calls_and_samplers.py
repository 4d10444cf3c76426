"""What the notebook on calls and samplers says, proved in the middle of its run."""

# %% after: b8-explain
assert {kind: calls for kind, (calls, _) in asked_for.items() if calls != 50} == {
    "PNDM": 51,
    "HeunDiscrete": 99,
    "KDPM2Discrete": 99,
}
assert sorted(start for _, start in asked_for.values()) == [901] * 9 + [999]
assert min(won[kind][1] for kind in ("DDIM", "EulerDiscrete", "DPMSolverMultistep")) > 0.7
assert max(won[kind][1] for kind in ("PNDM", "HeunDiscrete")) < 0.4
assert min(shares[3] for shares in won.values()) > 0.7
assert min(tenth[1.0][kind] for kind in ("PNDM", "HeunDiscrete")) > 0.5
assert max(tenth[SCALE][kind] for kind in ("PNDM", "HeunDiscrete")) < 0.4
assert obeyed(prompts, paint(swapped("EulerDiscrete"), prompts, 0, SCALE, 5)) > tenth[SCALE]["HeunDiscrete"] + 0.2

# %% after: b4-explain-3
assert at_usual[25] > at_usual[10] + 0.1
assert at_usual[10] < 0.75

# %% after: b2-explain-2
assert 55 < on_pixels / on_latents < 75

# %% after: b4-explain-2
assert torch.equal(calls_and_batch(0.0)[0], at_one)
assert calls_and_batch(0.5)[1:] == (10, 10)
assert calls_and_batch(4.0)[1:] == (10, 20)
