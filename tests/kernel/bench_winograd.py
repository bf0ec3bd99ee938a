#!/usr/bin/python3
"""PyTorch's speed at the shapes of bench_winograd.c, one thread: bench_winograd.py [BATCH [REPEATS]]"""

import statistics
import sys
import time

import torch

LAYERS = [
    (224, 3, 64), (224, 64, 64), (112, 64, 128), (112, 128, 128), (56, 128, 256), (56, 256, 256),
    (28, 256, 512), (28, 512, 512), (14, 512, 512), (56, 64, 64), (28, 128, 128), (14, 256, 256), (7, 512, 512),
]


def measure(run, repeats):
    """The median time of a run, in seconds."""
    run()
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)
    return statistics.median(seconds)


def main():
    batch = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.set_num_threads(1)
    print("map       channels    forward   input  weight")
    for size, c, k in LAYERS:
        x = torch.randn(batch, c, size, size)
        weight = torch.randn(k, c, 3, 3)
        dy = torch.randn(batch, k, size, size)

        def backward(mask):
            return torch.ops.aten.convolution_backward(
                dy, x, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, mask)

        with torch.no_grad():
            times = [
                measure(lambda: torch.nn.functional.conv2d(x, weight, padding=1), repeats),
                measure(lambda: backward([True, False, False]), repeats),
                measure(lambda: backward([False, True, False]), repeats),
            ]
        flops = 18e-9 * batch * size * size * c * k
        print(f"{size:3d} x {size:<3d} {c:3d} -> {k:<3d}  " + " ".join(f"{flops / t:7.1f}" for t in times), flush=True)


main()
