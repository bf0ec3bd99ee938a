The transfer alone: a plan is applied and the model written, without data or training.

  $ cat >base.yaml <<'X'
  > recipe: 1
  > target: {arch: digits_cnn, num_classes: 5}
  > X
  $ engraft apply base.yaml -o base.pth
  base.pth: 20 tensors, 0 loaded, 20 initialised, 0 defaulted; 29477 parameters

  $ cat >transfer.yaml <<'X'
  > recipe: 1
  > source: {checkpoint: base.pth}
  > target: {arch: digits_cnn, num_classes: 2, classes: [cat, dog]}
  > transfer: {skip: ['fc\..*']}
  > X
  $ engraft apply transfer.yaml --out folder/model.pth --json
  {
    "file": "folder/model.pth",
    "tensors": 20,
    "loaded": 18,
    "initialized": 2,
    "defaulted": 0,
    "parameters": 28706
  }

The model's card is in the file, so that it can be used at once:

  $ engraft inspect folder/model.pth --json | grep -c '"card": "{'
  1

  $ engraft diff base.pth folder/model.pth
  A  base.pth: torch-zip, 20 tensors
  B  folder/model.pth: torch-zip, 20 tensors
  
  18 equal
  2 of another shape
    fc.weight  F32  [5, 256] \xe2\x86\x92 [2, 256] (esc)
    fc.bias    F32  [5] \xe2\x86\x92 [2] (esc)
  engraft: the checkpoints differ: 2 of another shape
  [6]

A plan that is refused writes nothing:

  $ engraft apply transfer.yaml -o bad.pth --set 'transfer.skip=[]'
  transfer.yaml:4:11: error: 2 tensors have another shape than the source: fc.weight (source [5, 256] is not target [2, 256]), fc.bias (source [5] is not target [2])
    transfer: {skip: ['fc\..*']}
              ^
    > transfer:
    >   skip: ['fc\..*']
  engraft: the plan is refused: 1 error
  [5]

  $ ls
  base.pth
  base.yaml
  folder
  transfer.yaml

The recipe may say where the model goes; somebody must:

  $ engraft apply base.yaml --set output.checkpoint="$PWD/named.pth" | sed 's|.*/||'
  named.pth: 20 tensors, 0 loaded, 20 initialised, 0 defaulted; 29477 parameters

  $ engraft apply base.yaml
  engraft: base.yaml: neither -o FILE nor output.checkpoint in the recipe says what to write
  [1]

  $ engraft apply base.yaml -o model.txt 2>why
  [1]
  $ cut -d ';' -f 1 why
  engraft: model.txt: the extension does not name a format that engraft writes

A recipe may want the container of PyTorch before 1.6, which has no room for a card; other formats stay as their
extension says:

  $ engraft apply transfer.yaml -o legacy.pth --set output.format=pth-legacy
  legacy.pth: 20 tensors, 18 loaded, 2 initialised, 0 defaulted; 28706 parameters
  $ engraft inspect legacy.pth | head -n 1
  legacy.pth: torch-legacy
  $ engraft diff folder/model.pth legacy.pth | tail -n 1
  20 equal
  $ engraft apply transfer.yaml -o model.safetensors --set output.format=pth-legacy
  model.safetensors: 20 tensors, 18 loaded, 2 initialised, 0 defaulted; 28706 parameters
  $ engraft inspect model.safetensors | head -n 1
  model.safetensors: safetensors

The source's digest is computed from the bytes that are copied; with another one nothing is put in place:

  $ right=$(sha256sum base.pth | cut -d ' ' -f 1)
  $ engraft apply transfer.yaml -o model.pth --set source.sha256=$right
  model.pth: 20 tensors, 18 loaded, 2 initialised, 0 defaulted; 28706 parameters
  $ wrong=$(printf %064d 0)
  $ echo old >old.pth
  $ engraft apply transfer.yaml -o old.pth --set source.sha256=$wrong 2>&1 | cut -d ' ' -f 2- | cut -c 1-31
  base.pth: the file's SHA-256 is
  $ cat old.pth
  old
  $ ls old.pth*
  old.pth

So it is with values that no network can have, and where the file would be too large:

  $ engraft convert base.pth base.safetensors >ignored
  $ size=$(wc -c <base.safetensors)
  $ printf '\000\000\300\177' | dd of=base.safetensors bs=1 seek=$((size - 4)) conv=notrunc 2>ignored
  $ sed 's/base.pth/base.safetensors/' transfer.yaml >odd.yaml
  $ engraft apply odd.yaml -o old.pth
  engraft: base.safetensors: tensor 'features.3.1.weight' (element 63 of 'features.3.1.weight') is NaN; `engraft inspect --stats` shows all of them
  [2]
  $ (ulimit -f 8; engraft apply transfer.yaml -o old.pth)
  engraft: old.pth: cannot write the file: File too large
  [7]
  $ cat old.pth
  old
  $ ls old.pth*
  old.pth

The names of the classes are kept in the model, so there must be as many as the network tells apart:

  $ engraft apply base.yaml -o model.pth --set 'target.classes=[cat, dog]'
  base.yaml:2:41: error: 'num_classes' is 5, but 'classes' has 2 names
    target: {arch: digits_cnn, num_classes: 5}
                                            ^
  engraft: the recipe or the architecture is wrong: 1 error
  [4]

  $ cat >names.yaml <<'X'
  > recipe: 1
  > target: {arch: digits_cnn, classes: [cat, dog]}
  > X
  $ engraft apply names.yaml -o model.pth
  engraft: names.yaml: target.classes names 2 classes, and the network's output has the shape (10); give the architecture as many outputs (num_classes: 2)
  [4]
