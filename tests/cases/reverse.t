The way back of a recipe, rule by rule, as a recipe.

  $ cat > make.yaml <<END
  > recipe: 1
  > target: {arch: lenet}
  > output: {add_prefix: module.}
  > END
  $ engraft apply make.yaml -o dp.pth >/dev/null
  $ cat > there.yaml <<END
  > recipe: 1
  > source: dp.pth
  > target: {arch: lenet}
  > transfer: {mapping: [{strip_prefix: module.}]}
  > output: {checkpoint: there.pth}
  > END
  $ engraft apply there.yaml | sed 's|.*/||'
  there.pth: 10 tensors, 10 loaded, 0 initialised, 0 defaulted; 61706 parameters
  $ engraft plan there.yaml --reverse
  # The way back: 10 of 10 source tensors, in name and shape.
  #   rule 1 (strip_prefix: module.): yes
  recipe: 1
  source: 'there.pth'
  target: {manifest: 'dp.pth'}
  transfer:
    mapping:
      - add_prefix: 'module.'
    expect: {loaded: 10}
  $ engraft plan there.yaml --reverse -o back.yaml
  # The way back: 10 of 10 source tensors, in name and shape.
  #   rule 1 (strip_prefix: module.): yes
  $ engraft apply back.yaml -o again.pth
  again.pth: 10 tensors, 10 loaded, 0 initialised, 0 defaulted; 61706 parameters
  $ engraft diff dp.pth again.pth | grep equal
  10 equal

Every verb that loses nothing:

  $ engraft inspect there.pth --manifest | sed 's/"conv/"stage./; s/"fc1/"dense.0/; s/"fc2/"dense.1/' > target.json
  $ cat > verbs.yaml <<END
  > recipe: 1
  > source: there.pth
  > target: {manifest: target.json}
  > transfer:
  >   mapping:
  >     - rename: {match: 'conv(\d)\.(.*)', to: 'stage.\1.\2'}
  >     - split: {match: 'fc3\.weight', dim: 0, to: [a.0, a.1]}
  >     - stack: {match: 'a\.(\d)', index: 1, dim: 0, to: b}
  >     - transform: {match: b, ops: [{flatten: 1}, {unflatten: [1, 5, 84]}, {unsqueeze: 0}, {permute: [1, 2, 0, 3]}]}
  >     - transform: {match: b, ops: [{permute: [2, 0, 1, 3]}, {squeeze: 0}]}
  >     - split: {match: b, dim: 0, to: [c.0, c.1]}
  >     - transform: {match: 'c\..', ops: [{squeeze: 0}]}
  >     - concat: {match: 'c\.(\d)', group: 1, order: ['0', '1'], dim: 0, to: fc3.weight}
  >     - shift: {match: 'fc([12])\..*', by: -1}
  >     - replace: {pattern: '^fc([01])', with: 'dense.\1'}
  >     - {drop: 'nothing\..*', optional: true}
  > output: {checkpoint: verbs.pth}
  > END
  $ engraft apply verbs.yaml | sed 's|.*/||'
  verbs.pth: 10 tensors, 10 loaded, 0 initialised, 0 defaulted; 61706 parameters
  $ engraft plan verbs.yaml --reverse -o back.yaml
  # The way back: 10 of 10 source tensors, in name and shape.
  #   rule 1 (rename: 'conv(\d)\.(.*)' -> 'stage.\1.\2'): yes
  #   rule 2 (split: 'fc3\.weight' -> 'a.0', 'a.1'): yes
  #   rule 3 (stack: 'a\.(\d)' -> 'b'): yes
  #   rule 4 (transform: 'b', flatten, unflatten, unsqueeze, permute): yes
  #   rule 5 (transform: 'b', permute, squeeze): yes
  #   rule 6 (split: 'b' -> 'c.0', 'c.1'): yes
  #   rule 7 (transform: 'c\..', squeeze): yes
  #   rule 8 (concat: 'c\.(\d)' -> 'fc3.weight'): yes
  #   rule 9 (shift: 'fc([12])\..*' by -1): yes
  #   rule 10 (replace: '^fc([01])' -> 'dense.\1'): yes
  #   rule 11 (drop: 'nothing\..*'): nothing to invert: it changes no name of this source
  $ sed -n '/mapping/,$p' back.yaml
    mapping:
      - rename: {match: 'dense\.(.*)', to: 'fc\1'}
      - rename:
          - {match: 'fc0\.(.*)', to: 'fc1.\1'}
          - {match: 'fc1\.(.*)', to: 'fc2.\1'}
      - split: {match: 'fc3\.weight', dim: 0, sizes: [5, 5], to: ['c.0', 'c.1']}
      - transform: {match: 'c\..*', ops: [{unsqueeze: 0}]}
      - concat: {match: 'c\.(0|1)', group: 1, order: ['0', '1'], dim: 0, to: 'b'}
      - transform: {match: 'b', ops: [{unsqueeze: 0}, {permute: [1, 2, 0, 3]}]}
      - transform: {match: 'b', ops: [{permute: [2, 0, 1, 3]}, {squeeze: 0}, {flatten: 1}, {unflatten: [1, 5, 84]}]}
      - split: {match: 'b', dim: 0, sizes: [1, 1], to: ['a.0', 'a.1']}
      - transform: {match: 'a\..*', ops: [{squeeze: 0}]}
      - concat: {match: 'a\.(0|1)', group: 1, order: ['0', '1'], dim: 0, to: 'fc3.weight'}
      - rename: {match: 'stage\.(.*)', to: 'conv\1'}
    expect: {loaded: 10}
  $ engraft apply back.yaml -o again.pth
  again.pth: 10 tensors, 10 loaded, 0 initialised, 0 defaulted; 61706 parameters
  $ engraft diff there.pth again.pth | grep equal
  10 equal

