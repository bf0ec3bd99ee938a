"""Writes tests/data/checkpoints/quantized.pth and quantized-other.pth: a small network's state dict with weights quantized
by channel and as a whole, and the same integers with another scale; and quantized.npz, what PyTorch makes of the first.

    /usr/bin/python3 tests/oracle/quantized_checkpoint.py
"""
import pathlib
import warnings

import numpy
import torch

warnings.simplefilter("ignore")
folder = pathlib.Path(__file__).parents[1] / "data" / "checkpoints"
values = torch.sin(torch.arange(54, dtype=torch.float32)).reshape(2, 3, 3, 3)


def state(scale):
    return {
        "conv.weight": torch.quantize_per_channel(values, torch.tensor([0.01, scale], dtype=torch.float64),
                                                  torch.tensor([3, -5]), 0, torch.qint8),
        "conv.bias": torch.tensor([0.5, -0.25]),
        "fc.weight": torch.quantize_per_tensor(values.reshape(27, 2).t()[:, :2].contiguous(), scale, 100, torch.quint8),
        "fc.bias": torch.quantize_per_tensor(torch.tensor([1.0, -1.0]), 1e-6, 7, torch.qint32),
    }


def rescaled(one):
    """The integers of `one` under the scale of fc.weight doubled."""
    other = dict(one)
    other["fc.weight"] = torch._make_per_tensor_quantized_tensor(one["fc.weight"].int_repr(), 0.04, 100)
    return other


first = state(0.02)
torch.save(first, folder / "quantized.pth")
torch.save(rescaled(first), folder / "quantized-other.pth")
numpy.savez(folder / "quantized.npz", **{name: (t.dequantize() if t.is_quantized else t).numpy() for name, t in first.items()})
