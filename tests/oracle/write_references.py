"""Writes tests/data/net/NAME.txt: what PyTorch computes with a member of every family: logits of a batch and
the gradients of its loss with BatchNorm's batch statistics, the losses of ten steps of SGD with momentum, and the
running statistics after them. Read by tests/unit/train/test_references.c. Run by hand:

    /usr/bin/python3 tests/oracle/write_references.py [NAME…]

With --check it computes again instead, and compares with what is written.

Weights, images and labels are not stored but made on both sides from names and positions (`numbers`). A gradient, or a
statistic, is stored as its norm and its product with such numbers. `seed` is of the images: the first one with which
rounding decides nothing (an input of a ReLU next to 0, two equal candidates of a maximum), which is to say that weights
changed in their seventh digit change no number by a third of the tolerance.
"""
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before torch: its sums depend on the number of threads

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models.convnext import CNBlockConfig

import networks

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "net")
CLASSES, STEPS, MOMENTUM = 7, 10, 0.9
TOLERANCE, NOISE = 1e-3, 3e-7
NOTHING = 1e-6  # of the largest gradient
# Nearly every seed has one: SiLU for ReLU, LeakyReLU and ReLU6, means for maxima.
WITHOUT_KINKS = ("densenet", "googlenet", "inception_v3", "mnasnet0_5", "mobilenet_v1", "mobilenet_v2", "regnet_y_400mf",
                 "resnet18", "resnext50_32x4d", "shufflenet_v2_x0_5", "vgg11_bn", "xception")


def narrow(name):
    """Only 64 wide between the two hidden layers."""
    def make(**arguments):
        model = networks.build(name, **arguments)
        linears = [i for i, layer in enumerate(model.classifier) if isinstance(layer, nn.Linear)]
        for i, (width_in, width_out) in zip(linears, [(model.classifier[linears[0]].in_features, 64), (64, 64),
                                                      (64, arguments["num_classes"])]):
            model.classifier[i] = nn.Linear(width_in, width_out)
        return model
    return make


def plain(name, **settings):
    return lambda **arguments: networks.build(name, **settings, **arguments)


# name: PyTorch's model, size of images, samples, learning rate, engraft's arguments
MEMBERS = {
    "alexnet": (narrow("alexnet"), 67, 4, 0.01, "hidden: 64, dropout: 0.0"),
    "vgg11_bn": (narrow("vgg11_bn"), 64, 8, 0.0003, "depth: 11, batch_norm: true, hidden: 64, dropout: 0.0"),
    "resnet18": (plain("resnet18"), 64, 8, 0.0003, "depth: 18"),
    "resnext50_32x4d": (plain("resnext50_32x4d"), 64, 4, 0.0003, "depth: 50, groups: 32, width_per_group: 4"),
    "squeezenet1_1": (plain("squeezenet1_1"), 64, 4, 0.01, "first: [64, 3], pools: [1, 3], dropout: 0.0"),
    "densenet": (lambda **a: torchvision.models.DenseNet(8, (2, 2, 3, 2), 16, **a), 64, 8, 0.001,
                 "counts: [2, 2, 3, 2], growth: 8, stem: 16"),
    "googlenet": (plain("googlenet"), 96, 8, 0.0003, "dropout: 0.0"),
    "inception_v3": (plain("inception_v3"), 107, 4, 0.0003, "dropout: 0.0"),
    "mobilenet_v2": (plain("mobilenet_v2", width_mult=0.25), 64, 8, 0.0001, "width: 0.25, dropout: 0.0"),
    "mobilenet_v3_small": (plain("mobilenet_v3_small"), 64, 8, 0.0001, "large: false, dropout: 0.0"),
    "efficientnet_b0": (plain("efficientnet_b0"), 64, 4, 0.001, "dropout: 0.0, stochastic_depth: 0.0"),
    "shufflenet_v2_x0_5": (plain("shufflenet_v2_x0_5"), 64, 8, 0.0001, "widths: [24, 48, 96, 192, 1024]"),
    "mnasnet0_5": (plain("mnasnet0_5"), 64, 8, 0.0001, "width: 0.5, dropout: 0.0"),
    "regnet_y_400mf": (plain("regnet_y_400mf"), 64, 8, 0.001, ""),
    "convnext": (lambda **a: torchvision.models.convnext.ConvNeXt(
        [CNBlockConfig(16, 32, 1), CNBlockConfig(32, 64, 1), CNBlockConfig(64, 128, 2), CNBlockConfig(128, None, 1)], **a),
                 64, 8, 0.01, "widths: [16, 32, 64, 128], counts: [1, 1, 2, 1], stochastic_depth: 0.0"),
    "vit": (lambda **a: torchvision.models.VisionTransformer(32, 8, 2, 3, 48, 96, **a), 32, 8, 0.01,
            "patch: 8, dim: 48, depth: 2, heads: 3, mlp_dim: 96"),
    "swin": (lambda **a: torchvision.models.SwinTransformer([4, 4], 24, [2, 2, 2, 2], [1, 2, 3, 4], [7, 7],
                                                            stochastic_depth_prob=0.0, **a), 72, 4, 0.01,
             "dim: 24, counts: [2, 2, 2, 2], heads: [1, 2, 3, 4], stochastic_depth: 0.0"),
    "xception": (plain("xception"), 71, 4, 0.0003, ""),
    "cifar_resnet": (plain("resnet20"), 32, 8, 0.001, ""),
    "mobilenet_v1": (plain("mobilenet_v1_025"), 64, 8, 0.0001, ""),
    "lenet": (plain("lenet"), 28, 8, 0.01, ""),
    "mlp": (plain("mlp"), 28, 8, 0.01, ""),
}
GRAY = ("lenet", "mlp")


