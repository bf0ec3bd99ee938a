"""Writes tests/data/ops/*.bin: what PyTorch computes for each operator at awkward sizes. Run by hand, once:
/usr/bin/python3 tests/oracle/ops.py. Read by tests/unit/net/test_op_reference.c.

A file is a list of cases. All numbers are little-endian; a text is a u32 length and its bytes.
  case    text "operator arguments | batch=2 training=1 bn=0 note", u32 number of tensors, the tensors
  tensor  text name, u32 rank, u32 sizes, float32 elements
Images are stored as engraft holds them, (n, h, w, c). Names: x0 x1 … inputs, y output, dy its gradient, dx0 dx1 …;
weight bias … parameters before the call, grad.weight … their gradients, after.running_mean … buffers after it.
"""
import os
import struct

import torch
import torch.nn.functional as F
from torchvision.models.swin_transformer import ShiftedWindowAttention
from torchvision.ops import StochasticDepth

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "ops")
EVAL, TRAIN_STATS, TRAIN_AFFINE, DEFAULT = 1, 2, 3, 0  # eg_bn_mode


def text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def nhwc(tensor):
    return tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor


def encode(name, tensor):
    tensor = tensor.detach().float().contiguous()
    head = text(name) + struct.pack("<I", tensor.dim()) + b"".join(struct.pack("<I", s) for s in tensor.shape)
    return head + tensor.numpy().tobytes()


def case(title, inputs, module, call, training=True, bn=DEFAULT, note=""):
    """inputs: tensors with gradients; module: holds parameters, or None; call: inputs -> output."""
    tensors = [(f"x{i}", nhwc(x)) for i, x in enumerate(inputs)]
    frozen = bn in (EVAL, TRAIN_STATS)
    if module is not None:
        tensors += [(n, t.detach().clone()) for n, t in module.state_dict().items()]
        module.train(training and bn in (DEFAULT, TRAIN_STATS))
    y = call(*inputs)
    dy = torch.randn(y.shape)
    y.backward(dy)
    tensors += [("y", nhwc(y)), ("dy", nhwc(dy))]
    tensors += [(f"dx{i}", nhwc(x.grad)) for i, x in enumerate(inputs)]
    if module is not None:
        if not frozen or not isinstance(module, torch.nn.BatchNorm2d):
            tensors += [("grad." + n, p.grad) for n, p in module.named_parameters()]
        tensors += [("after." + n, b) for n, b in module.named_buffers()]
    head = f"{title} | batch={inputs[0].shape[0]} training={int(training)} bn={bn} {note}"
    return text(head) + struct.pack("<I", len(tensors)) + b"".join(encode(n, t) for n, t in tensors)


def image(n, c, h, w, distinct=False):
    x = torch.randn(n, c, h, w)
    if distinct:  # no two close elements: the largest is the same in any arithmetic
        x = torch.randperm(x.numel()).float().view(x.shape) / 8 - x.numel() / 16
    return x.requires_grad_()


def conv(n, c, h, w, k, kernel, **options):
    module = torch.nn.Conv2d(c, k, kernel, **options)
    args = " ".join(f"{name}={','.join(map(str, v)) if isinstance(v, tuple) else str(v).lower()}"
                    for name, v in dict(kernel_size=kernel, **options).items())
    return case(f"conv2d out_channels={k} {args}", [image(n, c, h, w)], module, module)


