r"""From noise to images: the helper package of the course.

Conventions, the same in every lesson and every function:

- t = 0 is clean data, t = T almost pure noise. A schedule is one table `alpha_bar` with T + 1 entries in float64 and
  `alpha_bar[0] == 1`. Training draws t from 1..T. t is (B,) or 0-dim, integer or fractional.
- A model is any callable `eps = model(x, t, cond)`: x (B, ...), t (B,), cond (B,) long, an embedding, or None; the
  answer has the shape of x. `NULL` (-1) as a label means "no condition"; a text model has a null of its own.
- Pictures are (N, C, H, W) float32 in [-1, 1], points (N, 2).
- `eps` is the noise in x_t, true or predicted; `noise` is a fresh draw. `std` is a spread, never a variance. `sigma`
  is only sqrt((1 - alpha_bar) / alpha_bar); snr = 1 / sigma^2. `eta` is DDIM's noise: 0 is DDIM, 1 is DDPM.
- A flow's time s = sigma / (1 + sigma) is 0 at clean data, too, and its velocity is eps - x_0 (`course.forward`).
- Arguments come in one order: table or schedule, pictures, times, eps, noise, the rest. Whatever draws takes
  `generator=None` last.
- Coefficients are computed in float64 and cast to the dtype of x: float64 in gives float64 out.
"""

import importlib
import pkgutil
import sys

NULL = -1

__version__ = "0.2.0"


def lazily(package, path, homes):
    """The functions `__getattr__` and `__dir__` of a package that imports what it is asked for, then (PEP 562).

    `homes` maps a name to the module of the package that it lives in; the modules themselves are found in the folders
    `path`, the package's `__path__`.
    """

    def names():
        return sorted({*homes, *(found.name for found in pkgutil.iter_modules(path) if found.name[0] != "_")})

    def find(name):
        if name in homes:
            return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        if name in names():
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}; it has {', '.join(names())}")

    return find, lambda: sorted({*names(), *vars(sys.modules[package])})


# the names that a reader uses most, and where they live
__getattr__, __dir__ = lazily(
    __name__, __path__, {"pretrained": "training"} | dict.fromkeys(("ask", "check", "solution", "use"), "teaching")
)
