Recipes learned from an example. A network's own checkpoint, and the same under other names:

  $ cat > make.yaml <<END
  > recipe: 1
  > target: {arch: lenet}
  > END
  $ engraft apply make.yaml -o a.pth >/dev/null
  $ cat > wrap.yaml <<END
  > recipe: 1
  > source: a.pth
  > target: {arch: lenet}
  > output: {add_prefix: module.}
  > END
  $ engraft apply wrap.yaml -o dp.pth >/dev/null

DataParallel, off and on:

  $ engraft infer dp.pth a.pth
  reproduces a.pth: 10 of 10 tensors
  # Learned from 'dp.pth' and 'a.pth': reproduces 10 of 10 tensors of the second.
  recipe: 1
  source:
    checkpoint: 'dp.pth'
  target: {manifest: 'a.pth'}
  transfer:
    mapping:
      - strip_prefix: 'module.'
    expect: {loaded: 10, initialized: 0}
  $ engraft infer a.pth dp.pth -o on.yaml
  reproduces dp.pth: 10 of 10 tensors
  $ cat on.yaml
  # Learned from 'a.pth' and 'dp.pth': reproduces 10 of 10 tensors of the second.
  recipe: 1
  source:
    checkpoint: 'a.pth'
  target: {manifest: 'dp.pth'}
  transfer:
    mapping:
      - add_prefix: 'module.'
    expect: {loaded: 10, initialized: 0}
  $ engraft apply on.yaml -o dp2.pth
  dp2.pth: 10 tensors, 10 loaded, 0 initialised, 0 defaulted; 61706 parameters
  $ engraft diff dp.pth dp2.pth | grep equal
  10 equal

Nothing to do is no rule:

  $ engraft infer a.pth a.pth -o same.yaml
  reproduces a.pth: 10 of 10 tensors
  $ grep -c mapping same.yaml
  0
  [1]

A target that is a network, not a manifest:

  $ engraft infer dp.pth a.pth --arch lenet 2>/dev/null | sed -n '/^target/,$p'
  target: {arch: lenet}
  transfer:
    mapping:
      - strip_prefix: 'module.'
    expect: {loaded: 10, initialized: 0}
  $ engraft infer dp.pth a.pth --arch lenet --set num_classes=3 2>/dev/null | sed -n '/^#/p; /skip/p'
  # Learned from 'dp.pth' and 'a.pth': reproduces 8 of 10 tensors of the second.
  # From nothing of the first file, drawn afresh (2):
  #   fc3.weight
  #   fc3.bias
    skip: ['fc3\..*']

Other names, another stem, and a head that only one of them has:

  $ engraft inspect a.pth --manifest | sed 's/"conv/"features./; s/"fc3/"head/; s/"fc/"dense_/' > b.json
  $ cat > names.yaml <<END
  > recipe: 1
  > source: a.pth
  > target: {manifest: b.json}
  > transfer:
  >   mapping:
  >     - drop: ['fc3\..*']
  >     - rename: [{match: 'conv(.*)', to: 'features.\1'}, {match: 'fc(.*)', to: 'dense_\1'}]
  >   skip: ['head\..*']
  > init: [{match: 'head\.weight', init: constant, value: 0.5}, {match: '.*', init: normal, std: 1}]
  > END
  $ engraft apply names.yaml -o b.pth
  b.pth: 10 tensors, 8 loaded, 2 initialised, 0 defaulted; 61706 parameters
  $ engraft infer a.pth b.pth 2>/dev/null
  # Learned from 'a.pth' and 'b.pth': reproduces 9 of 10 tensors of the second.
  # From nothing of the first file, drawn afresh (2):
  #   head.weight
  #   head.bias
  # Of the first file, not taken (2):
  #   fc3.weight
  #   fc3.bias
  recipe: 1
  source:
    checkpoint: 'a.pth'
  target: {manifest: 'b.pth'}
  transfer:
    mapping:
      - drop: ['fc3\..*']
      - rename: {match: 'conv(\d+)\.(.*)', to: 'features.\1.\2'}
      - rename: {match: 'fc(\d+)\.(.*)', to: 'dense_\1.\2'}
    skip: ['head\..*']
    expect: {loaded: 8, initialized: 2}
  init:
    - {match: '.*\.weight', init: constant, value: 0.5}
    - {match: '.*\.bias', init: zeros}

