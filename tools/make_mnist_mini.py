"""Write data/mnist_mini.npz: the first 100 training pictures of each digit of MNIST."""

import io

import numpy as np
import torch

from course.data import load
from course.env import checkout
from course.files import write_whole

x, y = load("mnist", "train")
chosen = torch.cat([(y == digit).nonzero().flatten()[:100] for digit in range(10)])
pictures = ((x[chosen, 0] + 1) * 127.5).round().byte().numpy()  # (1000, 28, 28)
np.savez_compressed(buffer := io.BytesIO(), pictures=pictures, labels=y[chosen].byte().numpy())
write_whole(checkout() / "data/mnist_mini.npz", buffer.getvalue())