def convs():
    yield conv(2, 3, 5, 7, 4, 3)
    yield conv(2, 3, 6, 7, 5, 3, stride=2, padding=1, bias=False)
    yield conv(1, 5, 6, 4, 7, 1)
    yield conv(3, 4, 5, 6, 3, 1, stride=2)
    yield conv(1, 4, 7, 9, 3, (3, 5), stride=(2, 1), padding=(1, 2))
    yield conv(1, 2, 9, 8, 3, 3, dilation=2, padding=2)
    yield conv(1, 3, 11, 9, 2, (2, 3), dilation=(3, 2), stride=(1, 2), padding=(0, 3))
    yield conv(2, 4, 3, 5, 6, 3, padding=1, groups=2)
    yield conv(2, 6, 5, 4, 6, 1, groups=3, bias=False)
    yield conv(1, 3, 9, 10, 2, 7, stride=2, padding=3, bias=False)
    yield conv(1, 2, 3, 3, 3, 3)
    yield conv(2, 2, 2, 3, 3, 2, stride=5, padding=1)
    yield conv(1, 3, 5, 6, 2, (2, 4), padding="same")
    yield conv(1, 2, 6, 7, 4, 3, padding="same", dilation=2, groups=2)
    yield conv(2, 8, 4, 5, 8, 3, padding=1, groups=8, bias=False)
    yield conv(1, 11, 5, 4, 11, 3, stride=2, padding=1, groups=11)
    yield conv(1, 5, 9, 8, 5, (5, 3), stride=(2, 3), padding=(2, 0), dilation=(1, 2), groups=5)
    yield conv(1, 9, 4, 5, 9, 9, padding=4, groups=9, bias=False)
    yield conv(1, 3, 6, 5, 6, 3, padding=1, groups=3)


def linears():
    for shape, out, bias in [((3, 7), 5, True), ((1, 1), 1, True), ((2, 9), 4, False), ((2, 3, 5), 6, True)]:
        module = torch.nn.Linear(shape[-1], out, bias=bias)
        yield case(f"linear out_features={out} bias={str(bias).lower()}",
                   [torch.randn(shape, requires_grad=True)], module, module)


def norm(n, c, h, w, training, bn, offset=0.0, **options):
    module = torch.nn.BatchNorm2d(c, **options)
    with torch.no_grad():
        if module.affine:
            module.weight.uniform_(0.5, 1.5)
            module.bias.uniform_(-1, 1)
        if module.track_running_stats:
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            module.num_batches_tracked.fill_(3)
    x = (torch.randn(n, c, h, w) + offset).requires_grad_()
    args = " ".join(f"{name}={str(v).lower()}" for name, v in options.items())
    return case(f"batch_norm2d {args}", [x], module, module, training, bn)


def norms():
    yield norm(3, 5, 4, 3, True, DEFAULT)
    yield norm(2, 8, 3, 3, True, DEFAULT, offset=30.0, momentum=0.3, eps=1e-3)
    yield norm(5, 9, 1, 1, True, DEFAULT)
    yield norm(2, 4, 3, 3, True, DEFAULT, momentum=None)
    yield norm(2, 3, 3, 4, True, TRAIN_STATS)
    yield norm(2, 3, 3, 4, True, TRAIN_AFFINE)
    yield norm(2, 3, 3, 4, True, EVAL)
    yield norm(2, 3, 3, 4, False, DEFAULT)
    yield norm(2, 3, 4, 4, True, DEFAULT, affine=False)
    yield norm(2, 3, 4, 4, True, DEFAULT, track_running_stats=False)


def plain(title, module, *inputs):
    return case(title, list(inputs), None, module)


def activations():
    for title, module in [("relu", torch.nn.ReLU()), ("relu6", torch.nn.ReLU6()),
                          ("leaky_relu", torch.nn.LeakyReLU()),
                          ("leaky_relu negative_slope=0.1", torch.nn.LeakyReLU(0.1))]:
        x = torch.randn(2, 3, 5, 3) * 5
        x[0, 0, 0, :] = torch.tensor([0.0, 6.0, -0.0])
        yield plain(title, module, x.requires_grad_())


