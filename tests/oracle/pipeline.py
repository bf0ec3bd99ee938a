#!/usr/bin/python3
"""Writes tests/data/pipeline.txt: one line a case, "pipeline file channels epoch sample SHA-256", of what torchvision's
transforms make of an image (float32, height x width x channels). The pipelines are those of test_pipeline.c.

    tests/oracle/pipeline.py [FOLDER]     FOLDER: the shared images, for the lines that start with "hymenoptera/"

torchvision's own code runs; only its random numbers are replaced by the Philox draws of base/rng.h, in double precision,
at the positions that data/geometry.h documents."""
import hashlib
import math
import os
import sys

import torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import transforms as module

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data')
M32, M64 = (1 << 32) - 1, (1 << 64) - 1
AUGMENT, SEED = 3, 7


def mix(h, v):
    h = ((h ^ v) * 0xff51afd7ed558ccd) & M64
    return ((h ^ h >> 33) * 0xc4ceb9fe1a85ec53) & M64


class Draws:
    """Stands for the module `torch` inside torchvision's transforms; everything else is passed on."""

    def __init__(self, seed, epoch, sample):
        state = mix(mix(mix(0, AUGMENT), epoch), sample)
        state ^= state >> 29
        self.key, self.counter = (seed & M32, seed >> 32), (state & M32, state >> 32)

    def __getattr__(self, name):
        return getattr(torch, name)

    def start(self, at):
        self.at, self.calls = at, 0

    def block(self, at):
        c, k = [at & M32, at >> 32, *self.counter], list(self.key)
        for _ in range(10):
            p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & M32, (p0 >> 32) ^ c[3] ^ k[1], p0 & M32]
            k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
        return c

    def uniform(self, at):
        c = self.block(at)
        return ((c[0] << 32 | c[1]) >> 11) * 2.0 ** -53

    def tensor(self, values):
        return list(values)

    def log(self, values):
        return [math.log(v) for v in values]

    def exp(self, value):
        return Value(math.exp(value.item()))

    def empty(self, _):
        return self

    def uniform_(self, low, high):
        attempt, part = divmod(self.calls, 2)
        self.calls, self.below = self.calls + 1, 2
        return Value(low + self.uniform(self.at + 4 * attempt + part) * (high - low))

    def randint(self, low, high, size):
        c = self.block(self.at + 4 * ((self.calls - 1) // 2) + self.below)
        self.below += 1
        return Value(low + ((c[2] << 32 | c[3]) * (high - low) >> 64))

    def rand(self, _):
        return self.uniform(self.at)


class Value(float):
    def item(self):
        return float(self)


BICUBIC, NEAREST = T.InterpolationMode.BICUBIC, T.InterpolationMode.NEAREST
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PIPELINES = {
    'plain': [T.Resize((13, 17))],
    'eval': [T.Resize(20), T.CenterCrop(16), T.Normalize(MEAN, STD)],
    'odd': [T.Resize(19, BICUBIC), T.CenterCrop((18, 15)), T.Normalize(MEAN, STD)],
    'pad': [T.CenterCrop((48, 33)), T.Normalize(MEAN, STD)],
    'pad-both': [T.CenterCrop((50, 61))],
    'nearest': [T.Resize((40, 9), NEAREST)],
    'gray': [T.Resize(18), T.CenterCrop(17), T.Normalize([0.1307], [0.3081])],
    'train': [T.RandomResizedCrop(16), T.RandomHorizontalFlip(), T.Normalize(MEAN, STD)],
    'bicubic': [T.RandomResizedCrop((11, 14), (0.5, 1.0), (0.5, 2.0), BICUBIC), T.RandomHorizontalFlip(0.3)],
    'fallback': [T.RandomResizedCrop(12, (0.9, 1.0), (3.0, 4.0))],
    'fallback-tall': [T.RandomResizedCrop(12, (0.9, 1.0), (0.2, 0.25))],
    'flip': [T.Resize((15, 15)), T.RandomHorizontalFlip(0.5)],
    'imagenet': [T.Resize(256), T.CenterCrop(224), T.Normalize(MEAN, STD)],
    'imagenet-train': [T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.Normalize(MEAN, STD)],
}


# Here torchvision's fallback rounds a side to 0 and makes a black image; the project takes one pixel.
EMPTY = {('fallback', '420-thin.jpg'), ('fallback-tall', 'flat-adam7.png')}


def run(name, path, channels, epoch, sample):
    with Image.open(path) as image:
        image = image.convert('RGB' if channels == 3 else 'L')
    module.torch = draws = Draws(SEED, epoch, sample)
    steps = [s for s in PIPELINES[name] if not isinstance(s, T.Normalize)]
    for i, step in enumerate(steps):
        draws.start(64 * i)
        image = step(image)
    module.torch = torch
    tensor = T.ToTensor()(image)
    for step in PIPELINES[name][len(steps):]:
        tensor = step(tensor)
    return hashlib.sha256(tensor.permute(1, 2, 0).contiguous().numpy().tobytes()).hexdigest()


def cases(shared):
    for name in PIPELINES:
        if name.startswith('imagenet'):
            continue
        channels = 1 if name == 'gray' else 3
        for file in ('420.jpg', 'gray.jpg', 'rgba8.png', '420-thin.jpg', 'flat-adam7.png'):
            if (name, file) in EMPTY:
                continue
            drawn = any('Random' in type(s).__name__ for s in PIPELINES[name])
            for sample in range(4 if drawn else 1):
                yield name, file, channels, sample % 2 * 5, sample * 1000
    if not shared:
        return
    for name in 'imagenet', 'imagenet-train':
        for kind in 'train/ants', 'val/bees':
            folder = os.path.join('hymenoptera', kind)
            files = sorted(f for f in os.listdir(os.path.join(shared, folder)) if f.endswith('.jpg'))
            for i, file in enumerate(files[::17]):
                yield name, os.path.join(folder, file), 3, 2, i


def main():
    shared = sys.argv[1] if len(sys.argv) > 1 else None
    with open(os.path.join(HERE, 'pipeline.txt'), 'w') as out:
        for name, file, channels, epoch, sample in cases(shared):
            root = shared if file.startswith('hymenoptera/') else os.path.join(HERE, 'images')
            digest = run(name, os.path.join(root, file), channels, epoch, sample)
            out.write('%s %s %d %d %d %s\n' % (name, file, channels, epoch, sample, digest))


if __name__ == '__main__':
    main()
