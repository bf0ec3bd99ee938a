"""Writes tests/data/checkpoints/training.pth: a training checkpoint as scripts of PyTorch 1.5 and before saved it, with two
state dicts (one of them an average), tied and transposed weights, several types, an optimizer, and plain values.

    /usr/bin/python3 tests/oracle/training_checkpoint.py
"""
import pathlib

import torch

out = pathlib.Path(__file__).parents[1] / "data" / "checkpoints" / "training.pth"
embedding = torch.arange(12, dtype=torch.float32).reshape(3, 4)
model = {
    "embed.weight": embedding,
    "head.weight": embedding,
    "mix.weight": torch.arange(6, dtype=torch.float16).reshape(2, 3).t(),
    "norm.running_mean": torch.tensor([0.5, -0.5], dtype=torch.float64),
    "norm.num_batches_tracked": torch.tensor(7),
    "mask": torch.tensor([True, False, True]),
}
average = {name: value.clone() for name, value in model.items()}
average["embed.weight"] += 0.25
optimizer = {"state": {0: {"step": 3, "momentum": torch.ones(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
torch.save({"epoch": 3, "model": model, "ema": average, "optimizer": optimizer, "best": 0.75}, out,
           _use_new_zipfile_serialization=False)
