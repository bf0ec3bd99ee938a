"""torch_step.py NAME BATCH THREADS REPEATS [all|frozen]: what bench_step measures (without the memory of the execution alone), by
PyTorch, each in the better of NCHW and channels_last, which one pass of each decides. NAME is mobilenet (the network of
tests/data/ants-and-bees), xception or a torchvision network."""

import resource
import sys
import time

import torch
import torchvision
from torch import nn


def unit(c, k, size, stride, groups):
    return [nn.Conv2d(c, k, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(k), nn.LeakyReLU(0.1)]


def mobilenet():
    widths = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)] + [(128, 1)] * 5 + [(256, 2), (256, 1)]
    layers, c = unit(3, 8, 3, 2, 1), 8
    for k, stride in widths:
        layers += unit(c, c, 3, stride, c) + unit(c, k, 1, 1, 1)
        c = k
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 1000))


def separable(c, k):
    return [nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False), nn.Conv2d(c, k, 1, bias=False)]


class Block(nn.Module):
    """Xception's: separable convolutions beside a shortcut."""

    def __init__(self, c, widths, stride=1, relu=True):
        super().__init__()
        layers = []
        for i, k in enumerate(widths):
            # In place where nobody else reads the value.
            layers += ([nn.ReLU(inplace=i > 0)] if i > 0 or relu else []) + separable(c if i == 0 else widths[i - 1], k)
            layers.append(nn.BatchNorm2d(k))
        self.rep = nn.Sequential(*layers, *([nn.MaxPool2d(3, stride, 1)] if stride > 1 else []))
        short = [nn.Conv2d(c, widths[-1], 1, stride, bias=False), nn.BatchNorm2d(widths[-1])]
        self.skip = nn.Sequential(*short) if stride > 1 else nn.Identity()

    def forward(self, x):
        return self.rep(x) + self.skip(x)


def xception():
    def plain(c, k, stride=1):
        return [nn.Conv2d(c, k, 3, stride, bias=False), nn.BatchNorm2d(k), nn.ReLU(inplace=True)]

    def last(c, k):
        return separable(c, k) + [nn.BatchNorm2d(k), nn.ReLU(inplace=True)]

    entry = [Block(64, [128, 128], 2, relu=False), Block(128, [256, 256], 2), Block(256, [728, 728], 2)]
    middle = [Block(728, [728] * 3) for _ in range(8)] + [Block(728, [728, 1024], 2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)]
    return nn.Sequential(*plain(3, 32, 2), *plain(32, 64), *entry, *middle, *last(1024, 1536), *last(1536, 2048), *head)


own = {"mobilenet": mobilenet, "xception": xception}


def timed(run):
    start, cpu_start = time.perf_counter(), time.process_time()
    run()
    return 1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - cpu_start)


def median(run, repeats):
    wall, cpu = zip(*[timed(run) for _ in range(repeats)])
    return sorted(wall)[repeats // 2], sorted(cpu)[repeats // 2]


def runs(net, size, batch, frozen, layout):
    """A training step and an inference pass."""
    net = net.to(memory_format=layout)
    x = torch.randn(batch, 3, size, size).contiguous(memory_format=layout)

    def step():
        net.train(not frozen)
        net.zero_grad(set_to_none=True)
        net(x).mean().backward()

    def forward():
        net.eval()
        with torch.inference_mode():
            net(x)

    return step, forward


def main():
    name, batch, threads, repeats = sys.argv[1], *map(int, sys.argv[2:5])
    frozen = sys.argv[5:] == ["frozen"]
    torch.set_num_threads(threads)
    net = own[name]() if name in own else getattr(torchvision.models, name)()
    if frozen:
        last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
        net.requires_grad_(False)
        last.requires_grad_(True)
    results = []
    for which in range(2):
        tried = []
        for layout in (torch.contiguous_format, torch.channels_last):
            run = runs(net, 299 if name == "xception" else 224, batch, frozen, layout)[which]
            run()  # the first pass allocates
            tried.append((timed(run)[0], layout))
        layout = min(tried, key=lambda pair: pair[0])[1]
        run = runs(net, 299 if name == "xception" else 224, batch, frozen, layout)[which]
        run()
        results.append(median(run, repeats))
    (step_wall, step_cpu), (wall, cpu) = results
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{step_wall:.2f} {wall:.2f} {step_cpu:.2f} {cpu:.2f} {memory:.1f}")


main()
