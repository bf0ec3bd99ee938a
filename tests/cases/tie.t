Copies that share their storage:

  $ cat > make.yaml <<END
  > recipe: 1
  > target: {arch: lenet}
  > END
  $ engraft apply make.yaml -o a.pth >/dev/null
  $ cat > target.json <<END
  > {"manifest": 1, "tensors": [
  >   {"name": "embed.weight", "dtype": "F32", "shape": [84, 120]},
  >   {"name": "norm.bias", "dtype": "F32", "shape": [84]},
  >   {"name": "head.weight", "dtype": "F32", "shape": [84, 120]}]}
  > END
  $ cat > tie.yaml <<END
  > recipe: 1
  > source: a.pth
  > target: {manifest: target.json}
  > transfer:
  >   mapping:
  >     - select: ['fc2\..*']
  >     - copy: {match: 'fc2\.weight', to: [embed.weight, head.weight], tie: true}
  >     - rename: {match: 'fc2\.bias', to: norm.bias}
  > END
  $ engraft plan tie.yaml | sed -n '/^copy/,$p'
  copy  copy: 'fc2\.weight' -> 'embed.weight', 'head.weight', tied: equal shape, rule 2  (1)
    embed.weight                                  [84, 120]  trainable
  
  copy  rename: 'fc2\.bias' -> 'norm.bias': equal shape, rule 3  (1)
    norm.bias                                     [84]  trainable
  
  copy  copy: 'fc2\.weight' -> 'embed.weight', 'head.weight', tied: equal shape, rule 2; shares its storage with 'embed.weight'  (1)
    head.weight                                   [84, 120]  trainable
  
  dropped  rule 1 (select: 'fc2\..*')  (8)
    conv[1-2].weight                              [6-16, 1-6, 5, 5]  (2 tensors)
    conv[1-2].bias                                [6-16]  (2 tensors)
    fc{1,3}.weight                                [10-120, 84-400]  (2 tensors)
    fc{1,3}.bias                                  [10-120]  (2 tensors)
  $ engraft apply tie.yaml -o tied.pth
  tied.pth: 3 tensors, 3 loaded, 0 initialised, 0 defaulted; 20244 parameters
  $ engraft apply tie.yaml -o tied.safetensors >/dev/null
  $ sed 's/, tie: true//' tie.yaml > two.yaml
  $ engraft apply two.yaml -o apart.pth >/dev/null
  $ for f in tied.pth tied.safetensors apart.pth; do wc -c < $f; done
  42533
  40872
  83041
  $ engraft inspect tied.pth
  tied.pth: torch-zip
  
  tensor        type  shape         size
  embed.weight  F32   [84, 120]  40.3 kB
  norm.bias     F32   [84]         336 B
  head.weight   F32   [84, 120]  40.3 kB  = embed.weight
  
  3 tensors, 20,244 elements (20,244 F32), 81.0 kB
  $ engraft inspect tied.safetensors --json | grep -c '"name": "head.weight"'
  1
  $ engraft diff tied.pth apart.pth | grep equal
  3 equal

Tied in the source, and separate in the target, is told:

  $ cat > apart.yaml <<END
  > recipe: 1
  > source: tied.pth
  > target: {manifest: target.json}
  > END
  $ engraft plan apart.yaml | sed -n '/^copy/,$p'
  copy  equal name and shape  (2)
    embed.weight                                  [84, 120]  trainable
    norm.bias                                     [84]  trainable
  
  copy  equal name and shape; tied to 'embed.weight' in the source, separate here  (1)
    head.weight                                   [84, 120]  trainable
  $ engraft apply apart.yaml -o apart2.pth >/dev/null
  $ cmp apart.pth apart2.pth

As JSON:

  $ engraft plan tie.yaml --json | grep '"tied"'
        "tied": "embed.weight"

Half frozen, half taken, and half reshaped ties are none:

  $ engraft plan tie.yaml --set 'freeze=[embed.*]' 2>&1 >/dev/null
  tie.yaml:7:7: error: copy: 'fc2\.weight' -> 'embed.weight', 'head.weight', tied: 'embed.weight' is frozen, and 'head.weight', which shares its storage, is not
        - copy: {match: 'fc2\.weight', to: [embed.weight, head.weight], tie: true}
          ^
    > freeze: [{exact: 'embed.weight'}, {exact: 'head.weight'}]
  engraft: the plan is refused: 1 error
  [5]
  $ engraft plan tie.yaml --set 'freeze=[embed.*, head.*]' | head -n 1
  target  target.json: 3 tensors: 3 loaded, 0 initialized, 0 defaulted
  $ engraft plan tie.yaml --set 'transfer.skip=[head.*]' --set 'init=[{match: .*, init: zeros}]' 2>&1 >/dev/null
  tie.yaml:7:7: error: copy: 'fc2\.weight' -> 'embed.weight', 'head.weight', tied: no target tensor takes the copy 'head.weight'
        - copy: {match: 'fc2\.weight', to: [embed.weight, head.weight], tie: true}
          ^
  engraft: the plan is refused: 1 error
  [5]
  $ sed 's/\[84, 120\]}\]/[84, 1, 120]}]/' target.json > other.json
  $ sed 's/target.json/other.json/; $a\    - transform: {match: head.weight, ops: [{unsqueeze: 1}]}' tie.yaml > other.yaml
  $ engraft plan other.yaml 2>&1 >/dev/null
  other.yaml:7:7: error: copy: 'fc2\.weight' -> 'embed.weight', 'head.weight', tied: 'embed.weight' and 'head.weight' cannot share their storage: a later rule or policy has changed one of them
        - copy: {match: 'fc2\.weight', to: [embed.weight, head.weight], tie: true}
          ^
  engraft: the plan is refused: 1 error
  [5]

Learned from an example, too:

  $ engraft infer a.pth tied.pth 2>/dev/null | grep tie:
      - copy: {match: 'weight', tie: true, to: ['embed.weight', 'head.weight']}
  $ engraft infer a.pth apart.pth 2>/dev/null | grep copy:
      - copy: {match: 'weight', to: ['embed.weight', 'head.weight']}

Training would let them drift apart, unless both are frozen:

  $ cat > two.yaml <<END
  > recipe: 1
  > target: {arch: mlp, hidden: [8, 8, 8], num_classes: 2, image_size: 8}
  > END
  $ engraft apply two.yaml -o mlp.pth >/dev/null
  $ cat > train.yaml <<END
  > recipe: 1
  > source: mlp.pth
  > target: {arch: mlp, hidden: [8, 8, 8], num_classes: 2, image_size: 8}
  > transfer:
  >   mapping:
  >     - drop: ['5\.weight']
  >     - copy: {match: '3\.weight', to: [3.weight, 5.weight], tie: true}
  > data:
  >   train:
  >     idx: {images: $ROOT/configs/digits/train-images.idx3-ubyte, labels: $ROOT/configs/digits/train-labels.idx1-ubyte}
  >     classes: ['0', '1']
  >     limit: 20
  > train: {epochs: 1, lr: 0.1, batch_size: 10, seed: 1}
  > END
  $ engraft run train.yaml --out run 2>&1 | grep engraft:
  engraft: train.yaml:5:3: '5.weight' is tied to '3.weight', and training would let them drift apart: freeze both, or leave out 'tie: true'
  $ engraft run train.yaml --out run --set 'freeze=["[35].weight"]' >/dev/null 2>&1
  $ engraft inspect run/best.pth | grep =
    weight  F32   [8, 8]    256 B  = 3.weight