def pools():
    largest = [("kernel_size=3 stride=2 padding=1", (3, 2, 1), {}), ("kernel_size=2", (2,), {}),
               ("kernel_size=3 stride=2 ceil_mode=true", (3, 2), dict(ceil_mode=True)),
               ("kernel_size=2,3 stride=1,2 padding=1,1", ((2, 3), (1, 2), (1, 1)), {}),
               ("kernel_size=3 stride=1 padding=1 dilation=2", (3, 1, 1, 2), {}),
               ("kernel_size=3 stride=2 padding=1 ceil_mode=true", (3, 2, 1), dict(ceil_mode=True))]
    for args, values, options in largest:
        yield plain("max_pool2d " + args, torch.nn.MaxPool2d(*values, **options), image(1, 3, 6, 8, distinct=True))
    yield plain("max_pool2d kernel_size=3 stride=2 ceil_mode=true", torch.nn.MaxPool2d(3, 2, ceil_mode=True),
                image(1, 2, 2, 2, distinct=True))
    means = [("kernel_size=2", (2,), {}), ("kernel_size=3 stride=2 padding=1", (3, 2, 1), {}),
             ("kernel_size=3 stride=2 padding=1 ceil_mode=true", (3, 2, 1), dict(ceil_mode=True)),
             ("kernel_size=3 stride=2 padding=1 ceil_mode=true count_include_pad=false", (3, 2, 1),
              dict(ceil_mode=True, count_include_pad=False)),
             ("kernel_size=2,3 stride=3,1 padding=1,0 count_include_pad=false", ((2, 3), (3, 1), (1, 0)),
              dict(count_include_pad=False))]
    for args, values, options in means:
        yield plain("avg_pool2d " + args, torch.nn.AvgPool2d(*values, **options), image(1, 3, 6, 8))
    for size, c, h, w in [((1, 1), 9, 5, 4), ((2, 3), 3, 5, 7), ((4, 6), 2, 3, 5), ((3, 3), 2, 3, 3)]:
        yield plain(f"adaptive_avg_pool2d output_size={size[0]},{size[1]}", torch.nn.AdaptiveAvgPool2d(size),
                    image(2, c, h, w))


def shapes():
    yield plain("flatten", torch.nn.Flatten(), image(2, 3, 2, 4))
    yield plain("flatten", torch.nn.Flatten(), image(2, 5, 1, 1))
    yield plain("flatten", torch.nn.Flatten(), torch.randn(2, 3, 4, requires_grad=True))
    yield plain("add", torch.add, image(2, 3, 2, 4), image(2, 3, 2, 4))
    yield plain("add", torch.add, image(2, 3, 2, 4), image(2, 3, 1, 1))
    yield plain("add", torch.add, image(2, 1, 4, 1), image(2, 3, 1, 5))
    yield plain("add", torch.add, torch.randn(3, 7, requires_grad=True), torch.randn(3, 1, requires_grad=True))
    yield plain("mul", torch.mul, image(2, 3, 2, 4), image(2, 3, 2, 4))
    yield plain("mul", torch.mul, image(2, 9, 1, 1), image(2, 9, 3, 2))
    yield plain("mul", torch.mul, image(2, 3, 2, 4), image(2, 1, 2, 4))
    yield plain("mul", torch.mul, image(2, 3, 1, 5), image(2, 1, 4, 1))
    yield plain("mul", torch.mul, torch.randn(3, 1, requires_grad=True), torch.randn(3, 11, requires_grad=True))
    yield plain("cat", lambda *x: torch.cat(x, 1), image(2, 3, 4, 2), image(2, 1, 4, 2), image(2, 5, 4, 2))
    yield plain("cat", lambda *x: torch.cat(x, 1), torch.randn(2, 4, requires_grad=True),
                torch.randn(2, 3, requires_grad=True))
    yield plain("pad_channels before=2 after=3", lambda x: F.pad(x, (0, 0, 0, 0, 2, 3)), image(2, 3, 2, 4))
    yield plain("slice step=2", lambda x: x[:, :, ::2, ::2] * 1, image(2, 3, 5, 6))
    yield plain("slice start=1,0 stop=5,4 step=3,2 channel_start=1 channel_stop=6 channel_step=2",
                lambda x: x[:, 1:6:2, 1:5:3, 0:4:2] * 1, image(1, 7, 6, 5))


