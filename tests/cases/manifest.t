Manifests: names, dtypes and shapes, 20 kB in the place of 500 MB, on either side of a plan.

  $ cat > make.yaml <<END
  > recipe: 1
  > target: {arch: lenet}
  > END
  $ engraft apply make.yaml -o a.pth
  a.pth: 10 tensors, 0 loaded, 10 initialised, 0 defaulted; 61706 parameters
  $ engraft inspect a.pth --manifest > a.json

A target that is a manifest, or a checkpoint that serves as one, needs no network:

  $ cat > copy.yaml <<END
  > recipe: 1
  > source: a.pth
  > target: {manifest: a.json}
  > END
  $ engraft plan copy.yaml
  target  a.json: 10 tensors: 10 loaded, 0 initialized, 0 defaulted
  source  10 tensors: 10 used, 0 skipped, 0 dropped, 0 unexpected
  trains  61706 of 61706 parameters
  
  copy  equal name and shape  (10)
    conv[1-2].weight                              [6-16, 1-6, 5, 5]  trainable  (2 tensors)
    conv[1-2].bias                                [6-16]  trainable  (2 tensors)
    fc[1-3].weight                                [10-120, 84-400]  trainable  (3 tensors)
    fc[1-3].bias                                  [10-120]  trainable  (3 tensors)
  $ engraft plan copy.yaml --set target.manifest=a.pth | head -n 1
  target  a.pth: 10 tensors: 10 loaded, 0 initialized, 0 defaulted
  $ engraft apply copy.yaml -o b.pth
  b.pth: 10 tensors, 10 loaded, 0 initialised, 0 defaulted; 61706 parameters
  $ engraft diff a.pth b.pth | grep equal
  10 equal

Both sides at once; only applying needs the values:

  $ engraft plan copy.yaml --set source.checkpoint=a.json | head -n 2
  target  a.json: 10 tensors: 10 loaded, 0 initialized, 0 defaulted
  source  10 tensors: 10 used, 0 skipped, 0 dropped, 0 unexpected
  $ engraft apply copy.yaml --set source.checkpoint=a.json -o c.pth
  engraft: 'a.json' is a manifest: names and shapes without values, enough to plan; name the checkpoint itself to go on
  [7]

What is drawn afresh needs an init, as nothing is known of the layers:

  $ engraft apply copy.yaml --set 'transfer.skip=[fc3\..*]' -o c.pth
  --set transfer.skip=[fc3\..*]: error: 2 tensors are drawn afresh, and a manifest does not say how: fc3.weight, fc3.bias
    > init: [{match: {exact: 'fc3.weight'}, init: zeros}]
  engraft: the plan is refused: 1 error
  [5]
  $ cat > fresh.yaml <<END
  > recipe: 1
  > source: a.pth
  > target: {manifest: a.json}
  > transfer: {skip: ['fc3\..*']}
  > init:
  >   - {match: 'fc3\.weight', init: kaiming_uniform}
  >   - {match: 'fc3\.bias', init: zeros}
  > END
  $ engraft apply fresh.yaml -o c.pth
  c.pth: 10 tensors, 8 loaded, 2 initialised, 0 defaulted; 61706 parameters
  $ engraft apply fresh.yaml -o c.pth --set 'init=[{match: .*bias, init: xavier_normal}]'
  --set init=[{match: .*bias, init: xavier_normal}]: error: init '.*bias': fc3.bias has no fan for kaiming or xavier to scale by; use normal, uniform or constant
  fresh.yaml:4:11: error: 2 tensors are drawn afresh, and a manifest does not say how: fc3.weight, fc3.bias
    transfer: {skip: ['fc3\..*']}
              ^
    > init: [{match: {exact: 'fc3.weight'}, init: zeros}]
  engraft: the plan is refused: 2 errors
  [5]

There is nothing to train or evaluate:

  $ engraft run copy.yaml
  engraft: copy.yaml:3:9: target.manifest is names and shapes without a network: `engraft plan` and `engraft apply` are what there is; name the network with target.arch to go on
  [4]
  $ engraft eval copy.yaml
  engraft: copy.yaml:3:9: target.manifest is names and shapes without a network: `engraft plan` and `engraft apply` are what there is; name the network with target.arch to go on
  [4]

Beside a manifest there are no arguments, and without one there must be a network:

  $ engraft plan copy.yaml --set target.num_classes=3
  --set target.num_classes=3: error: 'num_classes' has no place beside 'manifest', which is names and shapes without a network
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ engraft plan copy.yaml --set target.arch=lenet
  --set target.arch=lenet: error: 'arch' has no place beside 'manifest', which is names and shapes without a network
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ engraft plan copy.yaml --set target.manifest=null
  copy.yaml:3:9: error: 'arch' is missing in 'target': name of a shipped architecture, or path of an architecture file; 'manifest' takes its place where no network is needed
    target: {manifest: a.json}
            ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]

Files that are no manifests:

  $ engraft plan copy.yaml --set target.manifest=none.json
  engraft: none.json: cannot open the file: No such file or directory
  [7]
  $ echo '{"manifest": 2, "tensors": []}' > two.json
  $ engraft plan copy.yaml --set target.manifest=two.json
  engraft: two.json:1:1: not a manifest: expected {"manifest": 1, "tensors": [...]}
  [2]
  $ echo '{"manifest": 1, "tensors": [{"name": "a", "dtype": "F32", "shape": [-1]}]}' > bad.json
  $ engraft plan copy.yaml --set target.manifest=bad.json
  engraft: bad.json:1:68: not a manifest: expected sizes of 0 or more
  [2]
  $ echo '{"manifest": 1, "tensors": [{"name": "a", "dtype": "F33", "shape": []}]}' > bad.json
  $ engraft plan copy.yaml --set source.checkpoint=bad.json
  engraft: bad.json:1:52: not a manifest: expected a dtype such as "F32"
  [2]
  $ echo '{"manifest": 1, "tensors": [{"name": "a", "dtype": "F32"}]}' > bad.json
  $ engraft plan copy.yaml --set source.checkpoint=bad.json
  engraft: bad.json:1:29: not a manifest: expected {"name", "dtype", "shape"}
  [2]
  $ cat > bad.json <<END
  > {"manifest": 1, "tensors": [{"name": "a", "dtype": "F32", "shape": []}, {"name": "a", "dtype": "F32", "shape": []}]}
  > END
  $ engraft plan copy.yaml --set source.checkpoint=bad.json
  engraft: bad.json:1:73: not a manifest: expected distinct names
  [2]
  $ echo '{"tensors": []}' > bad.json
  $ engraft plan copy.yaml --set target.manifest=bad.json
  engraft: bad.json: STF-010: not an index of shards: expected the member weight_map, from tensors to files
  [2]
  $ printf '{"manifest": 1, "tensors": [' > bad.json
  $ engraft plan copy.yaml --set target.manifest=bad.json
  engraft: bad.json: STF-010: not an index of shards: not JSON: ']' expected near end of file at line 1 column 28
  [2]
