"""Checkpoints between PyTorch and engraft, both ways: every tensor bit for bit, names in order."""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings
from collections import OrderedDict

import torch
import torchvision

ENGRAFT = os.path.abspath(sys.argv[1])


def inspect(path, *options):
    done = subprocess.run([ENGRAFT, "inspect", path, "--json", "--digest", *options], capture_output=True, text=True)
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


class Odd(torch.nn.Module):
    """Everything that a state dict leaves out, or gives twice."""

    def __init__(self):
        super().__init__()
        self.register_buffer("transient", torch.ones(2), persistent=False)
        self.register_buffer("kept", torch.arange(6).view(2, 3).t())
        self.register_buffer("absent", None)
        self.register_parameter("no", None)
        self.plain = torch.ones(3)
        self.lin = torch.nn.Linear(3, 2, bias=False)
        self.again = self.lin
        self.tied = torch.nn.Linear(3, 2)
        self.tied.weight = self.lin.weight
        self.items = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.Conv2d(1, 2, 3)])
        self.named = torch.nn.ModuleDict({"b": torch.nn.BatchNorm1d(2), "a": torch.nn.PReLU()})
        self.numbers = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.ones(1))])
        self.lstm = torch.nn.LSTM(2, 3, num_layers=2, bidirectional=True)
        self.normed = torch.nn.utils.weight_norm(torch.nn.Linear(2, 2))
        self.spectral = torch.nn.utils.spectral_norm(torch.nn.Linear(2, 2))
        self.attention = torch.nn.MultiheadAttention(4, 2)
        self.bare = Bare()

    def forward(self, x):
        return x


class Bare(torch.nn.Module):
    """Tensors, but no state."""

    def __init__(self):
        super().__init__()
        self.register_buffer("transient", torch.ones(2), persistent=False)
        self.plain = [torch.ones(3)]
        self.other = torch.ones(3)


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("transient", torch.ones(2), persistent=False)
        self.plain = torch.ones(3)
        self.lin = torch.nn.Linear(2, 2, bias=False)
        self.register_buffer("b", torch.arange(4).view(2, 2).t())
        self.p = torch.nn.Parameter(torch.zeros(1))
        self.list = [torch.ones(1)]
        self.shared = self.lin
        self.gru = torch.nn.GRU(2, 2)

    def forward(self, x):
        return self.lin(x) + self.transient + self.p + self.shared(x) + self.gru(x)[0]


