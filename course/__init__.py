r"""From noise to images: the helper package of the course.

Conventions, the same in every lesson and every function:

- t = 0 is clean data, t = T almost pure noise. A schedule is one table `alpha_bar` with T + 1 entries in float64 and
  `alpha_bar[0] == 1`. Training draws t from 1..T. t is (B,) or 0-dim, integer or fractional.
- A model is any callable `eps = model(x, t, cond)`: x (B, ...), t (B,), cond (B,) long, an embedding, or None; the
  answer has the shape of x. `NULL` (-1) as a label means "no condition".
- Pictures are (N, C, H, W) float32 in [-1, 1], points (N, 2).
- `eps` is the noise in x_t, true or predicted; `noise` is a fresh draw. `std` is a spread, never a variance. `sigma`
  is only sqrt((1 - alpha_bar) / alpha_bar); snr = 1 / sigma^2. `eta` is DDIM's noise: 0 is DDIM, 1 is DDPM.
- Arguments come in one order: table or schedule, pictures, times, eps, noise, the rest. Whatever draws takes
  `generator=None` last.
- Coefficients are computed in float64 and cast to the dtype of x: float64 in gives float64 out.
"""

import importlib

NULL = -1

_MODULES = (
    "env",
    "quiz",
    "marking",
    "progress",
    "schedules",
    "forward",
    "exact",
    "models",
    "data",
    "samplers",
    "nets",
    "unet",
    "shapes",
    "scenes",
    "scene_reader",
    "latent",
    "training",
    "hub",
    "metrics",
    "pixels",
    "viz",
    "widgets",
    "exercises",
    "overview",
    "quiz_controls",
    "quiz_view",
)

_FUNCTIONS = {
    "pretrained": "training",
    "ask": "quiz_view",
    "check": "exercises",
    "solution": "exercises",
}  # the names that a reader uses most, and where they live

__all__ = ["NULL", *_MODULES, *_FUNCTIONS]
__version__ = "0.1.0"


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module 'course' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
