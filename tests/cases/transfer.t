A model under DataParallel, made without a source:

  $ cat > make.yaml <<END
  > recipe: 1
  > target: {arch: lenet}
  > output: {checkpoint: dp.pth, add_prefix: module.}
  > END
  $ engraft run make.yaml >/dev/null 2>&1

A recipe to start from:

  $ engraft init dp.pth --arch lenet --set num_classes=3 --out r.yaml
  $ cat r.yaml
  # Planned and accepted as it stands; add `freeze`, `data` and `train` for fine-tuning.
  recipe: 1
  source:
    checkpoint: 'dp.pth'
  target: {arch: lenet, num_classes: 3}
  transfer:
    mapping:
      - strip_prefix: module.
    skip: ['fc3\..*']
    expect: {loaded: 8, initialized: 2}
  $ engraft init dp.pth
  engraft: --arch NAME is missing: the network that the weights go to
  [1]
  $ engraft plan r.yaml
  target  lenet: 10 tensors: 8 loaded, 2 initialized, 0 defaulted
  source  10 tensors: 8 used, 2 skipped, 0 dropped, 0 unexpected
  trains  61111 of 61111 parameters
  costs   0.832 MFLOP a sample forward, 0.244 MB of parameters
  
  rules
    1. strip_prefix: module.                               10 names
  
  copy  strip_prefix: module.: equal shape, rule 1  (8)
    conv[1-2].weight                              [6-16, 1-6, 5, 5]  trainable  (2 tensors)
    conv[1-2].bias                                [6-16]  trainable  (2 tensors)
    fc[1-2].weight                                [84-120, 120-400]  trainable  (2 tensors)
    fc[1-2].bias                                  [84-120]  trainable  (2 tensors)
  
  init  skip: 'fc3\..*': skipped  (2)
    fc3.weight                                    [3, 84]  trainable  kaiming_uniform
    fc3.bias                                      [3]  trainable  uniform
  
  skipped  skip: 'fc3\..*'  (2)
    module.fc3.weight                             [10, 84]
    module.fc3.bias                               [10]

The keys of the model, of the file, and those that are taken, each in the order that PyTorch's state dict has:

  $ engraft plan r.yaml --keys
  model (10 keys)
    conv1.weight
    conv1.bias
    conv2.weight
    conv2.bias
    fc1.weight
    fc1.bias
    fc2.weight
    fc2.bias
    fc3.weight
    fc3.bias
  pretrained (10 keys)
    module.conv1.weight
    module.conv1.bias
    module.conv2.weight
    module.conv2.bias
    module.fc1.weight
    module.fc1.bias
    module.fc2.weight
    module.fc2.bias
    module.fc3.weight
    module.fc3.bias
  transferred (8 keys)
    module.conv1.weight -> conv1.weight
    module.conv1.bias -> conv1.bias
    module.conv2.weight -> conv2.weight
    module.conv2.bias -> conv2.bias
    module.fc1.weight -> fc1.weight
    module.fc1.bias -> fc1.bias
    module.fc2.weight -> fc2.weight
    module.fc2.bias -> fc2.bias

The life of a tensor, in both directions:

  $ engraft explain r.yaml module.conv1.weight
  source  module.conv1.weight  F32 [6, 1, 5, 5]
    rule 1  strip_prefix: module.
            module.conv1.weight -> conv1.weight
    used  rule 1 (strip_prefix: module.)
  target  conv1.weight  F32 [6, 1, 5, 5]  trainable
    copy  strip_prefix: module.: equal shape, rule 1
  $ engraft explain r.yaml fc3.weight
  source  module.fc3.weight  F32 [10, 84]
    rule 1  strip_prefix: module.
            module.fc3.weight -> fc3.weight
    skipped  skip: 'fc3\..*'
  target  fc3.weight  F32 [3, 84]  trainable
    init  skip: 'fc3\..*': skipped
    drawn: kaiming_uniform
  $ engraft explain r.yaml conv1.wieght
  engraft: neither source nor target has a tensor 'conv1.wieght'; did you mean 'conv1.weight'?
  [1]

Recipes laid over each other, with variables; each problem names the file that it is in:

  $ cat > over.yaml <<END
  > extends: r.yaml
  > vars: {kept: 'conv\d\..*'}
  > transfer: {+skip: ['fc2\..*'], -expect: }
  > freeze: ['\${kept}']
  > END
  $ engraft plan over.yaml | head -n 3
  target  lenet: 10 tensors: 6 loaded, 4 initialized, 0 defaulted
  source  10 tensors: 6 used, 4 skipped, 0 dropped, 0 unexpected
  trains  58539 of 61111 parameters
  $ engraft plan over.yaml --set vars.kept=convv
  target  lenet: 10 tensors: 6 loaded, 4 initialized, 0 defaulted
  source  10 tensors: 6 used, 4 skipped, 0 dropped, 0 unexpected
  trains  61111 of 61111 parameters
  costs   0.832 MFLOP a sample forward, 0.244 MB of parameters
  
  rules
    1. strip_prefix: module.                               10 names
  
  copy  strip_prefix: module.: equal shape, rule 1  (6)
    conv[1-2].weight                              [6-16, 1-6, 5, 5]  trainable  (2 tensors)
    conv[1-2].bias                                [6-16]  trainable  (2 tensors)
    fc1.weight                                    [120, 400]  trainable
    ... and 1 more, the last fc1.bias
  
  init  skip: 'fc2\..*': skipped  (2)
    fc2.weight                                    [84, 120]  trainable  kaiming_uniform
    fc2.bias                                      [84]  trainable  uniform
  
  init  skip: 'fc3\..*': skipped  (2)
    fc3.weight                                    [3, 84]  trainable  kaiming_uniform
    fc3.bias                                      [3]  trainable  uniform
  
  skipped  skip: 'fc2\..*'  (2)
    module.fc2.weight                             [84, 120]
    module.fc2.bias                               [84]
  
  skipped  skip: 'fc3\..*'  (2)
    module.fc3.weight                             [10, 84]
    module.fc3.bias                               [10]
  over.yaml:4:10: error: freeze 'convv' matches no target tensor (patterns match whole names); the nearest is 'conv1'
    freeze: ['${kept}']
             ^
    > freeze: ['conv1\..*']
  engraft: the plan is refused: 1 error
  [5]
  $ engraft plan over.yaml --set transfer.skip=null --set transfer.size_mismatch=overlap | grep -A 2 overlap
  transform  size_mismatch: overlap: source [10, 84] to target [3, 84]  (1)
    fc3.weight                                    [3, 84]  trainable
  
  transform  size_mismatch: overlap: source [10] to target [3]  (1)
    fc3.bias                                      [3]  trainable

