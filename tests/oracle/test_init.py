"""What a network without a checkpoint starts from is drawn from PyTorch's distributions, tensor by tensor: a member of
every family, as torchvision initialises it, and the layers' own defaults in the others.

    test_init.py ENGRAFT [NAME…]

Two samples of n numbers of one distribution differ in a place of their cumulative distributions by more than
2.9 sqrt(2 / n) once in ten million times (Kolmogorov and Smirnov); constants are equal."""

import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
import torchvision

import networks

ENGRAFT = os.path.abspath(sys.argv[1])
MOST = 50000  # numbers of a tensor
LIMIT = 2.9


def theirs(name):
    torch.manual_seed(3)
    if name in networks.OTHERS:
        return networks.OTHERS[name](num_classes=7).state_dict()
    more = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(torchvision.models, name)(weights=None, num_classes=7, **more).state_dict()


def ours(name, folder):
    with open(os.path.join(folder, "recipe.yaml"), "w", encoding="utf-8") as out:
        json.dump({"recipe": 1, "name": name, "target": {"arch": name, "num_classes": 7},
                   "output": {"checkpoint": "model.pth"}}, out)
    subprocess.run([ENGRAFT, "run", os.path.join(folder, "recipe.yaml"), "--out", os.path.join(folder, "out")],
                   check=True, capture_output=True)
    return torch.load(os.path.join(folder, "model.pth"), map_location="cpu")


def distance(a, b):
    """Of the two cumulative distributions, in units of what chance gives."""
    a, b = (np.sort(v.flatten()[:MOST].double().numpy()) for v in (a, b))
    both = np.concatenate([a, b])
    gap = np.abs(np.searchsorted(a, both, "right") - np.searchsorted(b, both, "right")).max() / len(a)
    return gap / np.sqrt(2 / len(a))


def compare(name):
    with tempfile.TemporaryDirectory() as folder:
        found, expected = ours(name, folder), theirs(name)
    assert list(found) == list(expected), f"{name}: other keys"
    wrong, worst = [], 0.0
    for key, tensor in expected.items():
        if not tensor.is_floating_point() or (tensor == tensor.flatten()[0]).all():
            same = torch.equal(found[key], tensor)
        else:
            off = distance(found[key], tensor)
            worst = max(worst, off)
            same = off < LIMIT
        if not same:
            wrong.append(f"{key}: std {found[key].float().std():.3g}, PyTorch's {tensor.float().std():.3g}")
    print(f"{name:24} {len(expected)} tensors, worst distance {worst:.2f} of {LIMIT}", flush=True)
    for line in wrong:
        print("   ", line)
    return not wrong


def main():
    torch.set_num_threads(2)
    wrong = [name for name in sys.argv[2:] or networks.SMALL if not compare("resnet20" if name == "cifar_resnet" else name)]
    if wrong:
        sys.exit(f"other distributions than PyTorch's: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
