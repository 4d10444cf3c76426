"""The benchmark: ratios within a round, a turning order, rows that are kept, a baseline that resumes, its page."""

import inspect
import json
import sys
from functools import partial
from types import SimpleNamespace

import pytest
import torch
import torch.nn as nn
from project import ROOT, run

from course.metrics import frechet
from course.models import as_eps, clip_x0
from course.training.loop import Progress

sys.path.append(str(ROOT / "benchmarks"))
import bench
import exact
import figure
import gpu
import measuring
import memory
import networks
import quality
import report
import rows


def comparison(**numbers):
    return measuring.compared("images/s", numbers, text="Fake.", better="higher")


def test_ratios_are_taken_within_a_round():
    result = comparison(usual=[1.0, 2.0, 4.0], other=[3.0, 6.0, 12.0], noisy=[1.0, 4.0, 2.0])
    assert measuring.ratios(result) == {"usual": (1, 1, 1), "other": (3, 3, 3), "noisy": (1, 0.5, 2)}
    result["against"] = {"other": "noisy"}
    assert measuring.ratios(result) == {"other": (3, 1.5, 6)}


def test_every_contender_takes_its_turn():
    calls = []
    contenders = {name: lambda name=name: calls.append(name) or 1.0 for name in "abc"}
    assert measuring.measure(contenders, rounds=3) == {name: [1.0] * 3 for name in "abc"}
    assert "".join(calls) == "abc" + "abc" + "bca" + "cab"


def test_a_time_limit_leaves_three_rounds():
    assert measuring.measure({"a": lambda: 1.0}, rounds=9, limit=0.0, warm=False) == {"a": [1.0] * 3}
    assert len(measuring.measure({"a": lambda: 1.0}, rounds=9, limit=60.0)["a"]) == 9


def test_a_rate_counts_pictures_a_second(monkeypatch):
    now, steps = [0.0], []
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: now[0])

    def step():  # takes a quarter of a second
        now[0] += 0.25
        steps.append(1)

    turn = measuring.rate(step, pictures=8, threads=1, seconds=1.0)
    assert turn() == turn() == 32
    assert len(steps) == 4 + 2 * 4  # two to warm up, two to see how long they take, then four fill a second


def test_a_rehearsal_is_smaller_in_everything():
    small, whole = measuring.Size(0.01), measuring.Size()
    assert (small.rounds(11), small.seconds(200), small.pictures(1000), small.batch(128)) == (2, 2, 64, 16)
    assert (whole.rounds(11), whole.seconds(200), whole.pictures(1000), whole.batch(128)) == (11, 200, 1000, 128)


class Fakes:
    """Rows that count how often they are measured; `broken` names one that is interrupted."""

    def __init__(self):
        self.calls, self.broken = [], None
        self.table = {
            "speed": bench.Row(partial(self.row, "speed")),
            "threads": bench.Row(partial(self.row, "threads"), builds_on="speed"),
            "memory": bench.Row(partial(self.row, "memory")),
            "exact": bench.Row(partial(self.row, "exact"), full=True),
        }

    def row(self, name, given):
        self.calls.append(name)
        if name == self.broken:
            raise KeyboardInterrupt
        if name == "threads":
            assert given.needs("speed")["numbers"]
        if name == "memory":
            raise measuring.Skip("there is none")
        return comparison(**{"baseline, float32": [1.0, 1.0], "ours, float32": [2.0, 3.0]})

    def main(self, root, *arguments):
        (root / "docs").mkdir(exist_ok=True)
        self.calls.clear()
        return bench.main(list(arguments), self.table, root)


@pytest.fixture
def unseen(monkeypatch):
    """No figure is drawn: which rows are measured does not depend on it, and it takes longer than they."""
    monkeypatch.setattr(figure, "draw", lambda rows: None)