def numbers(name, count):
    """In [-1, 1): FNV-1a of the name and the position, scrambled by splitmix64."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2 ** 64
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return torch.from_numpy((z >> np.uint64(11)).astype(np.float64) * 2.0 ** -52 - 1)


def fill(model):
    """Products keep the size of what goes in; norms are near 1, biases near 0. Buffers stay."""
    for name, p in model.named_parameters():
        values = numbers(name, p.numel()).view(p.shape)
        if p.dim() > 1:
            values = values * (2 / np.sqrt(p[0].numel()))
        else:
            values = 1 + values / 2 if name.endswith("weight") else values / 10
        p.data = values.float()


def prepare(name, noise):
    make = MEMBERS[name][0]
    model = make(num_classes=CLASSES).eval()
    fill(model)
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data *= 1 + noise * torch.randn(p.shape, generator=generator)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    return model


def samples(name, seed):
    _, size, batch, _, _ = MEMBERS[name]
    shape = (batch, size, size, 1 if name in GRAY else 3)
    images = numbers(f"images{seed}", int(np.prod(shape))).view(shape) * 1.75
    return images.float().permute(0, 3, 1, 2).contiguous(), torch.arange(batch) % CLASSES


def summary(key, tensor):
    tensor = tensor.detach().flatten().double()
    return torch.stack([tensor.norm(), tensor @ numbers("along " + key, tensor.numel())])


def forget_rounding(found):
    """Gradients that are 0 but for rounding are 0, such as those of biases before batch statistics."""
    gradients = {key: v for key, v in found.items() if key.startswith("gradient")}
    largest = max(v[0] for v in gradients.values())
    found.update((key, torch.zeros_like(v)) for key, v in gradients.items() if v[0] < NOTHING * largest)


def compute(name, seed, rate, noise=0):
    model, (x, labels), found = prepare(name, noise), samples(name, seed), {}
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM)
    losses = []
    for step in range(STEPS):
        y = model(x)
        loss = F.cross_entropy(y, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if step == 0:
            found["logits"] = y.detach().flatten().double()
            for key, p in model.named_parameters():
                if p.grad is not None:
                    found["gradient " + key] = summary(key, p.grad)
            forget_rounding(found)
        losses.append(loss.detach())
        optimizer.step()
    found["losses"] = torch.stack(losses).double()
    for key, b in model.named_buffers():
        if "running" in key and "gradient " + key.rsplit(".", 1)[0] + ".weight" in found:  # not of an auxiliary head
            found["statistic " + key] = summary(key, b)
    return found


def difference(a, b):
    """The largest, relative to the size of what it belongs to."""
    largest = max(v[0].item() for k, v in a.items() if k.startswith("gradient"))
    def size(key):
        if key.startswith(("gradient", "statistic")):
            return a[key][0].item() or NOTHING / TOLERANCE * largest
        return a[key].abs().max().item()
    return max(((a[key] - b[key]).abs().max().item() / size(key), key) for key in a)


def find(name):
    """The largest rate and the first seed with which rounding decides nothing."""
    for rate in (MEMBERS[name][3] * part for part in (1, 0.1, 0.01)):
        for seed in range(3):
            found = compute(name, seed, rate)
            off = difference(found, compute(name, seed, rate, NOISE))
            first, last = found["losses"][0].item(), found["losses"][-1].item()
            print(f"{name:20} rate {rate:g} seed {seed}: off by {off[0]:.1e} in {off[1]}, loss {first:.3f} to {last:.3f}",
                  flush=True)
            if off[0] < TOLERANCE / 3 and abs(last - first) > 30 * TOLERANCE * first:
                return seed, rate, found
    sys.exit(f"{name}: rounding decides with every seed, or nothing is learnt")


def write(name):
    _, size, batch, _, arguments = MEMBERS[name]
    seed, rate, found = find(name)
    family = next(f for f, names in networks.FAMILIES.items() if name in names or name == f)
    head = {"arch": family, "args": "{" + f"num_classes: {CLASSES}, image_size: {size}" +
            (f", {arguments}" if arguments else "") + "}", "batch": batch, "rate": f"{rate:g}", "seed": seed,
            "kinks": int(name not in WITHOUT_KINKS)}
    with open(os.path.join(OUT, name + ".txt"), "w", encoding="utf-8") as out:
        out.writelines(f"{key} {value}\n" for key, value in head.items())
        for key, values in found.items():
            out.write(f"{key} {' '.join(f'{v:.7g}' for v in values.tolist())}\n")


def check(name):
    """The file holds what this PyTorch computes."""
    with open(os.path.join(OUT, name + ".txt"), encoding="utf-8") as file:
        lines = [line.split() for line in file]
    seed, rate = (next(float(words[1]) for words in lines if words[0] == key) for key in ("seed", "rate"))
    computed, stored = compute(name, int(seed), rate), {}
    for words in lines:
        named = words[0] in ("gradient", "statistic")
        key = " ".join(words[:1 + named])
        if key in computed:
            stored[key] = torch.tensor([float(v) for v in words[1 + named:]], dtype=torch.float64)
    assert list(stored) == list(computed), f"{name}: other entries"
    off = difference(computed, stored)
    print(f"{name:20} off by {off[0]:.1e} in {off[1]}", flush=True)
    return off[0] < TOLERANCE / 3


def without_kinks():
    F.relu = F.leaky_relu = F.hardtanh = lambda x, *arguments, **more: F.silu(x)
    F.max_pool2d = lambda x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False: (
        F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode))


def main():
    torch.set_num_threads(1)
    checks = "--check" in sys.argv
    written = [name for name in MEMBERS if os.path.exists(os.path.join(OUT, name + ".txt"))]
    names = [word for word in sys.argv[1:] if word != "--check"] or (written if checks else list(MEMBERS))
    functions = F.relu, F.leaky_relu, F.hardtanh, F.max_pool2d
    wrong = []
    for name in names:
        F.relu, F.leaky_relu, F.hardtanh, F.max_pool2d = functions
        if name in WITHOUT_KINKS:
            without_kinks()
        if not checks:
            write(name)
        elif not check(name):
            wrong.append(name)
    if wrong:
        sys.exit(f"tests/data/net has other numbers than PyTorch: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
