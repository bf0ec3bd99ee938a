"""numpy's arrays and safetensors files as Python reads them: every tensor bit for bit."""

import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    sys.exit(77)

ENGRAFT = os.path.abspath(sys.argv[1])


def inspect(path):
    done = subprocess.run([ENGRAFT, "inspect", path, "--json", "--digest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {t["name"]: (t["shape"], t["sha256"]) for t in json.loads(done.stdout)["tensors"]}


def described(array):
    little = array.astype(array.dtype.newbyteorder("<"))
    return list(array.shape), hashlib.sha256(little.tobytes(order="C")).hexdigest()


def random_arrays(generator):
    arrays = {}
    for i, kind in enumerate(["<f4", ">f4", "<f8", ">f8", "<f2", "<i8", ">i2", "|i1", "|u1", "<u4", "|b1", "<c8", ">c16"]):
        shape = generator.integers(0, 5, size=generator.integers(0, 5))
        array = np.array(generator.normal(size=shape) * 50).astype(np.dtype(kind))
        arrays[f"block{i}/kernel"] = np.array(array, order="F" if i % 3 == 1 else "C")
    return arrays


def check_numpy(folder):
    generator = np.random.default_rng(1)
    for i in range(10):
        arrays = random_arrays(generator)
        for save in (np.savez, np.savez_compressed):
            path = os.path.join(folder, f"{save.__name__}{i}.npz")
            save(path, **arrays)
            assert inspect(path) == {name: described(a) for name, a in arrays.items()}, path
        for version in ((1, 0), (2, 0), (3, 0)):
            path = os.path.join(folder, f"{i}-{version[0]}.npy")
            array = arrays[f"block{i}/kernel"]
            with open(path, "wb") as file:
                np.lib.format.write_array(file, array, version=version)
            assert inspect(path) == {"arr_0": described(array)}, path


def check_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    expected = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        expected[name] = t["shape"], hashlib.sha256(data[start + begin:start + end]).hexdigest()
    assert inspect(path) == expected, path


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_numpy(folder)
    shared = os.path.join(os.environ.get("ENGRAFT_SHARED", ""), "checkpoints")
    files = sorted(f for f in (os.listdir(shared) if os.path.isdir(shared) else []) if f.endswith(".safetensors"))
    for file in files:
        check_safetensors(os.path.join(shared, file))
    print(f"50 files of numpy and {len(files)} of safetensors read equal")


main()
