"""What lesson 02 says, proved in the middle of its run."""

# %% after: explain-shrink
assert abs(beta.sum().item() - 10.05) < 1e-3
assert abs(variance[-1] - 10.62) < 0.2
assert 0.28 < naive_hits < 0.35
assert abs(kept[-1].item() / 4.036e-5 - 1) < 1e-2
assert abs(math.exp(-10.05) / 4.3e-5 - 1) < 1e-2
assert 0.08 < shrunk_hits < 0.13
assert abs(x_t.var().item() - 1) < 0.03
assert abs(hits[0] - 0.10) < 0.02
assert abs(hits[1] - 0.71) < 0.03

# %% after: explain-climb
walked_on = torch.stack([line[::50] for line in lines.values()])  # (3, 21)
assert ((measured - walked_on).abs() < 0.04 * walked_on).all()
assert abs(V_0["digits"] - 0.566) < 1e-3
assert abs(V_0["MNIST"] - 0.374) < 1e-3
assert abs(lines["digits"][500].item() - 0.966) < 1e-3
assert abs(mnist.square().mean().item() - 0.924) < 1e-3
assert abs(mnist.mean().item() + 0.742) < 1e-3
assert abs(mnist.var(0).mean().item() - 0.264) < 1e-3
assert abs(V_end["root of 1 - beta"] - 1) < 0.05
assert abs(V_end["1 - beta"] - 1 / (2 - 0.02)) < 0.03
assert all(V < 0.6 for name, V in V_end.items() if name != "root of 1 - beta")

# %% after: slider
assert crossing == 260
assert 389 <= half_read <= 391
assert abs(read[390] - 0.5) < 0.04
assert all(read[s] < 0.19 for s in (700, 1000))
assert abs(read[700] - 0.13) < 0.03
assert abs(signal[-1].item() - 0.0064) < 1e-4

# %% after: explain-path
for s in walked:
    mean, std = 0.7 * signal[s].item(), noise_std[s].item()
    assert max(ks(walked[s], mean, std), ks(jumped[s], mean, std)) < 1.95 / n**0.5  # one in a thousand exceeds this
assert ks(walked[300], 0.7 * signal[300].item(), 1.05 * noise_std[300].item()) > 1.95 / n**0.5  # 5 % would be noticed
assert abs(formula - 0.946) < 1e-3
assert abs(correlation(walked[500], walked[510]) - formula) < 0.01
assert abs(correlation(jumped[500], jumped[510])) < 0.02
assert abs(math.sqrt(1 - 0.9 * 0.8) - 0.529) < 1e-3

# %% after: explain-coin
assert ks(flipped[1], 0.7 * signal[1].item(), noise_std[1].item()) > 0.3
assert ks(flipped[4], 0.7 * signal[4].item(), noise_std[4].item()) > 0.03
assert ks(flipped[1000], 0.7 * signal[-1].item(), noise_std[-1].item()) < 1.95 / n**0.5

# %% after: explain-broadcast
assert abs(least.item() - 0.75) < 1e-3
assert at.item() == 259
assert abs(beta_for_root[-1] - 0.019) < 1e-3
assert abs(same_eps[-1] - 14.97) < 0.02
assert apart > 0.3
assert as_written.shape == one_each.shape

# %% after: explain-missing
assert abs(sick.alpha_bar[-1].item() - 0.364) < 1e-3
assert abs(scaled_linear().alpha_bar[-1].item() - 4.66e-3) < 1e-5
assert [health(s).verdict for s in candidates] == ["good", "good", "warns", "warns", "fails", "fails", "fails"]
assert all(8 < hit < 12 for hit in at_end[:2])
assert 11.5 < at_end[2] < 14.5
assert 68 < at_end[-1] < 74
assert all((distance < COPY).all() for distance, _ in found.values())
assert counts["T = 100"][1] <= 10
assert counts["T = 100"][7] < 35
assert all(counts["T = 100"][k] > 70 for k in (0, 2))
assert all(counts[name].min() > 25 and counts[name].max() < 80 for name in ("T = 1000", "T = 100, true x_T"))
assert (drawn["T = 100"].mean() - mnist.mean()) > 0.05
assert with_ink > 0.85
assert abs(starts["T = 100, true x_T"][1].mean().item() + 0.45) < 0.02

# %% after: certificate-explain
assert spent["linear"].tolist() == [27, 66, 166, 226, 189, 326]
assert spent["cosine"].tolist() == [56, 132, 308, 307, 133, 64]
assert spent["Stable Diffusion's"].tolist() == [11, 77, 266, 333, 247, 66]
assert abs(linear().at(500).item() - 0.079) < 1e-3
assert abs(cosine().at(500).item() - 0.494) < 1e-3
assert int((cosine().alpha_bar[:-1] - cosine().alpha_bar[1:]).argmax()) + 1 == 497
assert changed == 1
assert readable[10] > 0.995
assert abs(readable[-10] - 0.31) < 0.04
assert readable[-20] < 0.19
assert snr_dB(linear())[673] > -20 >= snr_dB(linear())[674]  # t = 674 and t = 675
cosine_dB = snr_dB(cosine())
assert abs((cosine_dB[-2] - cosine_dB[-1]).item() - 30) < 1
assert spent["linear"][2:4].sum() == 392
assert abs(cosine().sigma(1000).item() - 20_291) < 5
assert health(mine).verdict == "good" or mine.name != "my own"

# %% after: explain-errors
assert (length - 1).abs().max() < 1e-6
assert [round(angle["linear"][s].item(), 1) for s in (100, 300, 500, 900, 1000)] == [18.7, 51.0, 73.7, 89.0, 89.6]
assert [round(angle["cosine"][s].item(), 1) for s in (100, 300, 500, 900, 1000)] == [9.6, 27.5, 45.4, 81.1, 90.0]
assert (angle["cosine"][5:996] - 0.09 * t[5:996]).abs().max() < 0.64
assert abs((angle["linear"][10] - angle["linear"][9]).item() - 0.191) < 1e-3
assert abs((angle["linear"][900] - angle["linear"][899]).item() - 0.009) < 1e-3
assert abs(linear().snr(900).item() - 2.75e-4) < 1e-6
assert abs(0.01 * linear().snr(900).item() ** -0.5 - 0.60) < 5e-3
assert torch.allclose(factors["eps, linear"], linear().snr(after) ** -0.5)
assert abs(factors["eps, cosine"][-1].item() - 20_291) < 5
assert factors["v, linear"].max() < 1
by_hand = convert(Schedule(torch.tensor([1.0, 0.36])), torch.tensor([1.2]), 1, torch.tensor([0.5]), "eps", "v")
assert abs(by_hand.item() + 0.767) < 1e-3

# %% after: full
assert abs(ended["rand() by mistake"].mean().item() - 7.5) < 0.05
assert abs(ended["rand() by mistake"].std().item() - 0.29) < 0.01
assert ks(ended["rare dots"], 0, 1) > 0.02
assert abs(-2 * weight.square().sum().item() + 0.020) < 1e-3
assert abs(97 * weight.square().sum().item() - 0.955) < 0.01
assert ones_after["mean brightness"] > 50
assert 10 <= ones_after["mean picture"] <= 45
assert 0.28 < large[8] < 0.35
assert large[64] > 0.995
assert match[512] < 0.2
assert match[16] > 0.97
