"""How likely a model holds a picture: the density that its probability flow ODE carries from the noise. The one place
where a model is asked for its gradients."""

import math

import torch

from course.checks import floating
from course.forward import like, normal
from course.samplers.walk import asked
from course.schedules import as_float64


def path_log_p(sigma, u, div):
    """log p where a path begins, in nats, (B,): log N(u; 0, sigma_T^2 I) where it ends, plus the area under `div`.

    sigma (n + 1,) rises to sigma_T, u (B, ...) is the end of the path, div (n + 1, B) the divergence of eps along it;
    the area is taken by trapezoids. Song et al. 2011.13456, eq. 39, in the frame u; lesson 08.
    """
    area = torch.trapezoid(div.double(), sigma.double(), dim=0)  # (B,)
    u, top = u.double().flatten(1), sigma[-1].double()
    return area - u.square().sum(1) / (2 * top**2) - u.shape[1] * (math.log(2 * math.pi) / 2 + top.log())


def log_likelihood(model, schedule, u, low=0.05, n=80, probes=1, cond=None, generator=None):
    """log p(u) of noisy pictures u = x_0 + low eps, (B, ...), under the model's own ODE, in nats: (B,) float64, and
    where the ODE carries them, u_T (B, ...) at the last sigma of the schedule.

    It is a density at the noise level sigma = `low`, not of clean pictures. n steps of Heun, even in log sigma; a few
    steps flatter. The divergence costs as many probes of random signs, unbiased for each path, or with probes=None one
    gradient a pixel, exact. Raises TypeError where u is not floating point, ValueError unless 0 < low < sigma(T) and
    n >= 1. Song et al. 2011.13456, eq. 39 and 40; lesson 08.
    """
    floating(u)
    top = schedule.sigma(schedule.T)
    if not 0 < low < top or n < 1 or (probes is not None and probes < 1):
        raise ValueError(f"a path needs 0 < low < {top.item():g}, a step and a probe, not {low}, {n} and {probes}")
    sigma = torch.linspace(math.log(low), top.log().item(), n + 1, dtype=torch.float64, device="cpu").exp()
    times = schedule.t_at_sigma(sigma.clamp(max=top.cpu())).cpu()  # (n + 1,)
    signs = None if probes is None else [normal(u, generator).sign() for _ in range(probes)]
    ask, divs = asked(model, cond), []

    def eps(u, k):
        return ask(like(1 / (1 + sigma[k] ** 2).sqrt(), u) * u, times[k])

    for k in range(n + 1):
        slope, div = divergence(lambda u, k=k: eps(u, k), u, signs)
        divs.append(div)
        if k < n:
            step = like(sigma[k + 1] - sigma[k], u)
            with torch.no_grad():
                u = u + step / 2 * (slope + eps(u + step * slope, k + 1))
    return path_log_p(sigma, as_float64(u).cpu(), as_float64(torch.stack(divs)).cpu()), u


def divergence(field, x, probes=None):
    """A field (B, ...) -> (B, ...) at x, and the trace of its slopes there: (B, ...), (B,), both detached.

    `probes` are tensors like x with mean 0 and covariance I: the mean of e . J e over them estimates the trace; without
    any, each number of x is a direction of its own. Hutchinson's estimator; 2011.13456, eq. 40.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = field(x)
        if probes is None:
            columns = value.flatten(1).unbind(1)  # D of (B,)
            rows = [torch.autograd.grad(c.sum(), x, retain_graph=True)[0].flatten(1) for c in columns]
            trace = sum(row[:, k] for k, row in enumerate(rows))
        else:
            ends = [torch.autograd.grad((value * e).sum(), x, retain_graph=True)[0] * e for e in probes]
            trace = sum(end.flatten(1).sum(1) for end in ends) / len(ends)
    return value.detach(), trace.detach()