def smooth():
    for title, module in [("elu", torch.nn.ELU()), ("elu alpha=0.5", torch.nn.ELU(0.5)), ("gelu", torch.nn.GELU()),
                          ("gelu approximate=tanh", torch.nn.GELU("tanh")), ("silu", torch.nn.SiLU()),
                          ("sigmoid", torch.nn.Sigmoid()), ("tanh", torch.nn.Tanh()),
                          ("hardswish", torch.nn.Hardswish()), ("hardsigmoid", torch.nn.Hardsigmoid())]:
        x = torch.randn(2, 3, 5, 3) * 4
        x[0, 0, 0, :] = torch.tensor([0.0, 20.0, -20.0])
        yield plain(title, module, x.requires_grad_())
        yield plain(title, module, (torch.randn(1, 1) / 100).requires_grad_())
    yield plain("softmax", torch.nn.Softmax(1), (torch.randn(2, 11, 2, 3) * 5).requires_grad_())
    yield plain("softmax", torch.nn.Softmax(-1), torch.randn(2, 3, 8, requires_grad=True))
    yield plain("softmax", torch.nn.Softmax(-1), (torch.randn(3, 1) + 90).requires_grad_())
    yield plain("scale factor=0.5 offset=-2", lambda x: x * 0.5 - 2, image(2, 3, 2, 4))
    for count, shape in [(1, (2, 5, 3, 2)), (9, (2, 9, 3, 2)), (1, (3, 1)), (4, (2, 3, 4))]:
        module = torch.nn.PReLU(count)
        with torch.no_grad():
            module.weight.uniform_(-0.5, 0.5)
        tokens = len(shape) == 3
        call = (lambda x, m=module: m(x.transpose(1, 2)).transpose(1, 2)) if tokens else module
        yield case(f"prelu num_parameters={count}", [torch.randn(shape, requires_grad=True)], module, call)


def shake(module, scale=1.0):
    """Parameters away from ones and zeros."""
    with torch.no_grad():
        for p in module.parameters():
            if p.dim() == 1:
                p.add_(torch.randn_like(p) * scale / 2)
    return module


