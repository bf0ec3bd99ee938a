#!/usr/bin/python3
"""Writes small images of every kind to tests/data/images, and digests of what Pillow decodes from them.

    tests/oracle/images.py [FOLDER]

digests.txt has one line a file: name, width, height, SHA-256 of convert('RGB').tobytes(), SHA-256 of convert('L').
With FOLDER (images that are not part of the project: tricky/, hymenoptera/, cifar10-sample/), shared.txt gets one line
a file of tricky/ ("-" where Pillow refuses it), and one line a class folder of the others: folder, number of images,
SHA-256 of the RGB digests (hex, concatenated in the order of the names' bytes)."""
import hashlib
import io
import os
import struct
import sys
import warnings
import zlib

from PIL import Image

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'images')
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def sample(x, y, c, bits):
    """Smooth with a few jumps, so that every filter has something to do."""
    value = (x * 37 + y * 53 + c * 91 + (x // 3) * (y // 2) * 7 + (977 * x * y if (x + y) % 5 == 0 else 0)) * 251
    return value % (1 << bits)


def pack(values, bits):
    out, acc, have = bytearray(), 0, 0
    for v in values:
        acc, have = acc << bits | v, have + bits
        while have >= 8:
            have -= 8
            out.append(acc >> have & 255)
    if have:
        out.append(acc << (8 - have) & 255)
    return bytes(out)


def paeth(a, b, c):
    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filtered(rows, step):
    out, before = bytearray(), None
    for number, row in enumerate(rows):
        up, kind = before or bytes(len(row)), number % 5
        out.append(kind)
        for i, v in enumerate(row):
            a, b, c = row[i - step] if i >= step else 0, up[i], up[i - step] if i >= step else 0
            out.append(v - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind] & 255)
        before = row
    return bytes(out)


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def png(width, height, bits, colour, interlaced=False, palette=None, trns=None, pieces=1):
    n = SAMPLES[colour]
    step = max(1, n * bits // 8)
    data = b''
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        xs, ys = range(x0, width, dx), range(y0, height, dy)
        if xs and ys:
            rows = [pack([sample(x, y, c, bits) for x in xs for c in range(n)], bits) for y in ys]
            data += filtered(rows, step)
    data = zlib.compress(data, 9)
    cuts = [len(data) * i // pieces for i in range(pieces + 1)]
    if pieces > 1:
        cuts = [0, *cuts[:3], *cuts[2:]]  # two empty ones among them
    return (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, colour, 0, 0, interlaced))
            + (chunk(b'gAMA', struct.pack('>I', 45455)))
            + (chunk(b'PLTE', palette) if palette else b'') + (chunk(b'tRNS', trns) if trns else b'')
            + b''.join(chunk(b'IDAT', data[a:b]) for a, b in zip(cuts, cuts[1:]))
            + chunk(b'tEXt', b'Comment\0small') + chunk(b'IEND', b''))


def pngs():
    ramp = bytes((i * 29 + c * 83 + i * i) % 256 for i in range(256) for c in range(3))
    for name, bits, colour, palette in [
            ('gray1', 1, 0, None), ('gray2', 2, 0, None), ('gray4', 4, 0, None), ('gray8', 8, 0, None),
            ('gray16', 16, 0, None), ('rgb8', 8, 2, None), ('rgb16', 16, 2, None), ('palette1', 1, 3, ramp[:6]),
            ('palette2', 2, 3, ramp[:12]), ('palette4', 4, 3, ramp[:30]), ('palette8', 8, 3, ramp[:450]),
            ('graya8', 8, 4, None), ('graya16', 16, 4, None), ('rgba8', 8, 6, None), ('rgba16', 16, 6, None)]:
        yield name + '.png', png(13, 11, bits, colour, False, palette)
        yield name + '-adam7.png', png(13, 11, bits, colour, True, palette)
    yield 'gray8-trns.png', png(5, 4, 8, 0, trns=b'\0\x25')
    yield 'gray16-trns.png', png(5, 4, 16, 0, trns=b'\x01\x25')
    yield 'rgb8-trns.png', png(5, 4, 8, 2, trns=b'\0\x25\0\x35\0\x45')
    yield 'palette8-trns.png', png(5, 4, 8, 3, False, ramp, bytes(range(0, 256, 3)))
    yield 'rgb8-pieces.png', png(9, 7, 8, 2, pieces=9)
    yield 'one.png', png(1, 1, 8, 2)
    yield 'one-adam7.png', png(1, 1, 8, 6, True)
    yield 'thin-adam7.png', png(3, 17, 4, 0, True)
    yield 'flat-adam7.png', png(21, 2, 1, 3, True, ramp[:6])


def picture(mode, width, height):
    n = len(mode)
    data = bytes((x * (9 + 4 * c) + y * (5 + 3 * c) + (90 if (x // 5 + y // 4) % 3 == c % 3 else 0)) % 256
                 for y in range(height) for x in range(width) for c in range(n))
    return Image.frombytes(mode, (width, height), data)


def jpeg(mode, width=37, height=29, **options):
    out = io.BytesIO()
    picture(mode, width, height).save(out, 'JPEG', **options)
    return out.getvalue()


def with_adobe(data, transform):
    """The same data under another Adobe marker (APP14), which says what the components mean."""
    at = data.find(b'\xff\xee\x00\x0eAdobe')
    if at >= 0:
        data = data[:at] + data[at + 16:]
    if data[2:4] == b'\xff\xe0':
        data = data[:2] + data[4 + struct.unpack('>H', data[4:6])[0]:]
    return data[:2] + b'\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0' + bytes([transform]) + data[2:]


def jpegs():
    yield 'gray.jpg', jpeg('L', quality=80)
    yield 'gray-progressive.jpg', jpeg('L', quality=60, progressive=True)
    yield '444.jpg', jpeg('RGB', quality=90, subsampling=0)
    yield '422.jpg', jpeg('RGB', quality=75, subsampling=1)
    yield '420.jpg', jpeg('RGB', quality=75, subsampling=2)
    yield '420-progressive.jpg', jpeg('RGB', quality=40, subsampling=2, progressive=True)
    yield '420-thin.jpg', jpeg('RGB', 1, 19, quality=75, subsampling=2)
    yield '420-one.jpg', jpeg('RGB', 1, 1, quality=75, subsampling=2)
    yield 'rgb.jpg', with_adobe(jpeg('RGB', quality=80, subsampling=0), 0)
    yield 'cmyk.jpg', jpeg('CMYK', quality=80)
    yield 'ycck.jpg', with_adobe(jpeg('CMYK', quality=80), 2)
    plain = jpeg('RGB', quality=50, subsampling=2)
    yield 'comment.jpg', plain[:2] + b'\xff\xff\xfe\x00\x07hello' + plain[2:]


def digest(path, mode):
    with Image.open(path) as image:
        return hashlib.sha256(image.convert(mode).tobytes()).hexdigest()


def describe(path):
    try:
        with Image.open(path) as image:
            return '%d %d %s %s' % (*image.size, digest(path, 'RGB'), digest(path, 'L'))
    except OSError:
        return '0 0 - -'


def shared_lines(root):
    for name in sorted(os.listdir(os.path.join(root, 'tricky')), key=os.fsencode):
        if name.endswith(('.png', '.jpg')):
            yield 'tricky/%s %s\n' % (name, describe(os.path.join(root, 'tricky', name)))
    for folder in 'hymenoptera', 'cifar10-sample':
        for at, inner, names in sorted(os.walk(os.path.join(root, folder))):
            names = sorted((n for n in names if n.lower().endswith(('.jpg', '.jpeg', '.png'))), key=os.fsencode)
            if names and not inner:
                whole = ''.join(digest(os.path.join(at, n), 'RGB') for n in names)
                yield '%s %d %s\n' % (os.path.relpath(at, root), len(names), hashlib.sha256(whole.encode()).hexdigest())


def main():
    warnings.simplefilter('ignore')
    os.makedirs(HERE, exist_ok=True)
    lines = []
    for name, data in [*pngs(), *jpegs()]:
        with open(os.path.join(HERE, name), 'wb') as out:
            out.write(data)
        lines.append('%s %s\n' % (name, describe(os.path.join(HERE, name))))
    with open(os.path.join(HERE, 'digests.txt'), 'w') as out:
        out.writelines(lines)
    if len(sys.argv) > 1:
        with open(os.path.join(HERE, 'shared.txt'), 'w') as out:
            out.writelines(shared_lines(sys.argv[1]))


if __name__ == '__main__':
    main()
