#!/usr/bin/python3
"""Writes configs/digits: the optical digits of scikit-learn's load_digits (1797 images of 8 x 8, values 0 … 16) as four
idx files; the first 1297 for training, the last 500 for testing, in the set's own order."""
import os
import struct

from sklearn.datasets import load_digits

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'configs', 'digits')
TRAIN = 1297


def write(name, header, body):
    with open(os.path.join(HERE, name), 'wb') as out:
        out.write(struct.pack('>%dI' % len(header), *header) + body)


def main():
    digits = load_digits()
    pixels = [[round(v * 255 / 16) for v in image] for image in digits.data.tolist()]
    labels = digits.target.tolist()
    os.makedirs(HERE, exist_ok=True)
    for name, part in ('train', slice(None, TRAIN)), ('test', slice(TRAIN, None)):
        images, marks = pixels[part], labels[part]
        write(name + '-images.idx3-ubyte', (0x803, len(images), 8, 8), b''.join(map(bytes, images)))
        write(name + '-labels.idx1-ubyte', (0x801, len(marks)), bytes(marks))


if __name__ == '__main__':
    main()
