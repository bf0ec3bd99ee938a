#!/usr/bin/python3
"""Writes tests/data/train/reference.txt: what PyTorch's losses, optimizers and schedulers compute on small numbers.
One line a list: its name, then the numbers."""

import os

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, nll_loss, one_hot
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import (CosineAnnealingLR, CosineAnnealingWarmRestarts, ExponentialLR, LinearLR,
                                      MultiStepLR, OneCycleLR, PolynomialLR, ReduceLROnPlateau, SequentialLR, StepLR)

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "train", "reference.txt")
STEPS, SIZE, EPOCHS, BATCHES = 10, 5, 12, 5


class Lamb(Optimizer):
    """Algorithm 2 of You et al. 2020, in the words of the paper."""

    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (b1, b2), w = group["betas"], group["params"][0]
            state = self.state[w]
            if not state:
                state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
            state["t"] += 1
            state["m"] = b1 * state["m"] + (1 - b1) * w.grad
            state["v"] = b2 * state["v"] + (1 - b2) * w.grad ** 2
            m, v = state["m"] / (1 - b1 ** state["t"]), state["v"] / (1 - b2 ** state["t"])
            direction = m / (v.sqrt() + group["eps"]) + group["weight_decay"] * w
            w -= group["lr"] * w.norm() / direction.norm() * direction


class Lion(Optimizer):
    """Chen et al. 2023."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (b1, b2), w = group["betas"], group["params"][0]
            m = self.state[w].setdefault("m", torch.zeros_like(w))
            w.mul_(1 - group["lr"] * group["weight_decay"])
            w.sub_(group["lr"] * torch.sign(b1 * m + (1 - b1) * w.grad))
            m.mul_(b2).add_(w.grad, alpha=1 - b2)


OPTIMIZERS = {
    "sgd": lambda p: SGD(p, lr=0.1),
    "sgd_decay": lambda p: SGD(p, lr=0.1, weight_decay=0.01),
    "sgd_momentum": lambda p: SGD(p, lr=0.05, momentum=0.9, weight_decay=5e-4),
    "sgd_dampening": lambda p: SGD(p, lr=0.05, momentum=0.8, dampening=0.3),
    "sgd_nesterov": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4),
    "adam": lambda p: Adam(p, lr=0.01),
    "adam_decay": lambda p: Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
    "rmsprop": lambda p: RMSprop(p, lr=0.01),
    "rmsprop_all": lambda p: RMSprop(p, lr=0.01, alpha=0.9, eps=1e-6, weight_decay=0.1, momentum=0.8, centered=True),
    "rmsprop_centered": lambda p: RMSprop(p, lr=0.01, alpha=0.9, centered=True),
    "lamb": lambda p: Lamb(p, lr=0.02, weight_decay=0.1),
    "lion": lambda p: Lion(p, lr=0.01, weight_decay=0.1),
    "adamw": lambda p: AdamW(p, lr=0.01),
    "adamw_betas": lambda p: AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
}

SCHEDULERS = {
    "step": lambda o: StepLR(o, 4, gamma=0.5),
    "milestones": lambda o: MultiStepLR(o, [3, 8], gamma=0.1),
    "cosine": lambda o: CosineAnnealingLR(o, EPOCHS, eta_min=1e-3),
    "exponential": lambda o: ExponentialLR(o, 0.8),
    "restarts": lambda o: CosineAnnealingWarmRestarts(o, 4, eta_min=1e-3),
    "restarts_longer": lambda o: CosineAnnealingWarmRestarts(o, 2, T_mult=2, eta_min=1e-3),
    "polynomial": lambda o: PolynomialLR(o, total_iters=EPOCHS, power=2.0),
    "polynomial_short": lambda o: PolynomialLR(o, total_iters=5, power=0.9),
    "linear": lambda o: LinearLR(o, total_iters=5),
    "linear_down": lambda o: LinearLR(o, 1.0, 0.1, total_iters=EPOCHS),
    "cosine_after_2": lambda o: SequentialLR(o, [LinearLR(o, 0.25, total_iters=2),
                                                 CosineAnnealingLR(o, EPOCHS - 2, eta_min=1e-3)], [2]),
}


CYCLES = {
    "cycle": {},
    "cycle_linear": {"pct_start": 0.99, "anneal_strategy": "linear", "div_factor": 10, "final_div_factor": 100},
    "cycle_three": {"three_phase": True, "pct_start": 0.4, "base_momentum": 0.7, "max_momentum": 0.9},
}

PLATEAUS = {
    "plateau": {"patience": 2},
    "plateau_abs": {"mode": "max", "threshold_mode": "abs", "threshold": 0.05, "patience": 1, "cooldown": 2,
                    "factor": 0.5, "min_lr": 0.02},
}


def focal(logits, labels, gamma, weight):
    log_p = logits.log_softmax(1)
    p = log_p.gather(1, labels[:, None])[:, 0].exp()
    factors = weight[labels]
    return ((1 - p) ** gamma * nll_loss(log_p, labels, reduction="none") * factors).sum() / factors.sum()


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
    weight = torch.linspace(0.25, 2, 8)
    others = {
        "weighted": nn.CrossEntropyLoss(weight=weight)(logits, labels),
        "weighted_smooth": nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1)(logits, labels),
        "focal": focal(logits, labels, 2.0, weight),
        "focal_0.5": focal(logits, labels, 0.5, torch.ones(8)),
        "bce": binary_cross_entropy_with_logits(logits, one_hot(labels, 8).float()),
    }
    for name, loss in others.items():
        gradient, = torch.autograd.grad(loss, logits, retain_graph=True)
        write(f"loss_{name}", loss)
        write(f"gradient_{name}", gradient)
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


def clipped(write):
    torch.manual_seed(1)
    start, gradients = torch.randn(SIZE), torch.randn(STEPS, SIZE)
    weight, trace = nn.Parameter(start.clone()), []
    optimizer = SGD([weight], lr=0.1)
    for gradient in gradients:
        weight.grad = gradient.clone()
        nn.utils.clip_grad_norm_([weight], 1.5)
        optimizer.step()
        trace.append(weight.detach().clone())
    write("sgd_clipped", torch.stack(trace))


def cycles(write):
    for name, arguments in CYCLES.items():
        optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
        scheduler = OneCycleLR(optimizer, 0.1, epochs=EPOCHS, steps_per_epoch=BATCHES, **arguments)
        rates, momenta = [], []
        for step in range(EPOCHS * BATCHES):
            rates.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            if step + 1 < EPOCHS * BATCHES:
                scheduler.step()
        write(name, torch.tensor(rates, dtype=torch.float64))
        write(f"{name}_momentum", torch.tensor(momenta, dtype=torch.float64))


def plateaus(write):
    values = [1.0, 0.9, 0.91, 0.92, 0.90005, 0.93, 0.8, 0.9, 0.9, 0.9, 0.9, 0.95, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75]
    write("plateau_values", torch.tensor(values, dtype=torch.float64))
    for name, arguments in PLATEAUS.items():
        optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        scheduler, rates = ReduceLROnPlateau(optimizer, **arguments), []
        for value in values:
            scheduler.step(value)
            rates.append(optimizer.param_groups[0]["lr"])
        write(name, torch.tensor(rates, dtype=torch.float64))


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
        for part in (losses, optimizers, clipped, schedules, cycles, plateaus):
            part(write)


main()
