"""Distributions whose best denoiser is known in closed form: Gaussian mixtures, and finite sets of pictures.

With a = sqrt(alpha_bar), a mixture of N(m_k, std_k^2 I) becomes under noise a mixture of N(a m_k, v_k I) with
v_k = alpha_bar std_k^2 + 1 - alpha_bar. Everything here follows from the responsibilities of its parts (lesson 03).
"""

import math

import torch

from course.checks import clean_pictures, floating, holds
from course.env import float64_home, moved
from course.forward import like, normal
from course.schedules import as_float64


class GaussianMixture:
    """sum_k w_k N(m_k, std_k^2 I), its noisy versions, and the exact eps.

    means (K, ...), pictures or points; stds a number or (K,), not negative; weights (K,), or None for equal ones
    (they are normalised). Raises ValueError for other shapes or values. Memory: one (B, K) table a call.
    """

    def __init__(self, means, stds, weights=None):
        if means.ndim < 2 or not len(means) or not means.is_floating_point():
            raise ValueError(
                f"means must be floating point (K, ...), K >= 1, but are {means.dtype} {tuple(means.shape)}"
            )
        self.shape, self.means = means.shape[1:], means.flatten(1)  # (K, D)
        home = float64_home(means.device)
        stds = as_float64(stds).to(home)
        if stds.shape not in ((), (len(means),)):
            raise ValueError(f"stds must be a number or ({len(means)},), one a mean, but are {tuple(stds.shape)}")
        self.stds = stds.expand(len(means))  # (K,)
        weights = self.stds.new_ones(len(means)) if weights is None else as_float64(weights).to(home)
        if weights.shape != self.stds.shape:
            raise ValueError(f"weights must be ({len(means)},), one for each mean, but are {tuple(weights.shape)}")
        if not (self.means.isfinite().all() and (self.stds >= 0).all() and (weights >= 0).all() and weights.sum() > 0):
            raise ValueError("means must be finite, stds and weights not negative, and some weight positive")
        self.weights = weights / weights.sum()  # (K,)
        self.square = as_float64(self.means).square().sum(1)  # (K,)
        self.one_std = bool((self.stds == self.stds[0]).all())

    def _parts(self, x, alpha_bar):
        """Flat x (B, D), alpha_bar (B, 1) or 0-dim, variances v (B or 1, K), and log w_k N(x; a m_k, v_k I) (B, K).

        Where all stds are equal the logs lack a term that is the same for all k: it cancels in the responsibilities,
        and |x|^2 would cost digits.
        """
        floating(x)
        if x.shape[1:] != self.shape:
            raise ValueError(f"x must be (B, {', '.join(map(str, self.shape))}), but is {tuple(x.shape)}")
        home = float64_home(x.device)
        alpha_bar = as_float64(alpha_bar).to(home)
        if alpha_bar.numel() not in (1, len(x)):
            raise ValueError(f"alpha_bar must be one number or one for each of {len(x)} x, not {alpha_bar.numel()}")
        if not holds((alpha_bar > 0) & (alpha_bar <= 1)):
            raise ValueError("alpha_bar must lie in (0, 1]")
        alpha_bar = alpha_bar.reshape(-1, 1) if alpha_bar.ndim else alpha_bar
        x, m = x.flatten(1), self.means.to(x)
        v = alpha_bar * self.stds.to(home).square() + 1 - alpha_bar  # (B or 1, K)
        if not holds(v > 0):
            raise ValueError("without noise (alpha_bar = 1, t = 0) a part of std 0 has no density; use t >= 1")
        a, v = like(alpha_bar.sqrt(), x), like(v, x).reshape(-1, len(m))
        cross = a * (x @ m.T) - a.square() / 2 * like(self.square, x)  # (B, K): -|x - a m|^2 / 2 + |x|^2 / 2
        logs = like(self.weights, x).log() + cross / v
        if not self.one_std:
            logs = logs - x.square().sum(1, keepdim=True) / (2 * v) - x.shape[1] / 2 * v.log()
        return x, alpha_bar, v, logs

    def posterior(self, x, alpha_bar):
        """The probability of each part, given the noisy x (B, ...): (B, K), rows sum to one.

        alpha_bar is a number, 0-dim, or `schedule.at(t, x.ndim)`.
        """
        return self._parts(x, alpha_bar)[-1].softmax(1)

    def posterior_mean(self, x, alpha_bar):
        """E[x_0 | x_t = x], the best guess of the clean picture: (B, ...)."""
        flat, alpha_bar, v, logs = self._parts(x, alpha_bar)
        r, stds = logs.softmax(1), like(self.stds, flat)  # (B, K), (K,)
        of_means = (r * like(1 - alpha_bar, flat) / v) @ self.means.to(flat)  # (B, D)
        of_x = like(alpha_bar.sqrt(), flat) * (r * stds.square() / v).sum(1, keepdim=True)  # (B, 1)
        return (of_means + of_x * flat).reshape(x.shape)

    def score(self, x, alpha_bar):
        """The gradient of the log density of the noisy distribution at x: (B, ...)."""
        flat, alpha_bar, v, logs = self._parts(x, alpha_bar)
        pull = logs.softmax(1) / v  # (B, K)
        a = like(alpha_bar.sqrt(), flat)
        return (a * (pull @ self.means.to(flat)) - flat * pull.sum(1, keepdim=True)).reshape(x.shape)

    def velocity(self, z, s):
        """The velocity of the exact flow at z = (1 - s) x_0 + s eps: E[eps - x_0 | z], (B, ...).

        s, a number or (B,), lies in [0, 1], 0 clean; at s = 1, where z tells nothing of x_0, it is z less the mean.
        Raises ValueError elsewhere, and at s = 0 for parts of std 0. Lipman et al. 2210.02747, eq. 23, which it
        minimises, with time turned round; lesson 08.
        """
        s = as_float64(s)
        if not holds((s >= 0) & (s <= 1)):
            raise ValueError("a flow's time s must lie in 0..1")
        if s.ndim and s.numel() != 1:
            s = s.reshape(-1, *[1] * (z.ndim - 1))  # (B, 1, ..., 1)
        inner = torch.where(s < 1, s, 0.5)  # a stand-in, as alpha_bar = 0 is no level of a table
        power = (1 - inner) ** 2 + inner**2
        alpha_bar, x = (1 - inner) ** 2 / power, z / like(power.sqrt(), z)
        eps = -like((1 - alpha_bar).sqrt(), z) * self.score(x, alpha_bar)
        mean = (like(self.weights, z) @ self.means.to(z)).reshape(self.shape)
        return torch.where((s < 1).to(z.device), eps - self.posterior_mean(x, alpha_bar), z - mean)

    def log_density(self, x, alpha_bar):
        """log of the density of the noisy distribution at x, in nats: (B,)."""
        flat, _, v, logs = self._parts(x, alpha_bar)
        if self.one_std:  # put back what _parts left out
            logs = logs - flat.square().sum(1, keepdim=True) / (2 * v) - flat.shape[1] / 2 * v.log()
        return logs.logsumexp(1) - flat.shape[1] / 2 * math.log(2 * math.pi)

    def eps_model(self, schedule):
        """The exact model: eps(x, t) = E[eps | x_t = x] = -sqrt(1 - alpha_bar) score. It knows no conditions."""

        def eps(x, t, cond=None):
            if cond is not None:
                raise ValueError("this exact model has no labels; leave cond away")
            alpha_bar = schedule.at(t, x.ndim)  # (B, 1, ..., 1) or 0-dim
            return -like((1 - alpha_bar).sqrt(), x) * self.score(x, alpha_bar)

        return eps

    def sample(self, n, generator=None):
        """n clean draws: (n, ...)."""
        weights = self.weights if generator is None else moved(self.weights, generator.device)
        k = torch.multinomial(weights, n, replacement=True, generator=generator).to(self.means.device)  # (n,)
        x = self.means[k]
        if (self.stds > 0).any():
            x = x + like(self.stds, x)[k, None] * normal(x, generator)
        return x.reshape(n, *self.shape)


class FiniteSet(GaussianMixture):
    """The distribution that draws one of the pictures x (N, ...), each equally often: a mixture of parts with std 0.

    Its eps has the lowest loss that training on x can reach, and sampling with it returns the pictures themselves
    (lesson 03). Raises TypeError or ValueError where x are not clean pictures in [-1, 1].
    """

    def __init__(self, x):
        clean_pictures(x)
        super().__init__(x, 0.0)
