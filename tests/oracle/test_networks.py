"""Shipped networks compute what PyTorch's do: with random weights in a .pth, `engraft run` (without training) writes a
model whose logits on a few random images are PyTorch's, and whose state dict has PyTorch's tensors and versions of modules;
and a published checkpoint says the same of every test image.

    test_networks.py ENGRAFT [NAME…]     a small member of every family, or the networks of these names"""

import json
import os
import subprocess
import sys
import tempfile

import torch
from PIL import Image
from torchvision import transforms

import networks

ENGRAFT = os.path.abspath(sys.argv[1])
SHARED = os.environ.get("ENGRAFT_SHARED", "")
HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = 3
TOLERANCE = 1e-4  # of the largest logit


def engraft(*words):
    done = subprocess.run([ENGRAFT, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"engraft {' '.join(words)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def random_images(folder, channels, size, generator):
    files, arrays = [], []
    for i in range(IMAGES):
        pixels = torch.randint(0, 256, (size, size, channels), generator=generator).to(torch.uint8).numpy()
        files.append(os.path.join(folder, f"{i}.png"))
        Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels).save(files[-1])
        arrays.append(torch.from_numpy(pixels).permute(2, 0, 1).float() / 255)
    return files, torch.stack(arrays)


def write_recipe(folder, name, channels, size):
    path = os.path.join(folder, "recipe.yaml")
    with open(path, "w", encoding="utf-8") as out:
        json.dump({
            "recipe": 1,
            "name": name,
            "source": {"checkpoint": "weights.pth",
                       "preprocess": [{"normalize": {"mean": [0.5] * channels, "std": [0.25] * channels}}]},
            "target": {"arch": name, "num_classes": 7, "image_size": size},
            "output": {"checkpoint": "model.pth"},
        }, out)
    return path


def check_state(name, model, path):
    """What is written is what went in, in its order, with the versions that PyTorch's modules give."""
    ours, theirs = torch.load(path, map_location="cpu"), model.state_dict()
    assert list(ours) == list(theirs), f"{name}: other keys than PyTorch's"
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs), f"{name}: other tensors than PyTorch's"
    versions = {path: data["version"] for path, data in theirs._metadata.items() if "version" in data}
    found = {path: data["version"] for path, data in ours._metadata.items()}
    differ = {p: (found.get(p), versions.get(p)) for p in {*found, *versions} if found.get(p) != versions.get(p)}
    assert not differ, f"{name}: module: (version, PyTorch's): {differ}"
    model.load_state_dict(ours)


def compare(name, folder):
    generator = torch.Generator().manual_seed(1)
    size = networks.SIZES.get(name, 64)
    channels = 1 if name in ("lenet", "mlp") else 3
    files, x = random_images(folder, channels, size, generator)
    x = (x - 0.5) / 0.25
    model = networks.build_small(name, size)
    networks.fill(model, generator)
    networks.calibrate(model, x)
    torch.save(model.state_dict(), os.path.join(folder, "weights.pth"))
    engraft("run", write_recipe(folder, name, channels, size), "--out", os.path.join(folder, "out"))
    ours = torch.tensor([p["logits"] for p in json.loads(engraft("predict", os.path.join(folder, "model.pth"), *files,
                                                                 "--json"))])
    check_state(name, model, os.path.join(folder, "model.pth"))
    with torch.no_grad():
        theirs = model(x)
    worst = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    spread = ((theirs - theirs.mean(0)).abs().max() / theirs.abs().max()).item()
    print(f"{name:24} {size:4} px, largest relative difference {worst:.1e}, among images {spread:.1e}", flush=True)
    assert spread > 100 * TOLERANCE, "the images are not told apart"
    return worst < TOLERANCE


def compare_published(folder):
    """ResNet-20 of akamaster/pytorch_resnet_cifar10 on 1000 images of CIFAR-10's test set."""
    checkpoint = os.path.join(SHARED, "checkpoints/resnet20-12fca82f.th")
    images = os.path.join(SHARED, "images/cifar10-sample/test")
    if not os.path.exists(checkpoint) or not os.path.isdir(images):
        print("skipped: the published ResNet-20, as there are no shared checkpoints and images")
        return True
    recipe = os.path.join(HERE, "../data/cifar-resnet20/recipe.yaml")
    model = os.path.join(folder, "model.pth")
    sets = [f"source.checkpoint={checkpoint}", f"data.val.folder={images}", f"output.checkpoint={model}"]
    options = [word for text in sets for word in ("--set", text)]
    engraft("run", recipe, "--out", os.path.join(folder, "out"), *options)
    result = json.loads(engraft("eval", recipe, "--model", model, "--json", "--predictions", *options))

    net = networks.build("resnet20")
    state = torch.load(checkpoint, map_location="cpu")["state_dict"]
    net.load_state_dict({key[len("module."):]: tensor for key, tensor in state.items()}, strict=False)
    net.eval()
    load = transforms.Compose([transforms.ToTensor(),
                               transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    classes = sorted(os.listdir(images))
    files = [(os.path.join(images, c, f), i) for i, c in enumerate(classes)
             for f in sorted(os.listdir(os.path.join(images, c)))]
    with torch.no_grad():
        logits = net(torch.stack([load(Image.open(f).convert("RGB")) for f, _ in files]))
    correct = sum(int(p == label) for p, (_, label) in zip(logits.argmax(1).tolist(), files))
    print(f"published ResNet-20: {result['accuracy'] * result['samples']:.0f} of {result['samples']} right, "
          f"PyTorch {correct}")
    assert result["samples"] == len(files) and round(result["accuracy"] * len(files)) == correct
    ours = json.loads(engraft("predict", model, *[f for f, _ in files], "--json"))
    ours = torch.tensor([p["logits"] for p in ours])
    worst = ((ours - logits).abs().max() / logits.abs().max()).item()
    print(f"published ResNet-20: largest relative difference of the logits {worst:.1e}")
    assert [classes.index(p["pred"]) for p in result["predictions"]] == logits.argmax(1).tolist()
    return worst < TOLERANCE


def main():
    torch.set_num_threads(2)
    names = sys.argv[2:] or networks.SMALL
    wrong = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            if not compare(name, folder):
                wrong.append(name)
    with tempfile.TemporaryDirectory() as folder:
        if not compare_published(folder):
            wrong.append("published ResNet-20")
    if wrong:
        sys.exit(f"other logits than PyTorch's: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