def check_numbers(folder):
    """What quantized integers stand for, to the bits of dequantize()."""
    state = {}
    for kind, integer in (torch.qint8, torch.int8), (torch.quint8, torch.uint8), (torch.qint32, torch.int32):
        bounds = torch.iinfo(integer)

        def integers():
            wide = torch.randint(bounds.min, bounds.max + 1, (4, 5, 33), dtype=torch.int64)
            return (wide // 4 if kind is torch.qint32 else wide).to(integer)

        for scale in 0.1, 1 / 3, 7.7, 1e-10, 1e30:
            for zero in 0, 3, 100:
                state[f"{kind} {scale} {zero}"] = torch._make_per_tensor_quantized_tensor(integers(), scale, zero)
        for axis in range(3):
            width = integers().shape[axis]
            scales, zeros = torch.rand(width, dtype=torch.float64) + 1e-9, torch.randint(0, 100, (width,))
            state[f"{kind} axis {axis}"] = torch._make_per_channel_quantized_tensor(integers(), scales, zeros, axis)
    state["view"] = state["torch.quint8 0.1 3"][1:3]
    state["permuted"] = state["torch.qint8 7.7 0"].permute(2, 0, 1)
    state["float zeros"] = torch.quantize_per_channel(torch.randn(4, 5), torch.rand(4) + 0.01, torch.rand(4) * 3, 0, torch.quint8)
    path = os.path.join(folder, "numbers.pth")
    for legacy in (False, True):
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
        assert inspect(path, "--dequantize") == described({k: t.dequantize() for k, t in state.items()})
    print(f"{len(state)} quantized tensors stand for PyTorch's numbers")


class Compressed:
    """Pickles a sparse tensor as PyTorch 2 does; 1.13 refuses these layouts."""

    def __init__(self, tensor):
        rows = tensor.layout is torch.sparse_bsr
        indices = (tensor.crow_indices(), tensor.col_indices()) if rows else (tensor.ccol_indices(), tensor.row_indices())
        self.parts = tensor.layout, (*indices, tensor.values(), tensor.shape)

    def __reduce__(self):
        return torch._utils._rebuild_sparse_tensor, self.parts


def check_special(folder):
    """Quantized tensors are their integers, sparse ones are read dense."""
    path = os.path.join(folder, "special.pth")
    x = torch.randn(4, 5) * (torch.rand(4, 5) > 0.5)
    quantized = {"tensor": torch.quantize_per_tensor(x, 0.1, 3, torch.quint8),
                 "channel": torch.quantize_per_channel(x, torch.rand(5) + 0.1, torch.arange(5), 1, torch.qint8),
                 "wide": torch.quantize_per_tensor(x, 0.001, -7, torch.qint32)}
    hybrid = torch.sparse_coo_tensor([[0, 2, 2], [1, 0, 3]], torch.randn(3, 2), (3, 4, 2))
    sparse = {"coo": x.to_sparse(), "twice": torch.sparse_coo_tensor([[1, 1], [0, 0]], [1.5, 2.0], (2, 2)),
              "hybrid": hybrid, "csr": x.to_sparse_csr(), "none": torch.zeros(2, 3).to_sparse()}
    wide = torch.where(torch.rand(6, 8) > 0.5, torch.randn(6, 8), torch.zeros(()))
    dense = {k: t.to_dense() for k, t in sparse.items()}
    for k in (2, 4), (3, 2), (1, 1), (6, 8):
        sparse[f"bsr {k}"], sparse[f"bsc {k}"] = Compressed(wide.to_sparse_bsr(k)), Compressed(wide.to_sparse_bsc(k))
        dense[f"bsr {k}"] = dense[f"bsc {k}"] = wide
    sparse["csc"], dense["csc"] = Compressed(wide.to_sparse_csc()), wide
    for legacy in (False, True):
        torch.save(quantized, path, _use_new_zipfile_serialization=not legacy)
        assert inspect(path) == described({k: t.int_repr() for k, t in quantized.items()})
        torch.save(sparse, path, _use_new_zipfile_serialization=not legacy)
        assert inspect(path) == described(dense)
    print("quantized and sparse tensors read")


def check_modules(folder):
    """torch.save(model) in both containers is the model's state dict."""
    models = torchvision.models
    makers = [models.resnet18, models.mobilenet_v2, models.squeezenet1_1, models.densenet121, models.shufflenet_v2_x0_5,
              models.efficientnet_b0, models.swin_t, lambda: torch.nn.DataParallel(models.vgg11(num_classes=2)), Odd,
              lambda: models.googlenet(init_weights=False), torch.nn.ReLU]
    path = os.path.join(folder, "module.pth")
    for make in makers:
        model = make()
        for legacy in (False, True):
            torch.save(model, path, _use_new_zipfile_serialization=not legacy)
            assert inspect(path) == described(model.state_dict()), (make, legacy)
            torch.save({"epoch": 3, "model": model}, path, _use_new_zipfile_serialization=not legacy)
            if model.state_dict():
                assert inspect(path) == described(model.state_dict()), (make, legacy)
    print(f"{2 * len(makers)} whole modules read as their state dicts")


def check_scripts(folder):
    """TorchScript archives are what torch.jit.load(...).state_dict() gives."""
    models = torchvision.models
    path = os.path.join(folder, "script.pt")
    scripts = [torch.jit.script(models.resnet18()), torch.jit.script(models.densenet121()), torch.jit.script(Scripted()),
               torch.jit.trace(Scripted(), torch.ones(1, 2)),
               torch.jit.freeze(torch.jit.script(models.squeezenet1_1()).eval()),
               torch.jit.trace(models.mobilenet_v2().eval(), torch.ones(1, 3, 64, 64))]
    for script in scripts:
        script.save(path)
        assert inspect(path) == described(torch.jit.load(path).state_dict()), script.original_name
    print(f"{len(scripts)} TorchScript archives read as torch.jit.load reads them")


def main():
    warnings.simplefilter("ignore")
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
        check_special(folder)
        check_numbers(folder)
        check_modules(folder)
        check_scripts(folder)


main()
