Quantized weights: shown as integers with their scales, compared with them, and read as the numbers they stand for on request.

  $ cp $DATA/checkpoints/quantized* .
  $ engraft inspect quantized.pth
  quantized.pth: torch-zip
  
  tensor    type  shape         size
  conv
    weight  QI8   [2, 3, 3, 3]  54 B
    bias    F32   [2]            8 B
  fc
    weight  QU8   [2, 2]         4 B
    bias    QI32  [2]            8 B
  
  4 tensors, 62 elements (2 F32, 54 QI8, 4 QU8, 2 QI32), 74 B
  
  Also in the file:
    conv.weight  quantization  2 scales and zero points along axis 0
    fc.weight    quantization  scale 0.02, zero point 100
    fc.bias      quantization  scale 1e-06, zero point 7

PyTorch's own numbers, bit for bit:

  $ engraft convert quantized.pth plain.npz --dequantize
  plain.npz: 4 tensors, 248 B, from quantized.pth (torch-zip)
  $ engraft diff quantized.npz plain.npz
  A  quantized.npz: npz, 4 tensors
  B  plain.npz: npz, 4 tensors
  
  4 equal

Integers alone cannot be written:

  $ engraft convert quantized.pth out.pth
  engraft: out.pth: WR-001: a torch file cannot represent the quantized tensor 'conv.weight'
  [2]

The same integers under another scale are another tensor:

  $ engraft diff quantized.pth quantized-other.pth
  A  quantized.pth: torch-zip, 4 tensors
  B  quantized-other.pth: torch-zip, 4 tensors
  
  3 equal
  1 with another quantization
    fc.weight  QU8  [2, 2]  scale 0.02, zero point 100 \xe2\x86\x92 scale 0.04, zero point 100 (esc)
  engraft: the checkpoints differ: 1 with another quantization
  [6]
  $ engraft diff quantized.pth quantized-other.pth --json 2>/dev/null | grep -A 14 '"quantization",'
        "kind": "quantization",
        "a": {
          "name": "fc.weight",
          "dtype": "QU8",
          "shape": [
            2,
            2
          ],
          "quantization": "scale 0.02, zero point 100"
        },
        "b": {
          "name": "fc.weight",
          "dtype": "QU8",
          "shape": [
            2,
  $ engraft diff quantized.pth quantized-other.pth --dequantize
  A  quantized.pth: torch-zip, 4 tensors
  B  quantized-other.pth: torch-zip, 4 tensors
  
  3 equal
  1 with other values
    fc.weight  F32  [2, 2]  3 of 4 differ, by at most 0.9
  engraft: the checkpoints differ: 1 with other values
  [6]

A recipe must ask for the numbers:

  $ cat >net.yaml <<'X'
  > arch: net
  > args: {num_classes: 2}
  > input: [3, 3, 3]
  > model:
  >   conv: conv2d(2, 3)
  >   flatten: flatten()
  >   fc: linear(num_classes)
  > X
  $ cat >net.recipe.yaml <<'X'
  > recipe: 1
  > source: {checkpoint: quantized.pth}
  > target: {arch: ./net.yaml}
  > X
  $ engraft plan net.recipe.yaml
  target  net: 4 tensors: 4 loaded, 0 initialized, 0 defaulted
  source  4 tensors: 4 used, 0 skipped, 0 dropped, 0 unexpected
  trains  62 of 62 parameters
  costs   0.000116 MFLOP a sample forward, 0.000248 MB of parameters
  
  cast  equal name and shape  (3)
    conv.weight                                   [2, 3, 3, 3]  trainable  QI8 to F32
    fc.weight                                     [2, 2]  trainable  QU8 to F32
    fc.bias                                       [2]  trainable  QI32 to F32
  
  copy  equal name and shape  (1)
    conv.bias                                     [2]  trainable
  net.recipe.yaml:2:9: error: 'conv.weight' is QI8 in the source, which has no conversion to the target's F32
    source: {checkpoint: quantized.pth}
            ^
    > source: {dequantize: true}
  net.recipe.yaml:2:9: error: 'fc.weight' is QU8 in the source, which has no conversion to the target's F32
    source: {checkpoint: quantized.pth}
            ^
    > source: {dequantize: true}
  net.recipe.yaml:2:9: error: 'fc.bias' is QI32 in the source, which has no conversion to the target's F32
    source: {checkpoint: quantized.pth}
            ^
    > source: {dequantize: true}
  engraft: the plan is refused: 3 errors
  [5]
  $ engraft apply net.recipe.yaml --set source.dequantize=true -o model.npz
  model.npz: 4 tensors, 4 loaded, 0 initialised, 0 defaulted; 62 parameters
  $ engraft diff quantized.npz model.npz
  A  quantized.npz: npz, 4 tensors
  B  model.npz: npz, 4 tensors
  
  4 equal

A quantized tensor goes through rules like any other:

  $ cat >cut.recipe.yaml <<'X'
  > recipe: 1
  > source: {checkpoint: quantized.pth, dequantize: true}
  > target: {arch: ./net.yaml, num_classes: 1}
  > transfer: {size_mismatch: overlap}
  > X
  $ engraft apply cut.recipe.yaml -o cut.npz
  cut.npz: 4 tensors, 4 loaded, 0 initialised, 0 defaulted; 59 parameters
  $ engraft diff quantized.npz cut.npz
  A  quantized.npz: npz, 4 tensors
  B  cut.npz: npz, 4 tensors
  
  2 equal
  2 of another shape
    fc.weight  F32  [2, 2] \xe2\x86\x92 [1, 2] (esc)
    fc.bias    F32  [2] \xe2\x86\x92 [1] (esc)
  engraft: the checkpoints differ: 2 of another shape
  [6]
