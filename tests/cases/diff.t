Two checkpoints compared by names, shapes and values; what has another name is found by its content.

  $ cat >net.yaml <<'X'
  > arch: net
  > args: {num_classes: 4, body: features}
  > input: [3, 8, 8]
  > model:
  >   features:
  >     - for i in range(3): "conv2d(8, 3, padding=1)"
  >   bn: batch_norm2d()
  >   flatten: flatten()
  >   fc: linear(num_classes)
  > X
  $ sed 's/arch: net/arch: other/; s/features:/body:/; s/fc:/head:/' net.yaml >other.yaml
  $ cat >net.recipe.yaml <<'X'
  > recipe: 1
  > target: {arch: ./net.yaml}
  > X
  $ engraft apply net.recipe.yaml -o net.pth
  net.pth: 13 tensors, 0 loaded, 13 initialised, 0 defaulted; 3460 parameters
  $ cp net.pth copy.pth

Equal:

  $ engraft diff net.pth copy.pth
  A  net.pth: torch-zip, 13 tensors
  B  copy.pth: torch-zip, 13 tensors
  
  13 equal

DataParallel's prefix, a bottom-up rename, a new head:

  $ cat >other.recipe.yaml <<'X'
  > recipe: 1
  > source: {checkpoint: net.pth}
  > target: {arch: ./other.yaml, num_classes: 2}
  > transfer:
  >   mapping:
  >     - rename: {match: 'features\.(.*)', to: 'body.\1'}
  >     - drop: 'fc\..*'
  >   skip: ['head\..*']
  > output: {add_prefix: module.}
  > X
  $ engraft apply other.recipe.yaml -o other.pth
  other.pth: 13 tensors, 11 loaded, 2 initialised, 0 defaulted; 2434 parameters
  $ engraft diff net.pth other.pth
  A  net.pth: torch-zip, 13 tensors
  B  other.pth: torch-zip, 13 tensors
  
  11 renamed, with the same content
    features.\xe2\x80\xa6 \xe2\x86\x92 module.body.\xe2\x80\xa6  \xc3\x976 (esc)
    \xe2\x80\xa6 \xe2\x86\x92 module.\xe2\x80\xa6                \xc3\x975 (esc)
  2 only in A
    fc.weight  F32  [4, 512]
    fc.bias    F32  [4]
  2 only in B
    module.head.weight  F32  [2, 512]
    module.head.bias    F32  [2]
  engraft: the checkpoints differ: 11 renamed, with the same content, 2 only in A, 2 only in B
  [6]

Other values in every layer of a kind, and another shape:

  $ cat >touched.recipe.yaml <<'X'
  > recipe: 1
  > source: {checkpoint: net.pth}
  > target: {arch: ./net.yaml, num_classes: 3}
  > transfer:
  >   skip: ['fc\..*', 'features\.[02]\.bias']
  > init:
  >   - {match: '.*bias', init: constant, value: 2}
  > X
  $ engraft apply touched.recipe.yaml -o touched.pth
  touched.pth: 13 tensors, 9 loaded, 4 initialised, 0 defaulted; 2947 parameters
  $ engraft diff net.pth touched.pth
  A  net.pth: torch-zip, 13 tensors
  B  touched.pth: torch-zip, 13 tensors
  
  9 equal
  2 with other values
    features.{0,2}.bias  F32  [8]  \xc3\x972  16 of 16 differ, by at most 2.12 (esc)
  2 of another shape
    fc.weight  F32  [4, 512] \xe2\x86\x92 [3, 512] (esc)
    fc.bias    F32  [4] \xe2\x86\x92 [3] (esc)
  engraft: the checkpoints differ: 2 with other values, 2 of another shape
  [6]

  $ engraft diff touched.pth other.pth --json 2>/dev/null | head -n 31
  {
    "equal": false,
    "same_order": true,
    "a": {
      "file": "touched.pth",
      "format": "torch-zip",
      "state_dict": "",
      "tensors": 13
    },
    "b": {
      "file": "other.pth",
      "format": "torch-zip",
      "state_dict": "",
      "tensors": 13
    },
    "summary": {
      "equal": 0,
      "renamed": 9,
      "values": 0,
      "quantization": 0,
      "dtype": 0,
      "shape": 0,
      "only_a": 4,
      "only_b": 4
    },
    "differences": [
      {
        "kind": "renamed",
        "a": {
          "name": "features.0.weight",
          "dtype": "F32",

What cannot be opened is no difference:

  $ engraft diff net.pth nowhere.pth
  engraft: nowhere.pth: cannot open the file: No such file or directory
  [7]

  $ engraft diff net.pth
  engraft: usage: engraft diff A B [OPTION]...
  [1]
