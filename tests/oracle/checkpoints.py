#!/usr/bin/env python3
"""Prints one line a tensor, `name dtype shape sha256`, for the state dict of a checkpoint as PyTorch reads it.

Run by hand with Debian's python3-torch (1.13) on files that are trusted:

    tests/oracle/checkpoints.py FOLDER_OF_CHECKPOINTS tests/data/checkpoints

writes FILE.digests for every file of the list below. sha256 is over the contiguous little-endian bytes.
"""
import hashlib
import pathlib
import sys
import types
import warnings

import torch

FILES = {
    "mobilenetV1X0.25_pretrain.tar": "state_dict",
    "resnet20-12fca82f.th": "state_dict",
    "lpips-v0.0/squeeze.pth": None,
    "lpips-v0.1/alex.pth": None,
    "ai85-catsdogs-chw-3d27591.pth.tar": "state_dict",
    "ai85-catsdogs-qat8-66280b5.pth.tar": "state_dict",
    "densenet-small.pth": None,
    "char-rnn-classification.pt": None,
    "torchscript-foo1.pt": None,
    "torchscript-l1000_100_10.pt": None,
}
NAMES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def lines(state_dict):
    for name, tensor in state_dict.items():
        array = tensor.detach().contiguous().numpy()
        shape = ",".join(str(n) for n in tensor.shape)
        yield f"{name} {NAMES[tensor.dtype]} [{shape}] {hashlib.sha256(array.tobytes()).hexdigest()}\n"


def stand_in(module, **members):
    """A module that a pickle names and this machine does not have."""
    sys.modules[module] = types.ModuleType(module)
    for name, value in members.items():
        if isinstance(value, type):
            value.__module__ = module
        setattr(sys.modules[module], name, value)


def stand_in_for_missing():
    stand_in("model", RNN=type("RNN", (torch.nn.Module,), {}))
    stand_in("torch.nn.backends")
    stand_in("torch.nn.backends.thnn", _get_thnn_function_backend=lambda: None)


def load(path):
    if path.name.startswith("torchscript-"):
        return torch.jit.load(path)
    return torch.load(path, map_location="cpu")


def main(source, target):
    warnings.simplefilter("ignore")
    stand_in_for_missing()
    for file, root in FILES.items():
        value = load(pathlib.Path(source) / file)
        value = value[root] if root else value
        value = value.state_dict() if isinstance(value, torch.nn.Module) else value
        out = pathlib.Path(target) / (file.replace("/", "-") + ".digests")
        out.write_text("".join(lines(value)))


if __name__ == "__main__":
    main(*sys.argv[1:])
