"""The gradients of whole networks are PyTorch's, with BatchNorm's running statistics or with those of the batch.

    test_gradients.py PROGRAM [NAME…]     PROGRAM is built from network.c"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile

import torch
from torch import nn
from torch.nn import functional as F

import networks

PROGRAM = os.path.abspath(sys.argv[1])
ARCHITECTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../configs/arch")
BATCH = 4
TOLERANCE = 1e-3
# An input of a ReLU that lies so near to 0 that rounding decides on which side (or two nearly equal candidates of a
# maximum) changes the gradient of a narrow layer by a hundredth: PyTorch in float then differs as much from itself in double. Which seeds have one is chance, and a wrong
# gradient is wrong with all of them: a network passes with the first seed that has none. Networks in which nearly every
# seed has one are compared with SiLU for every ReLU and means for maxima, on both sides.
SEEDS = range(2, 10)
SMOOTH = ("resnext50_32x4d", "googlenet", "inception_v3", "densenet121", "regnet_y_400mf", "xception")
MODES = {"resnet18": ("eval", "train"), "mobilenet_v1_025": ("eval", "train")}


def text_of(name):
    family = next(f for f, names in networks.FAMILIES.items() if name in names or name == f)
    with open(os.path.join(ARCHITECTURES, family + ".yaml"), encoding="utf-8") as file:
        return file.read()


def arguments_of(name, size):
    """The small network's arguments, with all that draws at random switched off."""
    line = next(line for line in text_of(name).splitlines() if line.startswith("args:"))
    off = [f"{word}: 0.0" for word in ("dropout", "stochastic_depth") if re.search(rf"\b{word}:", line)]
    return "{" + ", ".join([f"num_classes: 7, image_size: {size}", *off]) + "}"


@contextlib.contextmanager
def without_kinks():
    """torch.nn.functional, with which its modules compute."""
    relu, max_pool2d = F.relu, F.max_pool2d
    F.relu = lambda x, inplace=False: F.silu(x)
    F.max_pool2d = lambda x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False: (
        F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode))
    try:
        yield
    finally:
        F.relu, F.max_pool2d = relu, max_pool2d


def gradients(model, x, dy, mode):
    """Dropout stays off."""
    weights = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(mode == "train")
    y = model(x)
    y.backward(dy)
    found = {"input": x.permute(0, 2, 3, 1).contiguous(), "output": y.detach(), "dy": dy}
    found.update({f"weight.{key}": tensor for key, tensor in weights.items()})
    found.update({f"gradient.{key}": p.grad for key, p in model.named_parameters() if p.grad is not None})
    return found


def compare(name, mode, seed, folder):
    generator = torch.Generator().manual_seed(seed)
    size = networks.SIZES.get(name, 64)
    x = torch.randn(BATCH, 1 if name in ("lenet", "mlp") else 3, size, size, generator=generator)
    model = networks.build_small(name, size)
    networks.fill(model, generator)
    networks.calibrate(model, x)
    path = os.path.join(folder, "gradients.pth")
    torch.save(gradients(model, x, torch.randn(BATCH, 7, generator=generator), mode), path)
    done = subprocess.run([PROGRAM, name, arguments_of(name, size), path, mode], capture_output=True, text=True,
                          env={**os.environ, "ENGRAFT_ARCH_PATH": folder})
    print(f"{name:24} {mode:5} seed {seed} {done.stdout.strip()}{done.stderr.strip()}", flush=True)
    return done.returncode == 0 and float(done.stdout.split()[3]) < TOLERANCE


def compare_smooth(name, folder):
    """With one seed, in both modes."""
    text = re.sub(r"\brelu(?=\(|\))", "silu", text_of(name)).replace("max_pool2d", "avg_pool2d")
    with open(os.path.join(folder, "smooth.yaml"), "w", encoding="utf-8") as file:  # found before the shipped one
        file.write(text)
    with without_kinks():
        return all([compare(name, mode, SEEDS[0], folder) for mode in ("eval", "train")])


def compare_shipped(name, folder):
    return all(any(compare(name, mode, seed, folder) for seed in SEEDS) for mode in MODES.get(name, ("eval",)))


def main():
    torch.set_num_threads(2)
    wrong = []
    for name in sys.argv[2:] or networks.SMALL:
        with tempfile.TemporaryDirectory() as folder:
            if not (compare_smooth if name in SMOOTH else compare_shipped)(name, folder):
                wrong.append(name)
    if wrong:
        sys.exit(f"other gradients than PyTorch's: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
