"""torch_step.py NAME BATCH THREADS REPEATS [all|frozen]: what bench_step measures (without the memory of the execution alone), by
PyTorch, each in the better of NCHW and channels_last. NAME is mobilenet (the network of tests/data/ants-and-bees) or a torchvision network."""

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


def median(run, repeats):
    wall, cpu = [], []
    for i in range(-1, repeats):
        start, cpu_start = time.perf_counter(), time.process_time()
        run()
        if i >= 0:
            wall.append(1e3 * (time.perf_counter() - start))
            cpu.append(1e3 * (time.process_time() - cpu_start))
    return sorted(wall)[repeats // 2], sorted(cpu)[repeats // 2]


def main():
    name, batch, threads, repeats = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(threads)
    steps, forwards = [], []
    for layout in (torch.contiguous_format, torch.channels_last):
        net = mobilenet() if name == "mobilenet" else getattr(torchvision.models, name)()
        net = net.to(memory_format=layout)
        x = torch.randn(batch, 3, 224, 224).contiguous(memory_format=layout)

        def step():
            net.zero_grad(set_to_none=True)
            net(x).mean().backward()

        def forward():
            with torch.inference_mode():
                net(x)

        frozen = sys.argv[5:] == ["frozen"]
        net.train(not frozen)
        if frozen:
            last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
            net.requires_grad_(False)
            last.requires_grad_(True)
        steps.append(median(step, repeats))
        net.eval()
        forwards.append(median(forward, repeats))
    (step_wall, step_cpu), (wall, cpu) = (map(min, zip(*times)) for times in (steps, forwards))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{step_wall:.2f} {wall:.2f} {step_cpu:.2f} {cpu:.2f} {memory:.1f}")


main()