def last(module):
    """A module of channels-last images on PyTorch's."""
    return lambda x: module(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def layers():
    for shape, options in [((2, 13), {}), ((3, 5, 8), dict(eps=1e-3)), ((2, 5, 17), dict(elementwise_affine=False)),
                           ((1, 1, 1), {}), ((70, 1, 5), {})]:
        module = shake(torch.nn.LayerNorm(shape[-1], **options))
        args = " ".join(f"{name}={str(v).lower()}" for name, v in options.items())
        yield case(f"layer_norm {args}", [(torch.randn(shape) * 3 + 5).requires_grad_()], module, module)
    module = shake(torch.nn.LayerNorm(6, eps=1e-6))
    yield case("layer_norm eps=1e-6", [image(2, 6, 3, 4)], module, last(module))
    for groups, shape, options in [(2, (3, 6, 4, 3), {}), (1, (2, 5, 3, 3), {}), (9, (1, 9, 2, 5), {}),
                                   (3, (4, 12), dict(eps=1e-2)), (4, (2, 12, 1, 1), dict(affine=False))]:
        module = shake(torch.nn.GroupNorm(groups, shape[1], **options))
        args = " ".join(f"{name}={str(v).lower()}" for name, v in options.items())
        yield case(f"group_norm num_groups={groups} {args}", [(torch.randn(shape) * 2 + 3).requires_grad_()],
                   module, module)


def attention():
    for heads, shape, bias in [(2, (2, 5, 6), True), (3, (1, 1, 9), True), (1, (2, 7, 4), False), (4, (3, 9, 12), True)]:
        module = shake(torch.nn.MultiheadAttention(shape[2], heads, bias=bias, batch_first=True))
        yield case(f"multi_head_attention heads={heads} bias={str(bias).lower()}",
                   [torch.randn(shape, requires_grad=True)], module,
                   lambda x, m=module: m(x, x, x, need_weights=False)[0])
    for heads, shape, window, shift, bias in [(2, (2, 4, 6, 6), (3, 3), (0, 0), True), (2, (1, 6, 8, 8), (4, 4), (2, 2), True),
                                              (1, (2, 3, 5, 7), (3, 2), (1, 1), True), (2, (1, 4, 3, 9), (4, 4), (2, 2), True),
                                              (3, (3, 6, 4, 4), (2, 2), (1, 0), False), (1, (1, 2, 1, 1), (2, 3), (1, 1), True),
                                              (2, (1, 4, 5, 4), (5, 2), (2, 1), True)]:
        module = shake(ShiftedWindowAttention(shape[1], list(window), list(shift), heads, qkv_bias=bias, proj_bias=bias))
        with torch.no_grad():
            module.relative_position_bias_table.normal_()
        yield case(f"shifted_window_attention window_size={window[0]},{window[1]} shift_size={shift[0]},{shift[1]} "
                   f"heads={heads} qkv_bias={str(bias).lower()} proj_bias={str(bias).lower()}", [image(*shape)], module,
                   last(module))


def tokens(*shape):
    return torch.randn(shape, requires_grad=True)


def shuffle(x, groups):
    """As torchvision's ShuffleNet; torch.nn.ChannelShuffle has no gradient here."""
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def learned(title, shape, batch, view):
    """A parameter, whose name is its module's own: it has none here."""
    weight = torch.randn(shape, requires_grad=True)
    y = view(weight).expand(batch, *view(weight).shape[1:])
    dy = torch.randn(y.shape)
    y.backward(dy)
    tensors = [("", weight), ("y", nhwc(y)), ("dy", nhwc(dy)), ("grad.", weight.grad)]
    return (text(f"{title} | batch={batch} training=1 bn=0 ") + struct.pack("<I", len(tensors)) +
            b"".join(encode(n, t) for n, t in tensors))


def layouts():
    yield plain("sub", torch.sub, image(2, 3, 2, 4), image(2, 3, 2, 4))
    yield plain("sub", torch.sub, image(2, 3, 1, 1), image(2, 3, 2, 4))
    yield plain("sub", torch.sub, image(2, 3, 2, 4), image(2, 1, 2, 4))
    yield plain("add", lambda x, y: x + y[:, None, :], tokens(2, 3, 5), tokens(2, 5))
    yield plain("mul", lambda x, y: x[:, None, :] * y, tokens(2, 5), tokens(2, 3, 5))
    yield plain("sub", lambda x, y: x - y[:, None, :], tokens(2, 3, 5), tokens(2, 5))
    yield plain("mul", torch.mul, tokens(2, 3, 5), tokens(2, 1, 5))
    yield plain("cat", lambda *x: torch.cat(x, 1), tokens(3, 1, 4), tokens(3, 6, 4))
    yield plain("cat dim=1", lambda *x: torch.cat(x, 2), tokens(3, 5, 4), tokens(3, 5, 1), tokens(3, 5, 2))
    yield plain("cat dim=-1", lambda *x: torch.cat(x, 3), image(2, 3, 4, 2), image(2, 3, 4, 5))
    yield plain("cat dim=1", lambda *x: torch.cat(x, 2), image(2, 3, 4, 2), image(2, 3, 1, 2))
    for piece in range(3):
        yield plain(f"chunk chunks=3 piece={piece}", lambda x: torch.chunk(x, 3, 1)[piece] * 1, image(2, 7, 2, 3))
    yield plain("chunk chunks=2 piece=1", lambda x: torch.chunk(x, 2, 1)[1] * 1, tokens(2, 5, 3))
    yield plain("chunk chunks=4 dim=1 piece=2", lambda x: torch.chunk(x, 4, 2)[2] * 1, tokens(2, 3, 6))
    yield plain("chunk chunks=2 dim=2 piece=0", lambda x: torch.chunk(x, 2, 3)[0] * 1, image(2, 2, 3, 5))
    yield plain("slice start=1,0 stop=4,1 channel_start=1 channel_step=2", lambda x: x[:, 1:4, 1::2] * 1, tokens(2, 5, 6))
    yield plain("slice channel_start=2 channel_stop=7", lambda x: x[:, 2:7] * 1, tokens(3, 9))
    yield plain("index at=0", lambda x: x[:, 0] * 1, tokens(3, 4, 5))
    yield plain("index at=-2", lambda x: x[:, -2] * 1, tokens(2, 4, 3))
    yield plain("transpose", lambda x: x.transpose(1, 2) * 1, tokens(2, 4, 3))
    yield plain("mean", lambda x: x.mean([2, 3]), image(2, 9, 3, 4))
    yield plain("mean keepdim=true", lambda x: x.mean([2, 3], keepdim=True), image(2, 3, 1, 1))
    yield plain("mean", lambda x: x.mean(1), tokens(2, 5, 11))
    yield plain("mean keepdim=true", lambda x: x.mean(1, keepdim=True), tokens(1, 7, 3))
    yield plain("pad padding=1,2,0,3", lambda x: F.pad(x, (1, 2, 0, 3)), image(2, 3, 2, 4))
    yield plain("pad padding=1 value=-1.5", lambda x: F.pad(x, (1, 1, 1, 1), value=-1.5), image(1, 2, 1, 1))
    yield plain("channel_shuffle groups=2", lambda x: shuffle(x, 2), image(2, 6, 2, 3))
    yield plain("channel_shuffle groups=3", lambda x: shuffle(x, 3), image(1, 12, 1, 2))
    for size, c, h, w in [((1, 1), 9, 5, 4), ((2, 3), 3, 5, 7), ((4, 6), 2, 3, 5)]:
        yield plain(f"adaptive_max_pool2d output_size={size[0]},{size[1]}", torch.nn.AdaptiveMaxPool2d(size),
                    image(2, c, h, w, distinct=True))
    for mode in ("row", "batch"):
        yield case(f"stochastic_depth p=0.3 mode={mode}", [image(3, 2, 2, 2)], None, StochasticDepth(0.3, mode).eval(),
                   training=False)
    yield learned("learned shape=5", (5,), 3, lambda p: p[None])
    yield learned("learned shape=1,3,5 skip=1", (1, 3, 5), 2, lambda p: p)
    yield learned("learned shape=1,1,4 skip=2", (1, 1, 4), 3, lambda p: p[0])
    yield learned("learned shape=6,1,1", (6, 1, 1), 2, lambda p: p[None])
    yield learned("learned shape=1,4,3,2 skip=1", (1, 4, 3, 2), 5, lambda p: p)


def quotients():
    far = [(torch.rand(shape) + 0.5).mul(torch.where(torch.rand(shape) < 0.5, -1.0, 1.0)).requires_grad_()
           for shape in [(2, 3, 5, 4), (1, 1, 1, 1), (3, 7), (2, 4, 3)]]
    for x in far:
        yield plain("reciprocal", torch.reciprocal, x)


def main():
    torch.manual_seed(20)
    torch.set_num_threads(1)
    os.makedirs(FOLDER, exist_ok=True)
    for make in (convs, linears, norms, activations, pools, shapes, smooth, layers, attention, layouts, quotients):
        with open(os.path.join(FOLDER, make.__name__ + ".bin"), "wb") as out:
            out.write(b"".join(make()))


if __name__ == "__main__":
    main()
