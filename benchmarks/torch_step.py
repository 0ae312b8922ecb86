"""The same step as step_speed.py in PyTorch: same layers, channels_last, default settings.

Needs torch (requirements-benchmarks.txt). One thread a core.
"""

import torch
from torch import nn

from sketch.backend.processor import cores


def conv(inside, outside):
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3), nn.ReLU(), nn.BatchNorm2d(outside, eps=0.001, momentum=0.01)
    )


class Residual(nn.Module):
    def __init__(self, filters):
        super().__init__()
        self.convs = nn.Sequential(conv(filters, filters), conv(filters, filters))

    def forward(self, x):
        return self.convs(nn.functional.pad(x, (2, 2, 2, 2))) + x


def sknet(filters):
    layers, inside = [], 1
    for outside in filters:
        layers += [conv(inside, outside), conv(outside, outside), nn.MaxPool2d(3, 2)]
        inside = outside
    return [*layers, nn.Flatten(), nn.LazyLinear(1024)]


def skresnet(_):
    layers, inside = [conv(1, 64)], 64
    for outside in (64, 128, 256):
        layers += [conv(inside, outside), nn.MaxPool2d(3, 2), Residual(outside), Residual(outside)]
        inside = outside
    return [*layers, conv(256, 256), nn.MaxPool2d(3, 2), nn.Flatten(), nn.LazyLinear(1024)]


BODIES = {'n1': sknet, 'n2': skresnet}


def prepared(step, images, labels):
    """Return a function that takes a step_speed.Step on NumPy images and labels."""
    torch.set_num_threads(cores())
    torch.manual_seed(0)
    body = BODIES[step.net](step.settings.filters)
    model = nn.Sequential(*body, nn.ReLU(), nn.Linear(1024, step.settings.classes))
    images = torch.tensor(images).permute(0, 3, 1, 2).float()
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.tensor(labels).long()
    model(images[:2])  # decides how many values the lazy layer takes
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 0.001)

    def predict():
        with torch.autocast('cpu', torch.bfloat16, enabled=step.precision == 'mixed'):
            return model(images)

    def train():
        optimizer.zero_grad()
        nn.functional.cross_entropy(predict().float(), labels).backward()
        optimizer.step()

    def evaluate():
        with torch.inference_mode():
            predict().argmax(1)

    model.train(not step.evaluate)
    return evaluate if step.evaluate else train
