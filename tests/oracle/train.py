#!/usr/bin/python3
"""Writes tests/data/train/reference.txt: what PyTorch's losses, optimizers and schedulers compute on small numbers.
One line a list: its name, then the numbers."""

import os

import torch
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, MultiStepLR, SequentialLR, StepLR

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "train", "reference.txt")
STEPS, SIZE, EPOCHS, BATCHES = 10, 5, 12, 5

OPTIMIZERS = {
    "sgd": lambda p: SGD(p, lr=0.1),
    "sgd_decay": lambda p: SGD(p, lr=0.1, weight_decay=0.01),
    "sgd_momentum": lambda p: SGD(p, lr=0.05, momentum=0.9, weight_decay=5e-4),
    "sgd_dampening": lambda p: SGD(p, lr=0.05, momentum=0.8, dampening=0.3),
    "sgd_nesterov": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4),
    "adamw": lambda p: AdamW(p, lr=0.01),
    "adamw_betas": lambda p: AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
}

SCHEDULERS = {
    "step": lambda o: StepLR(o, 4, gamma=0.5),
    "milestones": lambda o: MultiStepLR(o, [3, 8], gamma=0.1),
    "cosine": lambda o: CosineAnnealingLR(o, EPOCHS, eta_min=1e-3),
    "cosine_after_2": lambda o: SequentialLR(o, [LinearLR(o, 0.25, total_iters=2),
                                                 CosineAnnealingLR(o, EPOCHS - 2, eta_min=1e-3)], [2]),
}


def losses(write):
    torch.manual_seed(5)
    logits = (torch.randn(6, 8) * 3).requires_grad_()
    labels = torch.tensor([0, 7, 3, 3, 5, 1])
    write("logits", logits)
    write("labels", labels)
    for smoothing in (0.0, 0.1, 1.0):
        loss = nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, labels)
        gradient, = torch.autograd.grad(loss, logits)
        write(f"loss_{smoothing}", loss)
        write(f"gradient_{smoothing}", gradient)
    order = logits.argsort(dim=1, descending=True)
    write("correct", (order[:, 0] == labels).sum())
    write("top5", (order[:, :5] == labels[:, None]).sum())


def optimizers(write):
    torch.manual_seed(1)
    start, gradients = torch.randn(SIZE), torch.randn(STEPS, SIZE)
    write("weights", start)
    write("gradients", gradients)
    for name, make in OPTIMIZERS.items():
        weight = nn.Parameter(start.clone())
        optimizer, trace = make([weight]), []
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimizer.step()
            trace.append(weight.detach().clone())
        write(name, torch.stack(trace))


def schedules(write):
    for name, make in SCHEDULERS.items():
        optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        scheduler, rates = make(optimizer), []
        for _ in range(EPOCHS):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        write(name, torch.tensor(rates, dtype=torch.float64))
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, rates = LinearLR(optimizer, 0.25, total_iters=BATCHES * 3 // 2), []
    for _ in range(BATCHES * 2):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    write("warmup_steps", torch.tensor(rates, dtype=torch.float64))


def main():
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w", encoding="utf-8") as out:
        def write(name, values):
            digits = 17 if values.dtype == torch.float64 else 9
            numbers = " ".join(f"{v:.{digits}g}" for v in values.detach().reshape(-1).tolist())
            out.write(f"{name} {numbers}\n")
        for part in (losses, optimizers, schedules):
            part(write)


main()