Verbs that make one tensor of several, and several of one:

  $ cat > verbs.yaml <<END
  > recipe: 1
  > source: dp.pth
  > target: {arch: lenet, num_classes: 10}
  > transfer:
  >   mapping:
  >     - use: wrappers@1
  >     - split: {match: 'fc3\.weight', dim: 0, to: [a.0, a.1]}
  >     - stack: {match: 'a\.(\d)', index: 1, dim: 0, to: b}
  >     - transform: {match: b, ops: [{flatten: 2}, {transpose: [0, 1]}, {transpose: [0, 1]}]}
  >     - split: {match: b, dim: 0, to: [c.0, c.1]}
  >     - transform: {match: 'c\..', ops: [{squeeze: 0}]}
  >     - concat: {match: 'c\.(\d)', group: 1, order: ['0', '1'], dim: 0, to: fc3.weight}
  > output: {checkpoint: same.pth}
  > END
  $ engraft plan verbs.yaml | sed -n '/^rules/,/^$/p'
  rules
    1. strip_prefix: [module., _orig_mod.]                 10 names
    2. split: 'fc3\.weight' -> 'a.0', 'a.1'                2 names
    3. stack: 'a\.(\d)' -> 'b'                             1 name
    4. transform: 'b', flatten, transpose, transpose       1 name
    5. split: 'b' -> 'c.0', 'c.1'                          2 names
    6. transform: 'c\..', squeeze                          2 names
    7. concat: 'c\.(\d)' -> 'fc3.weight'                   1 name
  
  $ engraft explain verbs.yaml fc3.weight
  source  module.fc3.weight  F32 [10, 84]
    rule 1  strip_prefix: [module., _orig_mod.]
            module.fc3.weight -> fc3.weight
    rule 2  split: 'fc3\.weight' -> 'a.0', 'a.1'
            fc3.weight -> a.0 [5, 84]
    rule 2  split: 'fc3\.weight' -> 'a.0', 'a.1'
            fc3.weight -> a.1 [5, 84]
    rule 3  stack: 'a\.(\d)' -> 'b'
            a.0 -> b [2, 5, 84]
    rule 3  stack: 'a\.(\d)' -> 'b'
            a.1 -> b [2, 5, 84]
    rule 4  transform: 'b', flatten, transpose, transpose
            b becomes [2, 5, 84]
    rule 5  split: 'b' -> 'c.0', 'c.1'
            b -> c.0 [1, 5, 84]
    rule 5  split: 'b' -> 'c.0', 'c.1'
            b -> c.1 [1, 5, 84]
    rule 6  transform: 'c\..', squeeze
            c.0 becomes [5, 84]
    rule 6  transform: 'c\..', squeeze
            c.1 becomes [5, 84]
    rule 7  concat: 'c\.(\d)' -> 'fc3.weight'
            c.0 -> fc3.weight [10, 84]
    rule 7  concat: 'c\.(\d)' -> 'fc3.weight'
            c.1 -> fc3.weight [10, 84]
    used  rule 7 (concat: 'c\.(\d)' -> 'fc3.weight')
  target  fc3.weight  F32 [10, 84]  trainable
    transform  concat: 'c\.(\d)' -> 'fc3.weight': equal shape, rule 7
  $ engraft run verbs.yaml >/dev/null 2>&1
  $ engraft inspect dp.pth --json --digest | grep sha256 > before
  $ engraft inspect same.pth --json --digest | grep sha256 > after
  $ cmp before after

A manifest is enough to plan, and not to apply:

  $ engraft inspect dp.pth --manifest > dp.json
  $ head -n 6 dp.json
  {
    "manifest": 1,
    "file": "dp.pth",
    "format": "torch-zip",
    "state_dict": "",
    "tensors": [
  $ engraft plan r.yaml --set source.checkpoint=dp.json | head -n 2
  target  lenet: 10 tensors: 8 loaded, 2 initialized, 0 defaulted
  source  10 tensors: 8 used, 2 skipped, 0 dropped, 0 unexpected
  $ engraft run r.yaml --set source.checkpoint=dp.json
  plan       10 tensors: 8 loaded, 2 initialised, 0 defaulted; 61111 of 61111 parameters train
  engraft: 'dp.json' is a manifest: names and shapes without values, enough to plan; name the checkpoint itself to go on
  [7]
  $ echo '{"manifest": 1, "tensors": [{"name": "a", "dtype": "F33", "shape": []}]}' > bad.json
  $ engraft plan r.yaml --set source.checkpoint=bad.json
  engraft: bad.json:1:52: not a manifest: expected a dtype such as "F32"
  [2]
