Recipes that are wrong in many ways: everything at once, each where it stands, with the word that was meant.

  $ plan() { printf '%b' "recipe: 1\n$1" >m.yaml; engraft plan m.yaml 2>&1; }
  $ plan 'target: {arch: lenet}\ntrasfer: {skip: [a]}\nfreez: [b]\nintt: []\n'
  m.yaml:3:1: error: unknown key 'trasfer'; did you mean 'transfer'?
    trasfer: {skip: [a]}
    ^
  m.yaml:4:1: error: unknown key 'freez'; did you mean 'freeze'?
    freez: [b]
    ^
  m.yaml:5:1: error: unknown key 'intt'; did you mean 'init'?
    intt: []
    ^
  engraft: the recipe or the architecture is wrong: 3 errors
  [4]
  $ plan 'target: {arch: lenet}\ntransfer:\n  maping: []\n  Skip: [a]\n  expect: {load: 3}\n'
  m.yaml:4:3: error: unknown key 'maping' in 'transfer'; did you mean 'mapping'?
      maping: []
      ^
  m.yaml:5:3: error: unknown key 'Skip' in 'transfer'; did you mean 'skip'?
      Skip: [a]
      ^
  m.yaml:6:12: error: unknown key 'load' in 'transfer.expect'; did you mean 'loaded'?
      expect: {load: 3}
               ^
  engraft: the recipe or the architecture is wrong: 3 errors
  [4]
  $ plan 'target: {arch: lenet}\ntransfer:\n  mapping:\n    - strip_prefx: module.\n    - rename: {mach: a, too: b}\n    - drop: []\n    - {drop: a, select: b}\n    - {optional: true}\n    - use: wrapers@1\n    - use: wrappers@2\n'
  m.yaml:5:7: error: unknown verb 'strip_prefx' in 'transfer.mapping'; did you mean 'strip_prefix'?
        - strip_prefx: module.
          ^
  m.yaml:6:16: error: unknown key 'mach' in 'rename'; did you mean 'match'?
        - rename: {mach: a, too: b}
                   ^
  m.yaml:6:25: error: unknown key 'too' in 'rename'; did you mean 'to'?
        - rename: {mach: a, too: b}
                            ^
  m.yaml:7:13: error: 'drop' expects a pattern, or a list of them, found an empty list
        - drop: []
                ^
  m.yaml:8:17: error: a mapping item has exactly one verb, found 'drop' and 'select'; begin a new item with '-'
        - {drop: a, select: b}
                    ^
  m.yaml:9:7: error: a mapping item has exactly one verb, found none
        - {optional: true}
          ^
  m.yaml:10:12: error: there is no dialect 'wrapers'; did you mean 'wrappers'?
        - use: wrapers@1
               ^
  m.yaml:11:12: error: 'wrappers@2' asks for version 2, and the dialect is version 1
        - use: wrappers@2
               ^
  engraft: the recipe or the architecture is wrong: 8 errors
  [4]
  $ plan "target: {arch: lenet}\ntransfer:\n  mapping:\n    - concat: {match: 'a(b)', grp: 1, order: [b], to: c}\n    - split: {match: a, to: b, sizes: [1, 2]}\n    - transform: {match: a, ops: [{unsqueze: 1}]}\n    - shift: {match: a, by: x}\n"
  m.yaml:5:31: error: unknown key 'grp' in 'concat'; did you mean 'group'?
        - concat: {match: 'a(b)', grp: 1, order: [b], to: c}
                                  ^
  m.yaml:6:29: error: 'to' expects two names or more, found 'b'
        - split: {match: a, to: b, sizes: [1, 2]}
                                ^
  m.yaml:6:29: error: 'sizes' has 2 sizes, but 'to' has 1 names
        - split: {match: a, to: b, sizes: [1, 2]}
                                ^
  m.yaml:7:35: error: 'ops' expects items such as {unsqueeze: -1}; there are unsqueeze, squeeze, transpose, permute, unflatten and flatten, found a mapping
        - transform: {match: a, ops: [{unsqueze: 1}]}
                                      ^
  m.yaml:8:29: error: 'by' expects a whole number, found 'x'
        - shift: {match: a, by: x}
                                ^
  m.yaml:8:22: error: 'match' expects a pattern with a group, the number: 'blocks\.(\d+)\..*', found 'a'
        - shift: {match: a, by: x}
                         ^
  engraft: the recipe or the architecture is wrong: 6 errors
  [4]
  $ plan 'source: {checkpont: x, stat_dict: y}\ntarget: {arch: lenet, clases: [a]}\n'
  m.yaml:2:10: error: unknown key 'checkpont' in 'source'; did you mean 'checkpoint'?
    source: {checkpont: x, stat_dict: y}
             ^
  m.yaml:2:24: error: unknown key 'stat_dict' in 'source'; did you mean 'state_dict'?
    source: {checkpont: x, stat_dict: y}
                           ^
  engraft: the recipe or the architecture is wrong: 2 errors
  [4]
  $ plan 'target: {arch: lenet}\ntrain: {epoch: 3, optimizer: {nam: sgd, momentm: 1}}\n' | grep error
  m.yaml:3:9: error: unknown key 'epoch' in 'train'; did you mean 'epochs'?
  m.yaml:3:31: error: unknown key 'nam' in 'train.optimizer'; did you mean 'name'?
  m.yaml:3:41: error: unknown key 'momentm' in 'train.optimizer'; did you mean 'momentum'?
  m.yaml:3:8: error: 'lr' is missing in 'train': the learning rate
  m.yaml:3:8: error: 'epochs' is missing in 'train': passes over the training set
  m.yaml:3:8: error: 'train' needs samples: 'data.train' is missing
  engraft: the recipe or the architecture is wrong: 6 errors
  $ plan 'target: {arch: lenet}\ndata: {augment: [horizontal_flp, random_resized_crop: {scal: [1,2]}, resize: 3]}\n' | grep error
  m.yaml:3:18: error: 'step' expects one of resize, center_crop, random_resized_crop, horizontal_flip, normalize, found 'horizontal_flp'; did you mean 'horizontal_flip'?
  m.yaml:3:56: error: unknown key 'scal' in 'random_resized_crop'; did you mean 'scale'?
  m.yaml:3:70: error: 'resize' belongs under 'preprocess': it is not random
  engraft: the recipe or the architecture is wrong: 3 errors
  $ plan 'target: {arch: lenett}\n'
  m.yaml:2:16: error: there is no architecture 'lenett' (did you mean 'lenet'?)
    target: {arch: lenett}
                   ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ plan 'target: {arch: lenet, num_clases: 3}\n'
  m.yaml:2:23: error: the architecture has no argument 'num_clases' (did you mean 'num_classes'?); it has num_classes, in_channels, image_size
    target: {arch: lenet, num_clases: 3}
                          ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ plan 'target: {arch: lenet}\ntransfer: {mapping: strip_prefix}\n'
  m.yaml:3:21: error: 'mapping' expects items such as 'strip_prefix: module.', found 'strip_prefix'
    transfer: {mapping: strip_prefix}
                        ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ plan 'target: {arch: lenet}\ntransfer: [skip]\n'
  m.yaml:3:11: error: 'transfer' expects a mapping, found a list
    transfer: [skip]
              ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ plan 'target: {arch: lenet}\ntransfer: {skip: a, skip: b}\n'
  m.yaml:3:21: error: key 'skip' stands twice in one mapping (first on line 3)
    transfer: {skip: a, skip: b}
                        ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ plan 'target: lenet\n freeze: x\n'
  m.yaml:3:8: error: not YAML: mapping values are not allowed in this context; a text that holds ': ' needs single quotes
     freeze: x
           ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ plan 'target: [\n'
  m.yaml:3:1: error: not YAML: while parsing a flow node, did not find expected node content
    
    ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
