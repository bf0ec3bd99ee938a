"""The gradients of whole networks are PyTorch's. BatchNorm takes its running statistics, and in some networks those of the
batch: with few pixels left at a network's end these let rounding grow, so that PyTorch in float is as far from itself in
double.

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
# By which no input of a ReLU lies so near to 0 that rounding decides on which side: one such changes the gradient of a
# narrow layer by a hundredth.
SEEDS = {}
BATCH_STATISTICS = ("resnet18", "regnet_y_400mf", "mobilenet_v1_025")


def arguments_of(name, size):
    """The small network's arguments, with all that draws at random switched off."""
    family = next(f for f, names in networks.FAMILIES.items() if name in names or name == f)
    with open(os.path.join(ARCHITECTURES, family + ".yaml"), encoding="utf-8") as file:
        line = next(line for line in file if line.startswith("args:"))
    off = [f"{word}: 0.0" for word in ("dropout", "stochastic_depth") if re.search(rf"\b{word}:", line)]
    return "{" + ", ".join([f"num_classes: 7, image_size: {size}", *off]) + "}"


def gradients(model, x, dy, batch_statistics):
    """Dropout stays off."""
    weights = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(batch_statistics)
    y = model(x)
    y.backward(dy)
    found = {"input": x.permute(0, 2, 3, 1).contiguous(), "output": y.detach(), "dy": dy}
    found.update({f"weight.{key}": tensor for key, tensor in weights.items()})
    found.update({f"gradient.{key}": p.grad for key, p in model.named_parameters() if p.grad is not None})
    return found


def compare(name, batch_statistics, folder):
    generator = torch.Generator().manual_seed(SEEDS.get(name, 2))
    size = networks.SIZES.get(name, 64)
    x = torch.randn(BATCH, 1 if name in ("lenet", "mlp") else 3, size, size, generator=generator)
    model = networks.build_small(name, size)
    networks.fill(model, generator)
    networks.calibrate(model, x)
    path = os.path.join(folder, "gradients.pth")
    torch.save(gradients(model, x, torch.randn(BATCH, 7, generator=generator), batch_statistics), path)
    mode = "train" if batch_statistics else "eval"
    done = subprocess.run([PROGRAM, name, arguments_of(name, size), path, mode], capture_output=True, text=True)
    print(f"{name:24} {mode:5} {done.stdout.strip()}{done.stderr.strip()}", flush=True)
    return done.returncode == 0 and float(done.stdout.split()[3]) < TOLERANCE


def main():
    torch.set_num_threads(2)
    wrong = []
    for name in sys.argv[2:] or networks.SMALL:
        with tempfile.TemporaryDirectory() as folder:
            for batch_statistics in (False, True) if name in BATCH_STATISTICS else (False,):
                if not compare(name, batch_statistics, folder):
                    wrong.append(name)
    if wrong:
        sys.exit(f"other gradients than PyTorch's: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
