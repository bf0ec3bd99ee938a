The architectures: which there are, and what one of them is.

  $ engraft arch | grep -E '^(architecture|vgg|lenet)' | sed 's/  */ /'
  architecture variants
  lenet
  vgg vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn

  $ engraft arch lenet
  lenet {num_classes: 10, in_channels: 1, image_size: 28}
  
  layer (name)                                  output                    parameters           FLOPs
  lenet                                         [10]                              --        833.04 k
    conv2d (conv1)                              [6, 28, 28]                      156        235.20 k
    conv2d (conv2)                              [16, 10, 10]                   2,416        480.00 k
    linear (fc1)                                [120]                         48,120         96.00 k
    linear (fc2)                                [84]                          10,164         20.16 k
    linear (fc3)                                [10]                             850          1.68 k
  
  input             [1, 28, 28]
  parameters        61,706
  buffers           0
  multiply-adds     416.52 k (833.04 k FLOPs)
  input size        0.00 MB
  parameters size   0.25 MB
  forward/backward  0.05 MB
  total size        0.30 MB

  $ engraft arch lenet --set num_classes=2 --keys
  conv1.weight  [6, 1, 5, 5]  F32
  conv1.bias  [6]  F32
  conv2.weight  [16, 6, 5, 5]  F32
  conv2.bias  [16]  F32
  fc1.weight  [120, 400]  F32
  fc1.bias  [120]  F32
  fc2.weight  [84, 120]  F32
  fc2.bias  [84]  F32
  fc3.weight  [2, 84]  F32
  fc3.bias  [2]  F32

  $ engraft arch lenet --set image_size=16 --json | head -n 16
  {
    "arch": "lenet",
    "args": "{num_classes: 10, in_channels: 1, image_size: 16}",
    "input": [
      1,
      16,
      16
    ],
    "output": [
      10
    ],
    "parameters": 21386,
    "buffers": 0,
    "flops": 190800.0,
    "modules": [
      {

  $ engraft arch --json | grep -A 4 '"lenet"' | grep -v file
      "arch": "lenet",
      "variants": [],
    },
    {

A file of one's own, and what is wrong with it:

  $ cat >two.yaml <<'X'
  > arch: two
  > args: {width: 3}
  > input: [4]
  > model: [linear(width), relu(), linear(2)]
  > X
  $ engraft arch two.yaml --set width=5 --keys
  0.weight  [5, 4]  F32
  0.bias  [5]  F32
  2.weight  [2, 5]  F32
  2.bias  [2]  F32

  $ engraft arch two.yaml --set widht=5
  --set:1:1: error: the architecture has no argument 'widht' (did you mean 'width'?); it has width
  engraft: the recipe or the architecture is wrong: 1 error
  [4]

  $ engraft arch two.yaml --set width
  engraft: --set width: expected ARGUMENT=VALUE, as in num_classes=10
  [1]

  $ engraft arch vgg99
  engraft: there is no architecture 'vgg99' (did you mean 'vgg19'?)
  [4]

  $ engraft arch --keys
  engraft: --keys and --set need the architecture's name: engraft arch NAME
  [1]
