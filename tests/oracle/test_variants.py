"""Every shipped network, each variant of every family, infers what PyTorch's does with the same weights; so do the
auxiliary classifiers of those that have them.

    test_variants.py PROGRAM [NAME…]     PROGRAM is built from network.c"""

import os
import subprocess
import sys
import tempfile

import torch

import networks

PROGRAM = os.path.abspath(sys.argv[1])
ARCHITECTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../configs/arch")
BATCH = 2
TOLERANCE = 1e-4  # of the largest logit
# An auxiliary classifier is no part of the result: the file is changed to end with it. Name: the module whose output it
# takes, its own name, the step that calls it.
AUXILIARY = {
    "googlenet": [("inception4a", "aux1", "- if aux: aux1(y)"), ("inception4d", "aux2", "- if aux: aux2(y)")],
    "inception_v3": [("Mixed_6e", "AuxLogits", "- if aux: AuxLogits(adaptive_avg_pool2d(y, 17))")],
}


def run(name, arch, size, folder, model, x, y):
    path = os.path.join(folder, "network.pth")
    tensors = {"input": x.permute(0, 2, 3, 1).contiguous(), "output": y}
    tensors.update({f"weight.{key}": tensor for key, tensor in model.state_dict().items()})
    torch.save(tensors, path)
    spread = ((y[0] - y[1]).abs().max() / y.abs().max()).item()
    done = subprocess.run([PROGRAM, arch, f"{{num_classes: 7, image_size: {size}}}", path, "infer"],
                          capture_output=True, text=True)
    print(f"{name:24} {size:3} px {done.stdout.strip()}{done.stderr.strip()}, between images {spread:.1e}", flush=True)
    assert spread > 100 * TOLERANCE, "the images are not told apart"
    return done.returncode == 0 and float(done.stdout.split()[1]) < TOLERANCE


def prepare(name, size):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(BATCH, 1 if name in ("lenet", "mlp") else 3, size, size, generator=generator)
    model = networks.build_small(name, size)
    networks.fill(model, generator)
    networks.calibrate(model, x)
    return model, x


@torch.no_grad()
def compare(name, folder):
    size = networks.SIZES.get(name, 64)
    model, x = prepare(name, size)
    return run(name, name, size, folder, model, x, model(x))


@torch.no_grad()
def compare_auxiliary(name, folder):
    model, x = prepare(name, 299)
    with open(os.path.join(ARCHITECTURES, name + ".yaml"), encoding="utf-8") as file:
        text = file.read()
    right = True
    for source, auxiliary, step in AUXILIARY[name]:
        kept = []
        hook = getattr(model, source).register_forward_hook(lambda module, inputs, output: kept.append(output))
        model(x)
        hook.remove()
        arch = os.path.join(folder, "auxiliary.yaml")
        with open(arch, "w", encoding="utf-8") as file:
            file.write(text.replace(step, "- z = " + step.removeprefix("- if aux: ")) + "    - z\n")
        right &= run(f"{name}.{auxiliary}", arch, 299, folder, model, x, getattr(model, auxiliary)(kept[0]))
    return right


def main():
    torch.set_num_threads(2)
    wrong = []
    for name in sys.argv[2:] or networks.NAMES:
        for check in (compare, compare_auxiliary) if name in AUXILIARY else (compare,):
            with tempfile.TemporaryDirectory() as folder:
                if not check(name, folder):
                    wrong.append(name)
    if wrong:
        sys.exit(f"other logits than PyTorch's: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
