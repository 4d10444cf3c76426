"""Noise schedules: one table alpha_bar[0..T], ways to read it, and a health check. A schedule never steps anything."""

import copy
import math
from dataclasses import dataclass

import torch

from course.checks import holds
from course.env import float64_home


@dataclass(frozen=True, eq=False)
class Schedule:
    """A noise schedule. `alpha_bar` is (T + 1,), float64, 1 at t = 0 and strictly falling, all above 0.

    What is read from the table lies where the table lies, whatever device the times are on: on the CPU, until `to`
    moves it. Grids lie on the CPU always, as it is there that they are walked. Raises ValueError for any other table.
    Lesson 02 derives it; Ho et al. 2006.11239, eq. 4.
    """

    alpha_bar: torch.Tensor
    name: str = "custom"

    def __post_init__(self):
        table = as_float64(self.alpha_bar).clone()  # (T + 1,), nobody else's
        if table.ndim != 1 or len(table) < 2:
            raise ValueError(f"alpha_bar must be (T + 1,) with T >= 1, but has shape {tuple(table.shape)}")
        if table[0] != 1:
            raise ValueError(f"alpha_bar[0] must be 1, the clean picture at t = 0, but is {table[0].item():g}")
        if not (table[1:] < table[:-1]).all():
            raise ValueError("alpha_bar must fall strictly; yours rises, stays level or holds a NaN")
        if table[-1] <= 0:
            raise ValueError("alpha_bar must stay above 0; cap the betas below 1 (cosine uses max_beta=0.999)")
        object.__setattr__(self, "alpha_bar", table)

    def __repr__(self):
        return f"Schedule({self.name!r}, T={self.T}, alpha_bar_T={self.alpha_bar[-1].item():.3g})"

    @property
    def T(self):
        """The last time, where sampling starts."""
        return len(self.alpha_bar) - 1

    @property
    def beta(self):
        """The variance that each step adds, (T + 1,) float64; beta[0] is 0, so that beta[t] belongs to step t."""
        steps = 1 - self.alpha_bar[1:] / self.alpha_bar[:-1]  # (T,)
        return torch.cat([steps.new_zeros(1), steps])

    def at(self, t, ndim=1):
        """alpha_bar at t (B,) as (B, 1, ..., 1) with `ndim` dimensions, float64; a 0-dim t gives a 0-dim answer.

        Between integers log alpha_bar is linear in t. Raises ValueError for t outside 0..T or of another shape.
        """
        t = as_times(t)
        if t.ndim > 1:
            raise ValueError(f"t must be (B,) or a number, but has shape {tuple(t.shape)}")
        if not holds((t >= 0) & (t <= self.T)):  # where t lies: there is no wait for times on the CPU
            raise ValueError(f"t must lie in 0..{self.T}; yours runs from {t.min().item():g} to {t.max().item():g}")
        t = t.to(self.alpha_bar.device)
        if t.is_floating_point():
            log, low = self.alpha_bar.log(), t.floor().long().clamp(max=self.T - 1)
            value = torch.lerp(log.take(low), log.take(low + 1), t.double() - low).exp()
        else:
            value = self.alpha_bar.take(t.long())  # as alpha_bar[t], which would wait for a t on a GPU
        return value.reshape(-1, *[1] * (ndim - 1)) if t.ndim else value

    def sigma(self, t, ndim=1):
        """sqrt((1 - alpha_bar) / alpha_bar) at t: the noise std when the picture is left at full size."""
        alpha_bar = self.at(t, ndim)
        return ((1 - alpha_bar) / alpha_bar).sqrt()

    def snr(self, t, ndim=1):
        """alpha_bar / (1 - alpha_bar) at t: power of the signal over power of the noise; infinite at t = 0."""
        alpha_bar = self.at(t, ndim)
        return alpha_bar / (1 - alpha_bar)

    def t_at_sigma(self, sigma):
        """The time, float64, at which the noise level is `sigma`: the exact inverse of `sigma(t)`.

        Raises ValueError outside 0..sigma(T).
        """
        sigma = as_float64(sigma).to(self.alpha_bar.device)
        top = self.sigma(self.T)
        if not holds((sigma >= 0) & (sigma <= top * (1 + 1e-9))):  # forgive the rounding of sigma(T)
            raise ValueError(f"sigma must lie in 0..{top.item():g}, the noise levels of this schedule")
        decay, want = -self.alpha_bar.log(), torch.log1p(sigma**2)  # both are -log alpha_bar
        low = (torch.searchsorted(decay, want.contiguous()) - 1).clamp(0, self.T - 1)
        return (low + (want - decay[low]) / (decay[low + 1] - decay[low])).clamp(max=self.T)

    def grid(self, n):
        """n + 1 whole times, evenly spread, falling from T to 0, long, on the CPU.

        Raises ValueError unless 1 <= n <= T.
        """
        if not 1 <= n <= self.T:
            raise ValueError(f"a grid of {n} steps does not fit: choose between 1 and T = {self.T}")
        return torch.linspace(self.T, 0, n + 1, dtype=torch.float64, device="cpu").round().long()

    def karras_grid(self, n, rho=7.0):
        """n + 1 float64 times: sigma falls from min(80, sigma(T)) to sigma(1), evenly in sigma^(1/rho), then to 0.

        They lie on the CPU. Karras et al. 2206.00364, eq. 5. Raises ValueError unless n >= 1.
        """
        if n < 1:
            raise ValueError(f"a grid needs at least one step, not {n}")
        high, low = self.sigma(self.T).clamp(max=80.0) ** (1 / rho), self.sigma(1) ** (1 / rho)
        sigma = torch.lerp(high, low, torch.linspace(0, 1, n, dtype=torch.float64, device=high.device)) ** rho
        return torch.cat([self.t_at_sigma(sigma), sigma.new_zeros(1)]).cpu()

    def flow_grid(self, n, shift=1.0):
        """n + 1 float64 times from T to 0 for few steps: s = sigma / (1 + sigma), the time of a flow, falls evenly.

        With a `shift` each sigma is so many times as large as the even s says, but for the first, which is sigma(T) at
        every shift. They lie on the CPU. Esser et al. 2403.03206, eq. 23, where shift = sqrt(m / n) for m pixels
        instead of n. Raises ValueError unless n >= 1 and shift > 0. Lesson 08.
        """
        if n < 1 or not 0 < shift < math.inf:
            raise ValueError(f"a grid needs at least one step and a positive shift, not {n} and {shift}")
        top = self.sigma(self.T) / shift
        s = torch.linspace(1, 0, n + 1, dtype=torch.float64, device=top.device) * (top / (1 + top))
        times = self.t_at_sigma((shift * s / (1 - s)).clamp(max=self.sigma(self.T))).cpu()
        times[0] = self.T  # whatever the rounding
        return times

    def to(self, device):
        """The same schedule for another device, its table there; for MPS, which has no float64, it stays on the CPU."""
        there = copy.copy(self)  # the table was judged when it was given
        object.__setattr__(there, "alpha_bar", self.alpha_bar.to(float64_home(device)))
        return there


