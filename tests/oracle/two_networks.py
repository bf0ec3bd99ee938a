"""Writes tests/data/checkpoints/two-networks.pth: a training checkpoint that holds two networks' state dicts.

    /usr/bin/python3 tests/oracle/two_networks.py
"""
import pathlib

import torch

out = pathlib.Path(__file__).parents[1] / "data" / "checkpoints" / "two-networks.pth"
net = {"a.weight": torch.arange(6, dtype=torch.float32).reshape(3, 2), "a.bias": torch.zeros(3)}
critic = {"score.weight": torch.ones(1, 3), "score.bias": torch.zeros(1)}
torch.save({"epoch": 3, "model": critic, "net": net}, out, _use_new_zipfile_serialization=False)
