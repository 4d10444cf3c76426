"""Write data/mnist_mini.npz: the first 100 training pictures of each digit of MNIST."""

import numpy as np
import torch

from course.data import load
from course.env import checkout

x, y = load("mnist", "train")
chosen = torch.cat([(y == digit).nonzero().flatten()[:100] for digit in range(10)])
pictures = ((x[chosen, 0] + 1) * 127.5).round().byte().numpy()  # (1000, 28, 28)
np.savez_compressed(checkout() / "data/mnist_mini.npz", pictures=pictures, labels=y[chosen].byte().numpy())
