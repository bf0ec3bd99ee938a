#!/usr/bin/env python3
"""Writes tests/data/arch/<name>.keys: the state dict of reference networks, one entry a line.

    layer1.0.conv1.weight 64 64 3 3
    @layer1.0.bn1 2                     (a module of _metadata and its version)

Names, order and shapes of the first group are torchvision's; those of the second are read from real checkpoints in the
folder ENGRAFT_SHARED/checkpoints (which old PyTorch versions wrote: num_batches_tracked is added where it is missing).

And tests/data/arch/families.txt, one line a network of networks.py: its name, the number of entries of its state dict, and
the SHA-256 of the lines "name dtype dims…" and then "@module version".
"""
import hashlib
import os
import sys

import torch
import torchvision

import networks

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "arch")
TORCHVISION = ["resnet18", "resnet50", "vgg11", "vgg16_bn", "mobilenet_v2"]
WITH_MODULES = ["resnet18", "vgg16_bn"]
CHECKPOINTS = {
    "mobilenet_v1": "mobilenetV1X0.25_pretrain.tar",
    "resnet20": "resnet20-12fca82f.th",
}


def write(name, entries, modules=()):
    with open(os.path.join(OUT, name + ".keys"), "w", encoding="utf-8") as out:
        for key, shape in entries:
            out.write(" ".join([key] + [str(d) for d in shape]) + "\n")
        for path, version in modules:
            out.write(f"@{path} {version}\n")


def from_torchvision(name):
    model = getattr(torchvision.models, name)(weights=None)
    state = model.state_dict()
    modules = [(path, data["version"]) for path, data in state._metadata.items()] if name in WITH_MODULES else []
    write(name, [(key, tensor.shape) for key, tensor in state.items()], modules)


def from_checkpoint(name, path):
    state = torch.load(path, map_location="cpu")["state_dict"]
    entries = []
    for key, tensor in state.items():
        key = key[len("module."):] if key.startswith("module.") else key
        entries.append((key, tensor.shape))
        counter = key.replace("running_var", "num_batches_tracked")
        if key.endswith("running_var") and "module." + counter not in state:
            entries.append((counter, ()))
    write(name, entries)


def write_families():
    dtypes = {torch.float32: "F32", torch.int64: "I64"}
    with open(os.path.join(OUT, "families.txt"), "w", encoding="utf-8") as out:
        for name in networks.NAMES:
            state = networks.build(name).state_dict()
            lines = "".join(" ".join([key, dtypes[t.dtype], *map(str, t.shape)]) + "\n" for key, t in state.items())
            lines += "".join(f"@{path} {data['version']}\n" for path, data in state._metadata.items())
            out.write(f"{name} {len(state)} {hashlib.sha256(lines.encode()).hexdigest()}\n")


def main():
    write_families()
    for name in TORCHVISION:
        from_torchvision(name)
    for name, file in CHECKPOINTS.items():
        from_checkpoint(name, os.path.join(os.environ["ENGRAFT_SHARED"], "checkpoints", file))
    print("torch", torch.__version__, "torchvision", torchvision.__version__, file=sys.stderr)


if __name__ == "__main__":
    main()