def as_times(t):
    """Times as a tensor, where they are; numbers of Python on the CPU, in full precision."""
    if isinstance(t, torch.Tensor):
        return t
    return torch.as_tensor(t, dtype=torch.float64 if isinstance(t, float) else None, device="cpu")


def as_float64(x):
    """Numbers as a tensor of float64, where they are, or where float64 can be."""
    if isinstance(x, torch.Tensor):
        return x.to(float64_home(x.device)).double()
    return torch.as_tensor(x, dtype=torch.float64, device="cpu")


def _from_betas(beta, name):
    return Schedule(torch.cat([beta.new_ones(1), torch.cumprod(1 - beta, 0)]), name)


def _check_T(T):
    if T < 1:
        raise ValueError(f"a schedule needs T >= 1 steps, not {T}")


def linear(T=1000):
    """The schedule of DDPM: T even betas from 1e-4 to 0.02, at *every* T (`health` judges it). 2006.11239, sec. 4."""
    _check_T(T)
    return _from_betas(torch.linspace(1e-4, 0.02, T, dtype=torch.float64, device="cpu"), f"linear, T = {T}")


def scaled_linear(T=1000):
    """The schedule of Stable Diffusion 1.x: the roots of the betas are even, from 0.00085 to 0.012.

    The numbers stand in CompVis/stable-diffusion, configs/stable-diffusion/v1-inference.yaml.
    """
    _check_T(T)
    root = torch.linspace(0.00085**0.5, 0.012**0.5, T, dtype=torch.float64, device="cpu")
    return _from_betas(root**2, f"scaled_linear, T = {T}")


def cosine(T=1000, s=0.008, max_beta=0.999):
    """alpha_bar as a squared cosine, its betas capped at `max_beta`. Nichol, Dhariwal 2102.09672, eq. 17; lesson 02."""
    _check_T(T)
    u = torch.arange(T + 1, dtype=torch.float64, device="cpu") / T
    f = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2  # (T + 1,)
    return _from_betas((1 - f[1:] / f[:-1]).clamp(max=max_beta), f"cosine, T = {T}")


def flow(T=1000, top=157.4):
    """The straight path of flow matching as a table: s, the share of noise in z = (1 - s) x_0 + s eps, rises evenly.

    It ends at sigma(T) = `top`, that of `linear`, as no table reaches s = 1. x is z over sqrt((1 - s)^2 + s^2). Lipman
    et al. 2210.02747, eq. 22, with time turned round; lesson 08. Raises ValueError unless top > 0.
    """
    _check_T(T)
    if not 0 < top < math.inf:
        raise ValueError(f"the last sigma of a flow must be positive and finite, not {top}")
    s = torch.arange(T + 1, dtype=torch.float64, device="cpu") / T * (top / (1 + top))
    return Schedule((1 - s) ** 2 / ((1 - s) ** 2 + s**2), f"flow, T = {T}")


@dataclass(frozen=True)
class Health:
    """How much signal a schedule leaves at its end. `mean_shows` is None where no shape was given."""

    verdict: str  # good, warns, fails
    alpha_bar_T: float
    sigma_T: float
    snr_dB: float
    mean_shows: float | None = None

    @property
    def amplitude(self):
        """The factor before the picture in x_T, sqrt(alpha_bar_T)."""
        return self.alpha_bar_T**0.5

    def __str__(self):
        text = f"{self.verdict}: alpha_bar_T {self.alpha_bar_T:.2e}, amplitude left {self.amplitude:.4f}"
        text += f", sigma_T {self.sigma_T:.4g}, SNR {self.snr_dB:.0f} dB"
        return text if self.mean_shows is None else f"{text}, mean of the picture shows {self.mean_shows:.2f} stds"


def health(schedule, shape=None):
    """Judge whether x_T is noise: fails where alpha_bar_T > 1e-2, warns above 1e-3.

    With the `shape` of a picture, `mean_shows` is sqrt(alpha_bar_T D): how many stds of its noise the mean of D
    pixels still moves. Lin et al. 2305.08891; lesson 02.
    """
    end = schedule.alpha_bar[-1].item()
    verdict = "fails" if end > 1e-2 else "warns" if end > 1e-3 else "good"
    shows = None if shape is None else math.sqrt(end * math.prod(shape))
    return Health(verdict, end, math.sqrt((1 - end) / end), 10 * math.log10(end / (1 - end)), shows)
