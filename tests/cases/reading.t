How a file is read can be said on the command line: which state dict, and what may be let pass.

  $ cp "$DATA/checkpoints/training.pth" .
  $ engraft inspect training.pth
  engraft: training.pth: SEL-001: several state dicts: model (6 tensors), ema (6 tensors); set `state_dict:` in the recipe (on the command line: --state-dict PATH)
  [4]
  $ engraft inspect training.pth --state-dict model | tail -n 2
    optimizer  dict   2 items, 1 tensor
    best       float  0.75
  $ engraft diff training.pth training.pth --state-dict ema | tail -n 1
  6 equal

A record whose CRC is wrong:

  $ cat >net.yaml <<'X'
  > arch: net
  > args: {num_classes: 2}
  > input: [1, 4, 4]
  > model:
  >   conv: conv2d(2, 3)
  >   bn: batch_norm2d()
  >   flatten: flatten()
  >   fc: linear(num_classes)
  > X
  $ cat >net.recipe.yaml <<'X'
  > recipe: 1
  > target: {arch: ./net.yaml}
  > X
  $ engraft apply net.recipe.yaml -o net.pth | cut -d : -f 1
  net.pth
  $ cp net.pth crc.pth
  $ offset=$(grep -abo 'archive/data/0' crc.pth | tail -n 1 | cut -d : -f 1)
  $ printf '\001' | dd of=crc.pth bs=1 seek=$((offset - 30)) conv=notrunc 2>/dev/null
  $ engraft convert crc.pth out.pth 2>why
  [2]
  $ sed 's/is [0-9a-f]*, expected [0-9a-f]*/is X, expected Y/' why
  engraft: crc.pth: ZIP-011: entry 'archive/data/0': CRC-32 is X, expected Y
  $ engraft convert crc.pth out.npz --no-verify >/dev/null 2>&1
  $ engraft diff net.pth out.npz | tail -n 2
  9 equal
  B has no module versions (`_metadata`)

A small pickle may be all that is wanted:

  $ engraft inspect net.pth --max-pickle 100
  engraft: net.pth: ZIP-010: entry 'archive/data.pkl' expands to more than 100 bytes
  [2]
  $ engraft inspect net.pth --max-pickle 1M | tail -n 1
  9 tensors, 47 elements (46 F32, 1 I64), 192 B
  $ engraft inspect net.pth --max-pickle 12Q
  engraft: --max-pickle is '12Q'; expected a size such as 1000, 64K, 512M or 2G
  [1]
  $ engraft inspect net.pth --max-pickle -1
  engraft: --max-pickle is '-1'; expected a size such as 1000, 64K, 512M or 2G
  [1]

A tensor that repeats its storage far beyond what it holds (the shape alone is shown):

  $ cp "$DATA/checkpoints/expanded.pth" .
  $ engraft inspect expanded.pth
  engraft: expanded.pth: TEN-008: tensor 'w' would expand to 17179869184 bytes from 4; refusing (--allow-expand)
  [2]
  $ engraft inspect expanded.pth --allow-expand
  expanded.pth: torch-zip
  
  tensor  type  shape               size
  w       F32   [1048576, 4096]  17.2 GB
  
  1 tensor, 4,294,967,296 elements (4,294,967,296 F32), 17.2 GB

A pickle without tensors:

  $ printf '\200\002}(X\005\000\000\000epochK\003X\005\000\000\000names]K\001au.' >plain.pkl
  $ engraft inspect plain.pkl
  engraft: plain.pkl: FMT-003: bare pickle without tensor storage; refusing (use --allow-bare-pickle to inspect)
  [2]
  $ engraft inspect plain.pkl --allow-bare-pickle
  plain.pkl: pickle
  
  no tensors
  
  Also in the file:
    epoch  int   3
    names  list  1 item
  $ engraft convert plain.pkl out.pth
  engraft: plain.pkl: FMT-003: bare pickle without tensor storage; refusing (use --allow-bare-pickle to inspect)
  [2]

Nothing in it is executed, whatever it names:

  $ printf '\200\002cposix\nsystem\nX\014\000\000\000touch hackedq\000\205R.' >evil.pkl
  $ engraft inspect evil.pkl
  engraft: evil.pkl: PKL-013: UNSAFE: the file references posix.system (offset 2); a Python loader could execute it
  [3]
  $ engraft inspect evil.pkl --allow-bare-pickle
  evil.pkl: pickle
  
  no tensors
  
  Also in the file:
    value  posix.system  
  
  A Python loader would import (engraft does not):
    posix.system  (offset 2)  UNSAFE: it could execute code
  $ test -e hacked
  [1]
