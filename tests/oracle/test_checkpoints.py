"""Checkpoints between PyTorch and engraft, both ways: every tensor bit for bit, names in order."""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import OrderedDict

import torch

ENGRAFT = os.path.abspath(sys.argv[1])


def inspect(path):
    done = subprocess.run([ENGRAFT, "inspect", path, "--json", "--digest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [(t["name"], t["shape"], t["sha256"]) for t in json.loads(done.stdout)["tensors"]]


def digest(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    raw = flat.view(torch.uint8) if flat.numel() else flat.to(torch.uint8)
    return hashlib.sha256(raw.numpy().tobytes()).hexdigest()


def described(state):
    return [(name, list(t.shape), digest(t)) for name, t in state.items()]


def random_state(generator):
    """A state dict with many dtypes, ranks, strides and ties."""
    state = OrderedDict()
    dtypes = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8,
              torch.bool]
    for i in range(generator.randint(1, 40)):
        shape = [generator.randint(0, 5) for _ in range(generator.randint(0, 4))]
        t = (torch.randn(shape) * 100).to(generator.choice(dtypes))
        if t.dim() >= 2 and generator.random() < 0.3:
            t = t.transpose(0, 1)
        if t.dim() >= 1 and t.shape[0] > 2 and generator.random() < 0.3:
            t = t[1:]
        state[f"block{i}.weight"] = t
        if generator.random() < 0.2:
            state[f"block{i}.tied"] = t
    return state


def main():
    generator = random.Random(1)
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(40):
            state = random_state(generator)
            for legacy in (False, True):
                path = os.path.join(folder, f"{i}-{legacy}.pth")
                torch.save({"epoch": i, "state_dict": state} if i % 2 else state, path,
                           _use_new_zipfile_serialization=not legacy)
                assert inspect(path) == described(state), path
    print("80 files written by PyTorch read equal")


main()
