"""PyTorch's side of the shipped architectures: torchvision's networks, and those that torchvision has not.

`build(name, **arguments)` gives a module without trained weights; NAMES lists all names, family by family.
"""
import contextlib
import inspect
import warnings

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

FAMILIES = {
    "alexnet": ["alexnet"],
    "vgg": ["vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"],
    "resnet": ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
               "wide_resnet50_2", "wide_resnet101_2"],
    "squeezenet": ["squeezenet1_0", "squeezenet1_1"],
    "densenet": ["densenet121", "densenet161", "densenet169", "densenet201"],
    "googlenet": ["googlenet"],
    "inception_v3": ["inception_v3"],
    "mobilenet_v2": ["mobilenet_v2"],
    "mobilenet_v3": ["mobilenet_v3_large", "mobilenet_v3_small"],
    "efficientnet": [f"efficientnet_b{i}" for i in range(8)],
    "shufflenet_v2": [f"shufflenet_v2_x{i}" for i in ("0_5", "1_0", "1_5", "2_0")],
    "mnasnet": [f"mnasnet{i}" for i in ("0_5", "0_75", "1_0", "1_3")],
    "regnet": [f"regnet_{kind}_{size}" for kind in "yx" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf",
                                                                  "32gf")],
    "convnext": [f"convnext_{size}" for size in ("tiny", "small", "base", "large")],
    "vit": ["vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32"],
    "swin": ["swin_t", "swin_s", "swin_b"],
    "xception": ["xception", "xception_last_linear"],
    "cifar_resnet": ["resnet20", "resnet32", "resnet44", "resnet56", "resnet110"],
    "mobilenet_v1": ["mobilenet_v1_025", "mobilenet_v1_100"],
    "mlp": ["mlp"],
    "lenet": ["lenet"],
}
NAMES = [name for names in FAMILIES.values() for name in names]

# A member of every family for comparisons of numbers, and how large images are where 64 pixels are not right.
SMALL = ["alexnet", "vgg11_bn", "resnet18", "resnext50_32x4d", "squeezenet1_1", "densenet121", "googlenet",
         "inception_v3", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "shufflenet_v2_x0_5", "mnasnet0_5",
         "regnet_y_400mf", "convnext_tiny", "vit_b_32", "swin_t", "xception", "cifar_resnet", "mobilenet_v1_025",
         "mlp", "lenet"]
SIZES = {"lenet": 28, "mlp": 28, "inception_v3": 107, "xception": 71, "alexnet": 67, "googlenet": 67, "swin_t": 72}


class Separable(nn.Module):
    def __init__(self, width_in, width_out):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width_in, 3, 1, 1, groups=width_in, bias=False)
        self.pointwise = nn.Conv2d(width_in, width_out, 1, bias=False)

    def forward(self, x):
        return self.pointwise(self.conv1(x))


