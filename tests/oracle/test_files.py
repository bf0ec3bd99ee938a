"""Every real checkpoint of the shared folder, as PyTorch reads it: names in order, shapes, and every bit. PyTorch runs what
a pickle says, so the files are trusted ones. Skips when the folder is absent."""

import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import warnings

import torch

import checkpoints

ENGRAFT = os.path.abspath(sys.argv[1])
FOLDER = pathlib.Path(os.environ.get("ENGRAFT_SHARED", "")) / "checkpoints"


def inspect(path):
    done = subprocess.run([ENGRAFT, "inspect", path, "--json", "--digest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tensors = json.loads(done.stdout)["tensors"]
    return [(t["name"], t["dtype"], t["shape"], t["sha256"]) for t in tensors]


def safetensors(path):
    """By the format's own description: no library of Debian's reads it."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    header.pop("__metadata__", None)
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        yield name, tensor["dtype"], tensor["shape"], hashlib.sha256(body[begin:end]).hexdigest()


def pytorch(path):
    value, root = checkpoints.load(path), checkpoints.FILES[str(path.relative_to(FOLDER))]
    value = value[root] if root else value
    state = value.state_dict() if isinstance(value, torch.nn.Module) else value
    for name, tensor in state.items():
        array = tensor.detach().contiguous().numpy()
        yield name, checkpoints.NAMES[tensor.dtype], list(tensor.shape), hashlib.sha256(array.tobytes()).hexdigest()


def main():
    warnings.simplefilter("ignore")
    files = sorted(f for f in FOLDER.rglob("*") if f.is_file())
    if not files:
        print("the real checkpoints are not here")
        sys.exit(77)
    checkpoints.stand_in_for_missing()
    for path in files:
        expected = list(safetensors(path) if path.suffix == ".safetensors" else pytorch(path))
        found = inspect(path)
        if path.suffix == ".safetensors":
            expected, found = sorted(expected), sorted(found)
        assert found == expected, path
        print(f"{path.relative_to(FOLDER)}: {len(found)} tensors")


main()
