"""The memory that three training steps need at their peak: python benchmarks/memory.py baseline|ours ...

Each contender has a process of its own. The highest resident size is read from the process's own memory map where the
system has one: `ru_maxrss` of a child begins with that of the parent who started it (seen on Linux: 500 MB for a child
of 11 MB).
"""

import subprocess
import sys
from pathlib import Path

import networks
import torch
from measuring import compared, has_bfloat16, measure

from course import env

MIB = 2**20
RECIPE = networks.RECIPES["mnist"]["batch"]
CONTENDERS = {  # name: (network, batch, precision)
    "baseline, batch 128, float32": ("baseline", 128, "float32"),
    f"ours, batch {RECIPE}, float32": ("ours", RECIPE, "float32"),
    f"ours, batch {RECIPE}, bfloat16": ("ours", RECIPE, "bfloat16"),
    "ours, batch 128, float32": ("ours", 128, "float32"),
}


def peak():
    """The most bytes that this process has had resident so far."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(lines[0].split()[1]) * 1024
    import resource  # a system without /proc; Windows has neither, and says so

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def needed(kind, batch, precision):
    """Bytes that three training steps add to the peak of the imports."""
    env.threads(1)
    x = torch.rand(1000, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    networks.baseline_net()  # both sides import the same; it is let go
    before, precision = peak(), getattr(torch, precision)
    one = networks.baseline(x, batch) if kind == "baseline" else networks.ours("mnist", x, precision, batch)
    for _ in range(3):
        one.step()
    return peak() - before


def _asked(kind, batch, precision):
    command = [sys.executable, __file__, kind, str(batch), precision]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}")
    return int(done.stdout) / MIB


def memory(bench):
    """The row: MiB of each contender, interleaved, each time in a fresh process."""
    networks.baseline_net()
    wishes = {name: wish for name, wish in CONTENDERS.items() if has_bfloat16() or wish[2] == "float32"}
    few = bench.size.batch
    asked = {name: lambda w=wish: _asked(w[0], few(w[1]), w[2]) for name, wish in wishes.items()}
    text = "Peak of three training steps (weights, gradients, optimiser, activations) above what the process holds "
    text += "after its imports; each time a fresh process, one thread."
    return compared("MiB", measure(asked, bench.size.rounds(3), warm=False), text=text)


if __name__ == "__main__":
    print(needed(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
