All that is wrong with a recipe is told at once, with line, column, caret and the nearest word; exit code 4.

  $ cat >r.yaml <<END
  > recipe: 1
  > souce: {checkpoint: x.pth}
  > target: {arch: digits_cnn, num_clases: 5}
  > train: {epochs: many, batch_size: 0, lr: 1e-2, optimizer: {name: sdg}}
  > freeze: ['features\.(']
  > END
  $ engraft plan r.yaml
  r.yaml:2:1: error: unknown key 'souce'; did you mean 'source'?
    souce: {checkpoint: x.pth}
    ^
  r.yaml:5:10: error: pattern 'features\.(' is not a regular expression: missing closing parenthesis at character 12
    freeze: ['features\.(']
             ^
  r.yaml:4:17: error: 'epochs' expects a whole number, found 'many'
    train: {epochs: many, batch_size: 0, lr: 1e-2, optimizer: {name: sdg}}
                    ^
  r.yaml:4:35: error: 'batch_size' is 0, expected a value between 1 and 1000000
    train: {epochs: many, batch_size: 0, lr: 1e-2, optimizer: {name: sdg}}
                                      ^
  r.yaml:4:66: error: 'name' expects one of sgd, adam, adamw, rmsprop, lamb, lion, found 'sdg'; did you mean 'sgd'?
    train: {epochs: many, batch_size: 0, lr: 1e-2, optimizer: {name: sdg}}
                                                                     ^
  r.yaml:4:8: error: 'train' needs samples: 'data.train' is missing
    train: {epochs: many, batch_size: 0, lr: 1e-2, optimizer: {name: sdg}}
           ^
  engraft: the recipe or the architecture is wrong: 6 errors
  [4]

A repeated key, a list where a mapping is meant, a tab:

  $ printf 'recipe: 1\ntarget: {arch: a}\ntarget: {arch: b}\n' >r.yaml
  $ engraft plan r.yaml
  r.yaml:3:1: error: key 'target' stands twice in one mapping (first on line 2)
    target: {arch: b}
    ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ printf 'recipe: 1\ntarget: [a]\n' >r.yaml
  $ engraft plan r.yaml
  r.yaml:2:9: error: 'arch' expects a text, found a list
    target: [a]
            ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ printf 'recipe: 1\ntarget:\n\tarch: a\n' >r.yaml
  $ engraft plan r.yaml
  r.yaml:3:1: error: not YAML: while scanning for the next token, found character that cannot start any token; put the text in single quotes; indent with spaces, not tabs
    \tarch: a (esc)
    ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]

A recipe that is not there, and a wrong override:

  $ engraft plan nowhere.yaml
  engraft: nowhere.yaml: cannot open the file: No such file or directory
  [7]
  $ engraft plan $ROOT/configs/recipes/digits-scratch.yaml --set train.epoch=3
  --set train.epoch=3: error: 'train.epoch' is no path in a recipe; did you mean 'train.epochs'?
  engraft: the recipe or the architecture is wrong: 1 error
  [4]

An architecture that is wrong where a layer is called:

  $ cat >net.yaml <<END
  > arch: mine
  > input: [3, 8, 8]
  > model:
  >   conv1: conv2d(16, 3, padding=1)
  >   conv2: conv2d(100, 3, groups=32)
  > END
  $ printf 'recipe: 1\ntarget: {arch: net.yaml}\n' >r.yaml
  $ engraft plan r.yaml
  net.yaml:5:10: error: conv2: groups=32 does not divide 16 input channels
      conv2: conv2d(100, 3, groups=32)
             ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
