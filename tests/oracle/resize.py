#!/usr/bin/python3
"""Writes tests/data/resize.txt: one line a case, "channels width height filter new-width new-height SHA-256", of Pillow's
Image.resize on pixels that test_resize.c draws in the same way.

    tests/oracle/resize.py [MORE]        MORE random cases, for a wider comparison"""
import hashlib
import os
import random
import sys

from PIL import Image

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data')
FILTERS = {'nearest': Image.Resampling.NEAREST, 'bilinear': Image.Resampling.BILINEAR,
           'bicubic': Image.Resampling.BICUBIC}
SIZES = [((37, 29), (16, 16)), ((37, 29), (64, 50)), ((8, 8), (32, 32)), ((100, 3), (7, 9)), ((3, 100), (9, 7)),
         ((50, 40), (50, 20)), ((50, 40), (20, 40)), ((50, 40), (50, 90)), ((50, 40), (90, 40)), ((1, 1), (5, 4)),
         ((1, 17), (3, 5)), ((97, 89), (1, 1)), ((97, 89), (2, 3)), ((33, 21), (33, 21)), ((250, 187), (112, 84)),
         ((61, 47), (224, 224)), ((500, 375), (341, 256)), ((301, 9), (100, 10))]


def pixels(n):
    out, state = bytearray(), 12345
    for _ in range(n):
        state = (state * 1664525 + 1013904223) & 0xffffffff
        out.append(255 if state >> 28 == 15 else 0 if state >> 28 == 0 else state >> 24)
    return bytes(out)


def main():
    cases = [(c, s, f, t) for c in (1, 3) for s, t in SIZES for f in FILTERS]
    draw = random.Random(1)
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
        side = lambda: int(2 ** draw.uniform(0, 8.5))
        cases.append((draw.choice((1, 3)), (side(), side()), draw.choice(list(FILTERS)), (side(), side())))
    with open(os.path.join(HERE, 'resize.txt'), 'w') as out:
        for channels, (w, h), name, size in cases:
            image = Image.frombytes('L' if channels == 1 else 'RGB', (w, h), pixels(w * h * channels))
            digest = hashlib.sha256(image.resize(size, FILTERS[name]).tobytes()).hexdigest()
            out.write('%d %d %d %s %d %d %s\n' % (channels, w, h, name, *size, digest))


if __name__ == '__main__':
    main()
