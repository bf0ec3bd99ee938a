"""io.py ENGRAFT FOLDER REPEATS: the table of tests/bench/io. With other arguments, what its own child processes do:
io.py --write FOLDER, and io.py --transfer IN OUT, which prints its seconds."""

import hashlib
import json
import os
import struct
import subprocess
import sys
import time

RECIPE = """recipe: 1
source: {checkpoint: %s}
target: {arch: vgg16, num_classes: 10}
transfer:
  mapping:
%s    - strip_prefix: module.
  skip: ['classifier\\.6\\..*']
"""
SHARDS = 4


# ---- in child processes: PyTorch ----


def write(folder):
    import torch
    import torchvision

    torch.manual_seed(1)
    state = torchvision.models.vgg16().state_dict()
    state = type(state)(("module." + name, value) for name, value in state.items())
    torch.save(state, folder + "/zip.pth")
    torch.save(state, folder + "/legacy.pth", _use_new_zipfile_serialization=False)
    write_shards(folder, [(name, list(value.shape)) for name, value in state.items()])


def write_shards(folder, tensors):
    """16 GB of float32 in SHARDS files without a byte of data: holes."""
    tensors += [(f"extra.layers.{i}.mlp.weight", [4096, 1024]) for i in range(930)]
    places, total = {}, 0
    for shard in range(SHARDS):
        name = f"model-{shard + 1:05d}-of-{SHARDS:05d}.safetensors"
        header, at = {}, 0
        for key, shape in tensors[shard::SHARDS]:
            size = 4
            for dim in shape:
                size *= dim
            header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
            places[key] = name
            at += size
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(f"{folder}/{name}", "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + at)
        total += at
    with open(folder + "/model.safetensors.index.json", "w") as file:
        json.dump({"metadata": {"total_size": total}, "weight_map": places}, file)


def transfer(source, out):
    import torch

    start = time.perf_counter()
    state = torch.load(source, map_location="cpu")
    state = type(state)((name[len("module.") :], value) for name, value in state.items())
    head = torch.nn.Linear(4096, 10)
    state["classifier.6.weight"], state["classifier.6.bias"] = head.weight.data, head.bias.data
    torch.save(state, out)
    print(time.perf_counter() - start)


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


def print_digest_time(path):
    start = time.perf_counter()
    digest(path)
    print(time.perf_counter() - start)


# ---- measuring ----


class Row:
    def __init__(self, name, command, out, own_clock=False, syncs=False):
        self.name, self.command, self.out, self.own_clock, self.syncs = name, command, out, own_clock, syncs
        self.times, self.on_disk, self.memory = [], [], 0

    def measure(self):
        if self.out and os.path.exists(self.out):
            os.unlink(self.out)
        start = time.perf_counter()
        child = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            sys.exit(f"{self.name}: failed")
        seconds = float(output) if self.own_clock else seconds
        self.times.append(seconds)
        self.memory = max(self.memory, usage.ru_maxrss)
        if self.out and not self.syncs:
            start = time.perf_counter()
            subprocess.run(["sync", "-d", self.out], check=True)
            seconds += time.perf_counter() - start
        self.on_disk.append(seconds)
        if self.out:
            os.unlink(self.out)


def median(values):
    return sorted(values)[len(values) // 2]


def compare(title, rows, repeats):
    for turn in range(repeats + 1):
        for row in rows:
            row.measure()
            if turn == 0:  # the first round warms up
                row.times.clear()
                row.on_disk.clear()
    cp, cp_sync = median(rows[0].times), median(rows[0].on_disk)
    print(f"\n{title:44} {'time':>8} {'/cp':>7} {'on disk':>9} {'/cp+sync':>9} {'memory':>9}")
    for row in rows:
        now, disk = median(row.times), median(row.on_disk)
        ratios = f"{now:8.3f} {now / cp:6.2f}x {disk:9.3f} {disk / cp_sync:8.2f}x"
        print(f"{row.name:44} {ratios} {row.memory * 1024 / 1e6:6.0f} MB", flush=True)


def recipe(folder, name, source, rule=""):
    path = f"{folder}/{name}.yaml"
    with open(path, "w") as file:
        file.write(RECIPE % (source, rule))
    return path


def files(engraft, folder, repeats):
    python = [sys.executable, os.path.abspath(__file__)]
    for kind in ("zip", "legacy"):
        source = f"{folder}/{kind}.pth"
        rules = recipe(folder, kind, f"{kind}.pth")
        sha = digest(source)

        def out(name):
            return f"{folder}/{name}"

        def own(name, file, *words):
            return Row(name, [engraft, *words, out(file)], out(file), syncs=True)

        apply = ["apply", rules, "-o"]
        rows = [
            Row("cp", ["cp", source, out("copy")], out("copy")),
            own("engraft apply, .pth", "a.pth", *apply),
            own("engraft apply, .safetensors", "a.safetensors", *apply),
            own("engraft apply, .pth, with source.sha256", "b.pth", "apply", rules, "--set", f"source.sha256={sha}", "-o"),
            own("engraft convert, .pth", "c.pth", "convert", source),
            own("engraft convert, .safetensors", "c.safetensors", "convert", source),
            Row("PyTorch: load, strip, new head, save", [*python, "--transfer", source, out("t.pth")], out("t.pth"), True),
            Row("SHA-256 of the source alone (OpenSSL)", [*python, "--digest", source], None, True),
        ]
        compare(f"VGG-16, {os.path.getsize(source) / 2**20:.0f} MiB, {kind}; seconds", rows, repeats)


def headers(engraft, folder, repeats):
    index, drop = "model.safetensors.index.json", "    - drop: 'extra\\..*'\n"
    rows = [
        ("inspect, zip", ["inspect", f"{folder}/zip.pth"]),
        ("inspect, legacy", ["inspect", f"{folder}/legacy.pth"]),
        ("plan, zip", ["plan", f"{folder}/zip.yaml"]),
        ("plan, legacy", ["plan", f"{folder}/legacy.yaml"]),
        (f"plan, {SHARDS} shards of safetensors, 16 GB", ["plan", recipe(folder, "shards", index, drop)]),
    ]
    print(f"\n{'from headers alone; milliseconds':44} {'time':>8} {'memory':>26}")
    for name, words in rows:
        row = Row(name, [engraft, *words], None)
        for _ in range(5 * repeats):
            row.measure()
        print(f"engraft {name:36} {1e3 * median(row.times):8.1f} {row.memory * 1024 / 1e6:23.0f} MB")


def main():
    if sys.argv[1] == "--write":
        return write(sys.argv[2])
    if sys.argv[1] == "--transfer":
        return transfer(*sys.argv[2:])
    if sys.argv[1] == "--digest":
        return print_digest_time(sys.argv[2])
    engraft, folder, repeats = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), int(sys.argv[3])
    subprocess.run([sys.executable, os.path.abspath(__file__), "--write", folder], check=True)
    os.sync()
    model = next(line for line in open("/proc/cpuinfo") if line.startswith("model name")).split(":")[1].strip()
    print(f"{model}, {os.cpu_count()} processors, medians of {repeats}; load {os.getloadavg()[0]:.2f}")
    files(engraft, folder, repeats)
    headers(engraft, folder, repeats)


main()