def test_rows_are_kept_and_skipped_ones_tried_again(tmp_path, monkeypatch):
    fakes = Fakes()
    assert fakes.main(tmp_path) == 0
    assert fakes.calls == ["speed", "threads", "memory"]
    page = (tmp_path / "docs/benchmark.md").read_text()
    assert "| ours, float32 | 2.50 | 2.00 to 3.00 | 2.5 |" in page
    assert "Not measured: there is none." in page
    assert (tmp_path / "docs/benchmark.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(figure, "draw", lambda rows: None)
    assert fakes.main(tmp_path) == 0
    assert fakes.calls == ["memory"]
    assert fakes.main(tmp_path, "--full") == 0
    assert fakes.calls == ["memory", "exact"]


def test_a_row_measured_again_takes_those_that_build_on_it_along(tmp_path, unseen):
    fakes = Fakes()
    fakes.main(tmp_path, "--full")
    fakes.main(tmp_path, "--again", "speed")
    assert fakes.calls == ["speed", "threads", "memory"]
    fakes.main(tmp_path, "--again", "exact")
    assert fakes.calls == ["memory", "exact"]


def test_an_interrupted_benchmark_keeps_what_it_has(tmp_path, unseen):
    fakes = Fakes()
    fakes.broken = "threads"
    assert fakes.main(tmp_path) == 130
    stored = json.loads((tmp_path / "build/bench/results.json").read_text())
    assert list(stored["rows"]) == ["speed"]
    fakes.broken = None
    assert fakes.main(tmp_path) == 0
    assert fakes.calls == ["threads", "memory"]


def test_results_of_another_machine_are_not_mixed_in(tmp_path, unseen, capsys):
    fakes = Fakes()
    fakes.main(tmp_path)
    place = tmp_path / "build/bench/results.json"
    place.write_text(place.read_text().replace('"cores"', '"kernels"'))
    assert fakes.main(tmp_path) == 1
    assert fakes.calls == []
    assert "another machine (cores differ)" in capsys.readouterr().err


def test_a_rehearsal_leaves_the_page_alone(tmp_path):
    Fakes().main(tmp_path, "--rehearse")
    assert list((tmp_path / "docs").iterdir()) == []
    assert "**A rehearsal** with 0.005" in (tmp_path / "build/bench/rehearsal/benchmark.md").read_text()


class Tiny(nn.Module):
    """A network as diffusers has them: the answer is in `.sample`."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x, t, class_labels=None):
        assert t.min() >= 0
        assert t.max() <= 999  # it counts from 0
        return SimpleNamespace(sample=self.net(x))


PICTURES = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_killed_baseline_goes_on_as_if_nothing_had_happened(tmp_path):
    def judge(model):
        return model(PICTURES, torch.ones(32, dtype=torch.long)).square().mean().item(), 0.5

    def killed(model):
        if judged.append(1) or len(judged) == 3:
            raise KeyboardInterrupt
        return judge(model)

    train, judged = partial(quality.train_to, x=PICTURES, seconds=40, pace=2.0, batch=8, parts=4), []
    whole = train(tmp_path / "a", net := Tiny(), judge=judge)
    assert [at[:2] for at in whole["curve"]] == [[10, 5], [20, 10], [30, 15], [40, 20]]
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", Tiny(), judge=killed)
    calls, again = [], Tiny()
    resumed = train(tmp_path / "b", again, judge=lambda m: calls.append(1) or judge(m))
    assert resumed == whole
    assert len(calls) == 2  # the first two quarters were over
    for mine, theirs in zip(again.parameters(), net.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def progress(step, ema):
    return Progress(step, 0.1, ema, 1e9, dict)  # the seconds that were taken do not count


def test_a_chase_ends_at_the_target_or_with_its_steps():
    training = [progress(s, 100.0 - s * 2) for s in range(1, 16)]
    chase = partial(quality.chase, judge=lambda d: (d, d / 100), marks=(10, 20, 21, 30), pace=2.0)
    curve = chase(iter(training), target=79.5)
    assert curve == [[10, 5, 90, 0.9], [20, 10, 80, 0.8], [22, 11, 78, 0.78]]
    assert quality.reached(curve, 79.5) == 22
    assert chase(iter(training), target=90) == curve[:1]
    assert chase(iter(training), target=90, whole=True) == [*curve, [30, 15, 70, 0.7]]
    assert chase(iter(training[:12]), target=0)[-1] == [24, 12, 76, 0.76]
    assert quality.reached(curve, 0) is None


def test_the_judge_gives_the_distance_of_samples_to_the_reference():
    features = partial(torch.flatten, start_dim=1)
    x_T = torch.randn(300, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    data = torch.rand(500, 1, 2, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
    judge = quality.Judge(features, features(data), data[:300], x_T, steps=5)
    assert judge.floor == pytest.approx(frechet(features(data[:300]), features(data)))
    distance, loss = judge(lambda x, t, cond=None: torch.zeros_like(x))  # x_0 is then x_T, many times larger, clamped
    assert distance == pytest.approx(frechet(features((x_T * 1e3).clamp(-1, 1)), features(data)), rel=0.05)
    assert loss == pytest.approx(1, rel=0.1)  # the variance of eps


def test_the_judge_counts_the_better_of_clipped_and_not():
    features = partial(torch.flatten, start_dim=1)
    noise = torch.randn(2, 200, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    judge = quality.Judge(features, features(noise[0] / 4), noise[0] / 4, noise[1], steps=5)

    def guess(x, t, cond=None):  # of x_0, exact for the variance 1/16, but wild at the first step
        ab = judge.schedule.alpha_bar[t[0]]
        return x * ab.sqrt() / (ab + 16 * (1 - ab)) * (1e6 if t[0] == 1000 else 1)

    wild = as_eps(guess, judge.schedule, "x0")
    clipped = clip_x0(wild, judge.schedule)
    assert judge(wild)[0] == judge(clipped)[0]
    plain = quality.Judge(features, judge.reference, noise[0] / 4, noise[1], steps=5, clip=False)
    assert plain(wild)[0] > 2 * judge(wild)[0]
    assert judge(wild)[0] < 0.2 * frechet(features(torch.ones(200, 1, 2, 2).copysign(noise[1])), judge.reference)


def time_to_quality(**seconds):
    base = {"curve": [[300, 9, 50, 0.05], [1200, 36, 20, 0.03]], "floor": 4.0, "samples": 1000, "threads": 2}
    base |= {"reference": 55_000, "pace": 2.0}
    found = {"baseline": base | {"date": "2024-01-02"}}
    for name, s in seconds.items():
        curve = [[10, 5, 90, 0.09], [s or 200, 50, 19, 0.02]]
        row = {"curve": curve, "target": 20, "seconds": s, "date": "2024-01-03"}
        found[name.replace("_", "-")] = row
    return found


def test_times_to_quality_are_ratios_and_judged_by_the_middle_seed():
    found = time_to_quality(float32_0=120, float32_1=100, float32_2=None, bfloat16_0=60)
    assert report.sooner(found, "float32") == [10, 12, None]
    text = report.quality(found)
    assert "| float32 | 120, 100, not reached | 11 (10 to 12) | 8 | met |" in text
    assert "| bfloat16 | 60 | 20 (20 to 20) | 15 | beyond the wish |" in text
    assert "| baseline | 1200 s | 36 | 20.00 | 0.0300 |" in text
    assert "| ours, float32 | 10 s | 5 | 90.00 | 0.0900 |" in text
    assert text.count("| ours, float32 |") == 2  # the first seed alone
    assert report.verdict([10, None, None], 8) == "missed"
    assert report.verdict([7, 9, 7], 8) == "missed"
    assert "| bfloat16 | not measured |" in report.quality(time_to_quality(float32_0=120))


def test_the_figure_reads_curves_straight_on_logarithmic_axes():
    curve = [[10, 1, 100, 7], [1000, 9, 1, 7]]
    assert figure.at(curve, [10, 100, 1000]) == pytest.approx([100, 10, 1])
    assert all(value != value for value in figure.at(curve, [9, 1001]))
    assert figure.at(curve[:1], [10]) == pytest.approx([100])
    png, words = figure.draw(time_to_quality(float32_0=120, float32_1=100))
    assert png.startswith(b"\x89PNG")
    assert "The baseline takes 1200 s to 20.0; ours, in the median of its seeds: float32 110 s." in words
    assert figure.medians(time_to_quality(bfloat16_0=None)) == ["bfloat16 does not get there"]
    assert figure.draw({}) is None


def test_the_page_judges_the_sampler_by_its_target():
    numbers = {"50 calls of the model": [1.0, 1.0, 1.0], "ddim, 50 steps": [1.04, 1.2, 1.0]}
    assert "**Met**: 1.040" in report.sampler_verdict(measuring.compared("s", numbers))
    numbers["ddim, 50 steps"][2] = 1.06
    assert "**Missed**: 1.060" in report.sampler_verdict(measuring.compared("s", numbers))


def test_a_gpu_is_known_by_name_and_its_share_is_counted():
    assert gpu.peak("NVIDIA H100 80GB HBM3") == 989e12
    assert gpu.peak("NVIDIA H100 PCIe") == 756e12
    assert gpu.peak("NVIDIA A100-SXM4-40GB") == 312e12
    assert gpu.peak("NVIDIA L40S") is None
    result = comparison(**{"baseline, float32": [100.0], "ours, bfloat16, batch 64": [1000.0]})
    result |= {"flops": {"ours": 1e9, "baseline": 2e9}, "peak": 1e13}
    assert "ours, bfloat16, batch 64: 10.0% of" in report.gpu_share(result)
    assert "is not known" in report.gpu_share(result | {"peak": None})


def test_operations_are_counted_forward_and_backward():
    net = nn.Conv2d(1, 1, 3, padding=1)
    forward = 2 * 8 * 8 * 9  # a picture; the backward pass is the same again, for the weights
    assert gpu.flops(lambda x, t, cond=None: net(x), (1, 8, 8), torch.device("cpu")) == 2 * forward


def test_the_contenders_can_be_measured(monkeypatch):
    assert 0 < exact.walk(steps=2) < 60
    step = networks.ours("mnist_mini", PICTURES.repeat(4, 1, 1, 1), batch=2).step
    assert [step().step for _ in range(2)] == [1, 2]
    assert 0 < step().loss < 0.5  # it prints v = 0, which is far better than eps = 0
    monkeypatch.setattr(rows, "STEPS", 2)
    monkeypatch.setattr(rows, "PICTURES", 2)
    given = measuring.Bench(measuring.Size(0.01), ROOT / "build")
    found = rows.sampler(given)
    assert set(found["numbers"]) >= {"ddim, 2 steps", "ddpm, 2 steps", "2 calls of the model"}
    assert "ddim: " in found["profile"]
    assert "  mul  " in found["profile"]


def test_memory_is_seen_even_below_what_the_parent_held():
    """`ru_maxrss` of a child begins with its parent's size, so it would see nothing here."""
    held = torch.ones(100_000_000)  # 400 MB
    code = f"import sys\nfrom pathlib import Path\n{inspect.getsource(memory.peak)}before = peak()\n"  # without torch
    code += "x = b'x' * 240_000_000\nprint(peak() - before)"
    child = run(sys.executable, "-c", code)
    assert held.sum() > 0
    assert 200e6 < int(child.stdout) < 300e6, child.stderr
