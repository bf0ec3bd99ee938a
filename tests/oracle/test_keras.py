"""Keras weights as h5py reads them, bit for bit; what reaches outside the file is refused, and damage is told in a sentence."""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile

try:
    import h5py
    import numpy
except ImportError:
    sys.exit(77)

ENGRAFT = os.path.abspath(sys.argv[1])
KINDS = ["<f4", ">f4", "<f8", ">f8", "<f2", ">f2", "i1", "<i2", ">i4", "<i8", "u1", "<u2", ">u4", "<u8", "?"]


def engraft(*words):
    return subprocess.run([ENGRAFT, *words], capture_output=True, text=True)


def inspect(path, *options):
    done = engraft("inspect", path, "--json", "--digest", *options)
    assert done.returncode == 0, (path, done.stderr)
    return {t["name"]: (t["shape"], t["sha256"]) for t in json.loads(done.stdout)["tensors"]}


def described(array):
    return list(array.shape), hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def fill(file, generator):
    """Data sets of every kind, in one piece, in chunks, compressed; returns the arrays by path."""
    arrays = {}
    for i, kind in enumerate(KINDS * 3):
        shape = tuple(generator.randint(0 if i % 7 == 0 else 1, 9) for _ in range(generator.randint(0, 4)))
        array = (numpy.random.default_rng(i).normal(size=shape) * 50).astype(kind)
        how = {}
        if array.size and array.ndim and i % 3:
            how["chunks"] = tuple(generator.randint(1, n) for n in shape)
            how.update({"compression": "gzip", "shuffle": True} if i % 3 == 2 else {"fletcher32": True})
        name = f"layers/{['dense', 'conv2d', 'bn'][i % 3]}_{i}/vars/{i % 2}"
        file.create_dataset(name, data=array, **how)
        arrays[name] = array
    return arrays


def check_values(folder):
    generator = random.Random(1)
    for version in "earliest", "latest":
        path = os.path.join(folder, "model.weights.h5")
        with h5py.File(path, "w", libver=version) as file:
            arrays = fill(file, generator)
            arrays["zeros"] = numpy.zeros((1 << 22,), "u1")
            file.create_dataset("zeros", data=arrays["zeros"], compression="gzip", chunks=(1 << 22,))
            file["optimizer/vars/0"] = numpy.int64(1)
            file["tied"] = file["layers/dense_0/vars/0"]
            file["names"] = ["a", "b"]
        arrays["tied"] = arrays["layers/dense_0/vars/0"]
        expected = {name: described(array) for name, array in arrays.items()}
        assert inspect(path) == expected
        for method in zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED:
            archive = os.path.join(folder, "model.keras")
            with zipfile.ZipFile(archive, "w", method) as made:
                made.writestr("config.json", "{}")
                made.write(path, "model.weights.h5")
            assert inspect(archive) == expected
    print(f"{6 * len(expected)} data sets read as h5py reads them")


def check_groups(folder):
    path = os.path.join(folder, "old.h5")
    kernel = numpy.arange(6, dtype="f4").reshape(2, 3)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["model_weights/dense/dense/kernel:0"] = kernel
        file["optimizer_weights/iteration"] = numpy.int64(3)
    one = described(kernel)
    assert inspect(path) == {"dense/dense/kernel:0": one}
    assert inspect(path, "--state-dict", "model_weights/dense") == {"dense/kernel:0": one}
    assert list(inspect(path, "--state-dict", ".")) == ["model_weights/dense/dense/kernel:0", "optimizer_weights/iteration"]
    assert "SEL-003" in engraft("inspect", path, "--state-dict", "layers").stderr
    print("groups are state dicts")


def external(file):
    file.create_dataset("x", shape=(10,), dtype="f4", external=[("/etc/passwd", 0, 40)])


def virtual(file):
    layout = h5py.VirtualLayout(shape=(3,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(3,))
    file.create_virtual_dataset("v", layout)


def soft(file):
    file["x"] = numpy.zeros(3)
    file["y"] = h5py.SoftLink("/x")


def outer(file):
    file["y"] = h5py.ExternalLink("other.h5", "/x")


def bomb(file):
    file.create_dataset("x", shape=(1 << 20, 1 << 20), dtype="f4", chunks=(1 << 10, 1 << 10))


def unwritten(file):
    file.create_dataset("x", shape=(1 << 20, 1 << 10), dtype="f4")


def unwritten_chunks(file):
    file["x"] = numpy.zeros(3)
    file.create_dataset("y", shape=(1 << 40,), dtype="u1", compression="gzip", chunks=(1 << 20,))


def cycle(file):
    group = file.create_group("a")
    group["b"] = group


def nothing(file):
    file["text"] = "a"


REFUSED = {external: "H5-001", virtual: "H5-001", soft: "H5-001", outer: "H5-001", bomb: "H5-002", unwritten: "H5-002",
           unwritten_chunks: "H5-002", cycle: "H5-003", nothing: "SEL-002"}


def check_refusals(folder):
    path = os.path.join(folder, "bad.h5")
    for make, code in REFUSED.items():
        with h5py.File(path, "w") as file:
            make(file)
        done = engraft("inspect", path)
        assert done.returncode == 2 and f": {code}: " in done.stderr, (make.__name__, done)
    print(f"{len(REFUSED)} files refused")


def check_damage(folder):
    """A cut or changed file is read or refused; nothing else happens."""
    path, bad = os.path.join(folder, "good.h5"), os.path.join(folder, "bad.h5")
    with h5py.File(path, "w", libver="latest") as file:
        file["layers/a/vars/0"] = numpy.arange(6, dtype="f4")
        file.create_dataset("layers/b/vars/0", data=numpy.arange(30.0).reshape(6, 5), chunks=(2, 3), compression="gzip")
        file.attrs["keras_version"] = "3"
    good, generator = open(path, "rb").read(), random.Random(2)
    for i in range(250):
        damaged = bytearray(good)
        if i % 2:
            damaged = damaged[:generator.randrange(len(good))]
        for _ in range(generator.randint(1, 4)):
            if damaged:
                damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        open(bad, "wb").write(damaged)
        done = engraft("inspect", bad, "--digest")
        assert done.returncode in (0, 2), done
        assert done.returncode == 0 or done.stderr.count("\n") == 1, done
    print("250 damaged files told")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "any.h5")
        h5py.File(path, "w").close()
        if "built without HDF5" in engraft("inspect", path).stderr:
            sys.exit(77)
        check_values(folder)
        check_groups(folder)
        check_refusals(folder)
        check_damage(folder)


main()