The recipe is applied before it is shown, and to the same end afterwards:

  $ engraft infer a.pth b.pth -o ab.yaml
  reproduces b.pth: 9 of 10 tensors
  $ engraft apply ab.yaml -o b2.pth >/dev/null
  $ engraft diff b.pth b2.pth | sed -n "/differ, by/p"
  engraft: the checkpoints differ: 1 with other values
    head.bias  F32  [10]  10 of 10 differ, by at most 1.98
  $ engraft infer a.pth b2.pth 2>/dev/null | sed '/^#/d; /manifest/d' > second
  $ sed '/^#/d; /manifest/d' ab.yaml | cmp - second

As JSON:

  $ engraft infer a.pth b.pth --json | sed '/"recipe"/d'
  {
    "ok": true,
    "tensors": 10,
    "reproduced": 9,
    "rules": 3,
    "drawn": [
      "head.weight",
      "head.bias"
    ],
    "dropped": [
      "fc3.weight",
      "fc3.bias"
    ],
    "differing": [],
  }

Files with nothing in common:

  $ engraft apply make.yaml -o fresh.pth --set 'init=[{match: .*, init: normal, std: 0.3}]' >/dev/null
  $ engraft infer fresh.pth a.pth
  engraft: no tensor of 'a.pth' comes from 'fresh.pth': nothing is alike in content
  [6]

What a shipped dialect says, it says:

  $ cat > msra.json <<END
  > {"manifest": 1, "tensors": [
  >   {"name": "conv1_w", "dtype": "F32", "shape": [6, 1, 5, 5]}, {"name": "res2_0_branch2a_w", "dtype": "F32", "shape": [16, 6, 5, 5]},
  >   {"name": "pred_w", "dtype": "F32", "shape": [10, 84]}, {"name": "pred_b", "dtype": "F32", "shape": [10]}]}
  > END
  $ sed 's/pred_w/fc.weight/; s/pred_b/fc.bias/; s/conv1_w/conv1.weight/; s/res2_0_branch2a_w/layer1.0.conv1.weight/' msra.json > resnet.json
  $ cat > msra.yaml <<END
  > recipe: 1
  > source: a.pth
  > target: {manifest: msra.json}
  > transfer:
  >   mapping:
  >     - select: ['conv.*weight', 'fc3.*']
  >     - rename: [{match: conv1.weight, to: conv1_w}, {match: conv2.weight, to: res2_0_branch2a_w}, {match: fc3.weight, to: pred_w}, {match: fc3.bias, to: pred_b}]
  > END
  $ engraft apply msra.yaml -o msra.pth >/dev/null
  $ engraft apply msra.yaml -o resnet.pth --set target.manifest=resnet.json --set 'transfer.mapping=[select: [conv.*weight, fc3.*], rename: [{match: conv2.weight, to: layer1.0.conv1.weight}, {match: fc3.weight, to: fc.weight}, {match: fc3.bias, to: fc.bias}]]' >/dev/null
  $ engraft infer msra.pth resnet.pth
  reproduces resnet.pth: 4 of 4 tensors
  # Learned from 'msra.pth' and 'resnet.pth': reproduces 4 of 4 tensors of the second.
  recipe: 1
  source:
    checkpoint: 'msra.pth'
  target: {manifest: 'resnet.pth'}
  transfer:
    mapping:
      - use: msra-resnet@1
    expect: {loaded: 4, initialized: 0}
