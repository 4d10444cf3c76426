"""A classifier that measures pictures."""

import torch.nn as nn
import torch.nn.functional as F


class Classifier(nn.Module):
    """A convolutional classifier whose 128-d penultimate layer serves as features for the metrics.

    x (B, C, H, W) in [-1, 1] -> logits (B, num_classes); `features(x)` -> (B, 128). It computes in the dtype of
    its weights and answers in that of x.
    """

    def __init__(self, channels=1, width=32, num_classes=10):
        super().__init__()

        def stage(c_in, c_out):
            return nn.Sequential(
                nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
                nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
                nn.MaxPool2d(2, ceil_mode=True),
            )

        self.config = {"channels": channels, "width": width, "num_classes": num_classes}
        self.body = nn.Sequential(stage(channels, width), stage(width, 2 * width), stage(2 * width, 4 * width))
        self.penultimate, self.head = nn.Linear(4 * width, 128), nn.Linear(128, num_classes)

    def features(self, x):
        """The penultimate layer, after its ReLU: (B, 128)."""
        return self._features(x).to(x.dtype)

    def _features(self, x):
        return F.relu(self.penultimate(self.body(x.to(self.head.weight.dtype)).mean((2, 3))))

    def forward(self, x):
        return self.head(self._features(x)).to(x.dtype)