What is lost is said, and by which rule:

  $ cat > lossy.yaml <<END
  > recipe: 1
  > source: dp.pth
  > target: {arch: lenet, num_classes: 3}
  > transfer:
  >   mapping:
  >     - drop: ['module\.fc1\.bias']
  >     - rename: {match: 'module\.fc2\.(.*)', to: 'fc2.\1'}
  >     - {strip_prefix: module., any: true}
  >   skip: ['fc3\..*']
  >   missing: init
  > END
  $ engraft plan lossy.yaml --reverse
  # The way back: 2 of 10 source tensors, in name and shape.
  #   rule 1 (drop: 'module\.fc1\.bias'): no: 1 tensor is gone: module.fc1.bias
  #   rule 2 (rename: 'module\.fc2\.(.*)' -> 'fc2.\1'): yes
  #   rule 3 (strip_prefix: module.): no: it took 'module.' from 7 of 9 names
  #   skip: no: what is skipped is never taken from the source
  recipe: 1
  source: 'model.pth'   # what the recipe has written
  target: {manifest: 'dp.pth'}
  transfer:
    mapping:
      - drop: ['fc1\.bias', 'fc3\..*']
      - rename: {match: 'fc2\.(.*)', to: 'module.fc2.\1'}
    skip: ['module\.conv\d+\..*', 'module\.fc1\..*', 'module\.fc3\..*']   # lost
    unexpected: ignore
    expect: {loaded: 2}
  init: [{match: '.*', init: zeros}]
  $ engraft plan lossy.yaml --reverse --json | sed '/"recipe"/d'
  {
    "source": 10,
    "restored": 2,
    "lost": [
      "module.conv1.weight",
      "module.conv1.bias",
      "module.conv2.weight",
      "module.conv2.bias",
      "module.fc1.weight",
      "module.fc1.bias",
      "module.fc3.weight",
      "module.fc3.bias"
    ],
    "rules": [
      {
        "rule": "drop: 'module\\.fc1\\.bias'",
        "inverts": false,
        "reason": "1 tensor is gone: module.fc1.bias",
        "inverse": null
      },
      {
        "rule": "rename: 'module\\.fc2\\.(.*)' -> 'fc2.\\1'",
        "inverts": true,
        "reason": null,
        "inverse": "    - rename: {match: 'fc2\\.(.*)', to: 'module.fc2.\\1'}\n"
      },
      {
        "rule": "strip_prefix: module.",
        "inverts": false,
        "reason": "it took 'module.' from 7 of 9 names",
        "inverse": null
      }
    ],
  }

No source, nothing to go back to; and -o is for the way back:

  $ engraft plan make.yaml --reverse
  engraft: make.yaml:2:9: the recipe has no source to go back to
  [5]
  $ engraft plan there.yaml -o x.yaml
  engraft: -o FILE belongs to `engraft plan --reverse`: it is where the inverse recipe goes
  [1]

A recipe applied to what it has made is refused with the reason, or changes nothing:

  $ engraft apply there.yaml -o twice.pth --set source.checkpoint=there.pth
  there.yaml:4:22: error: rule 1: strip_prefix 'module.' matches no name at this point
    transfer: {mapping: [{strip_prefix: module.}]}
                         ^
    > mend or remove the rule, or add 'optional: true' to it
  engraft: the plan is refused: 1 error
  [5]
  $ engraft plan verbs.yaml --set source.checkpoint=verbs.pth 2>&1 | grep error
  verbs.yaml:6:23: error: rule 1: rename 'conv(\d)\.(.*)' matches no name at this point
  verbs.yaml:14:22: error: rule 9: shift 'fc([12])\..*' matches no name at this point
  verbs.yaml:15:26: error: rule 10: replace '^fc([01])' matches no name at this point
  engraft: the plan is refused: 3 errors
  $ cat > names.yaml <<END
  > recipe: 1
  > source: there.pth
  > target: {arch: lenet}
  > END
  $ engraft apply names.yaml -o once.pth >/dev/null
  $ engraft apply names.yaml -o twice.pth --set source.checkpoint=once.pth >/dev/null
  $ engraft diff once.pth twice.pth | grep equal
  10 equal