class XceptionBlock(nn.Module):
    def __init__(self, width_in, widths, stride=1, start_with_relu=True):
        super().__init__()
        self.skip = None
        if stride != 1:
            self.skip = nn.Conv2d(width_in, widths[-1], 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(widths[-1])
        layers = []
        for i, width in enumerate(widths):
            layers += [nn.ReLU()] if i > 0 or start_with_relu else []
            layers += [Separable(width_in, width), nn.BatchNorm2d(width)]
            width_in = width
        self.rep = nn.Sequential(*layers, *([nn.MaxPool2d(3, stride, 1)] if stride != 1 else []))

    def forward(self, x):
        return self.rep(x) + (x if self.skip is None else self.skipbn(self.skip(x)))


class Xception(nn.Module):
    """The network of Chollet's paper, in the modules that PyTorch ports of it have."""

    def __init__(self, head="fc", num_classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(32, 64, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.block1 = XceptionBlock(64, [128, 128], 2, start_with_relu=False)
        self.block2 = XceptionBlock(128, [256, 256], 2)
        self.block3 = XceptionBlock(256, [728, 728], 2)
        for i in range(4, 12):
            setattr(self, f"block{i}", XceptionBlock(728, [728, 728, 728]))
        self.block12 = XceptionBlock(728, [728, 1024], 2)
        self.conv3 = Separable(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = Separable(1536, 2048)
        self.bn4 = nn.BatchNorm2d(2048)
        self.head = head
        setattr(self, head, nn.Linear(2048, num_classes))

    def forward(self, x):
        x = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        for i in range(1, 13):
            x = getattr(self, f"block{i}")(x)
        x = self.relu(self.bn4(self.conv4(self.relu(self.bn3(self.conv3(x))))))
        return getattr(self, self.head)(x.mean([2, 3]))


class CifarBlock(nn.Module):
    def __init__(self, width_in, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.pad = width // 4 if width != width_in or stride != 1 else 0

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(x + y)


class CifarResnet(nn.Module):
    """He et al. 2015, section 4.2, shortcuts of option A."""

    def __init__(self, depth, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        width_in = 16
        for i, width in enumerate((16, 32, 64)):
            blocks = []
            for k in range((depth - 2) // 6):
                blocks.append(CifarBlock(width_in, width, 2 if i > 0 and k == 0 else 1))
                width_in = width
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, num_classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean([2, 3]))


def unit(width_in, width_out, kernel, stride, groups):
    return [nn.Conv2d(width_in, width_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(width_out), nn.LeakyReLU(0.1)]


def separable(width_in, width_out, stride=1):
    return nn.Sequential(*unit(width_in, width_in, 3, stride, width_in), *unit(width_in, width_out, 1, 1, 1))


class MobilenetV1(nn.Module):
    """Howard et al. 2017 in three stages, as RetinaFace's backbone has it."""

    def __init__(self, width=0.25, num_classes=1000):
        super().__init__()
        w = [int(c * width) for c in (32, 64, 128, 256, 512, 1024)]
        self.stage1 = nn.Sequential(nn.Sequential(*unit(3, w[0], 3, 2, 1)), separable(w[0], w[1]),
                                    separable(w[1], w[2], 2), separable(w[2], w[2]), separable(w[2], w[3], 2),
                                    separable(w[3], w[3]))
        self.stage2 = nn.Sequential(separable(w[3], w[4], 2), *[separable(w[4], w[4]) for _ in range(5)])
        self.stage3 = nn.Sequential(separable(w[4], w[5], 2), separable(w[5], w[5]))
        self.avg = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(w[5], num_classes)

    def forward(self, x):
        return self.fc(self.avg(self.stage3(self.stage2(self.stage1(x)))).flatten(1))


class Lenet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def mlp(num_classes=10):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
                         nn.Linear(128, num_classes))


OTHERS = {
    "xception": Xception,
    "xception_last_linear": lambda **a: Xception("last_linear", **a),
    "mobilenet_v1_025": MobilenetV1,
    "mobilenet_v1_100": lambda **a: MobilenetV1(1.0, **a),
    "lenet": Lenet,
    "mlp": mlp,
    **{f"resnet{depth}": lambda depth=depth, **a: CifarResnet(depth, **a) for depth in (20, 32, 44, 56, 110)},
}


@contextlib.contextmanager
def no_initialisation():
    """torch.nn.init does nothing: large networks are built in a moment."""
    names = [n for n, f in inspect.getmembers(nn.init, inspect.isfunction) if n.endswith("_") and n[0] != "_"]
    saved = {name: getattr(nn.init, name) for name in names}
    for name in names:
        setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
    try:
        yield
    finally:
        for name, function in saved.items():
            setattr(nn.init, name, function)


def build(name, **arguments):
    with no_initialisation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in OTHERS:
            return OTHERS[name](**arguments)
        if name in ("googlenet", "inception_v3"):
            arguments["init_weights"] = False
        return getattr(torchvision.models, name)(weights=None, **arguments)


def build_small(name, size):
    """With 7 classes, for images of this size."""
    name = "resnet20" if name == "cifar_resnet" else name
    arguments = {"num_classes": 7}
    if name.startswith("vit"):  # whose tensors depend on the size
        arguments["image_size"] = size
    return build(name, **arguments)


def fill(model, generator):
    """Weights under which activations neither vanish nor explode, nor rounding grows from block to block."""
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        fan_in = tensor[0].numel() if tensor.dim() > 1 else 1
        if name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")):
            tensor.uniform_(0.5, 1.5, generator=generator)
            if name.endswith("bn3.weight"):  # which ends a bottleneck's branch
                tensor *= 0.3
        else:
            tensor.normal_(0, 1.2 * fan_in ** -0.5 if tensor.dim() > 1 else 0.1, generator=generator)


def calibrate(model, x):
    """Gives BatchNorm the statistics of these images, with a little more variance."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    model.eval()
    if not norms:
        return
    momenta = [m.momentum for m in norms]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        model(x)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
        norm.running_var += 0.1 * norm.running_var.mean()
    model.eval()
