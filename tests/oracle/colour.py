#!/usr/bin/python3
"""Writes tests/data/colour.txt: what torchvision's adjust_* functions and Pillow's JPEG make of an image whose bytes are
(7 i i + 13 i) mod 256, 37 x 29 pixels. One line a case: kind, channels, factor, SHA-256 of the pixels."""
import hashlib
import io
import os

from PIL import Image
from torchvision.transforms import functional as F

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'colour.txt')
WIDTH, HEIGHT = 37, 29


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, 'JPEG', quality=int(quality))
    return Image.open(file)


KINDS = [(F.adjust_brightness, (0, 0.3, 0.8, 1, 1.7)), (F.adjust_contrast, (0, 0.45, 0.8, 1, 1.9)),
         (F.adjust_saturation, (0, 0.3, 0.8, 1, 2.5)), (F.adjust_hue, (-0.5, -0.13, 0, 0.07, 0.5)),
         (jpeg, (10, 50, 75, 95))]


def main():
    with open(OUT, 'w', encoding='utf-8') as out:
        for channels, mode in ((1, 'L'), (3, 'RGB')):
            data = bytes((7 * i * i + 13 * i) % 256 for i in range(WIDTH * HEIGHT * channels))
            image = Image.frombytes(mode, (WIDTH, HEIGHT), data)
            for kind, (change, factors) in enumerate(KINDS):
                for factor in factors:
                    digest = hashlib.sha256(change(image, factor).tobytes()).hexdigest()
                    out.write(f'{kind} {channels} {factor} {digest}\n')


if __name__ == '__main__':
    main()
