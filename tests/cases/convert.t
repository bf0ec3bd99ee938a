A checkpoint in another format: names, order, types and bits stay as they are.

  $ cat >net.recipe.yaml <<'X'
  > recipe: 1
  > target: {arch: digits_cnn}
  > X
  $ engraft apply net.recipe.yaml -o net.pth
  net.pth: 20 tensors, 0 loaded, 20 initialised, 0 defaulted; 30762 parameters
  $ engraft convert net.pth out.pt
  out.pt: 20 tensors, 124 kB, from net.pth (torch-zip)
  $ engraft diff net.pth out.pt
  A  net.pth: torch-zip, 20 tensors
  B  out.pt: torch-zip, 20 tensors
  
  20 equal
  $ cmp net.pth out.pt

A training checkpoint of PyTorch 1.5 with two state dicts: one is chosen, the rest stays behind and is named. Ties stay
ties, a transposed view becomes contiguous.

  $ cp "$DATA/checkpoints/training.pth" .
  $ engraft convert training.pth model.pth
  engraft: training.pth: SEL-001: several state dicts: model (6 tensors), ema (6 tensors); set `state_dict:` in the recipe (on the command line: --state-dict PATH)
  [4]

  $ engraft convert training.pth model.pth --state-dict model
  model.pth: 6 tensors, 135 B, from training.pth (torch-legacy, state dict 'model')
  left behind, being no tensors of the state dict: epoch, ema, optimizer, best

  $ engraft inspect model.pth
  model.pth: torch-zip
  
  tensor                 type  shape   size
  embed.weight           F32   [3, 4]  48 B
  head.weight            F32   [3, 4]  48 B  = embed.weight
  mix.weight             F16   [3, 2]  12 B
  norm
    running_mean         F64   [2]     16 B
    num_batches_tracked  I64   []       8 B
  mask                   BOOL  [3]      3 B
  
  6 tensors, 36 elements (24 F32, 2 F64, 6 F16, 1 I64, 3 BOOL), 135 B

  $ engraft convert training.pth ema.pth --state-dict ema --json
  {
    "file": "ema.pth",
    "from": "training.pth",
    "from_format": "torch-legacy",
    "state_dict": "ema",
    "tensors": 6,
    "bytes": 135,
    "left_behind": [
      "epoch",
      "model",
      "optimizer",
      "best"
    ],
    "lost": null,
    "warnings": []
  }

  $ engraft diff model.pth ema.pth
  A  model.pth: torch-zip, 6 tensors
  B  ema.pth: torch-zip, 6 tensors
  
  5 equal
  1 with other values
    embed.weight  F32  [3, 4]  12 of 12 differ, by at most 0.25
  1 tensor tied otherwise
    head.weight  = embed.weight \xe2\x86\x92 alone (esc)
  engraft: the checkpoints differ: 1 with other values
  [6]

safetensors keeps one of two tied tensors and remembers the other's name, unless that is refused:

  $ engraft convert model.pth tied.safetensors --tied error
  engraft: tied.safetensors: WR-002: tied tensors 'embed.weight' and 'head.weight' cannot be stored in safetensors; set `tied: first`
  [2]
  $ engraft convert model.pth tied.safetensors --tied last
  engraft: --tied is 'last'; expected first or error
  [1]
  $ engraft convert model.pth tied.safetensors --tied first
  tied.safetensors: 6 tensors, 135 B, from model.pth (torch-zip)
  $ engraft diff model.pth tied.safetensors
  A  model.pth: torch-zip, 6 tensors
  B  tied.safetensors: safetensors, 6 tensors
  
  6 equal
  the tensors stand in another order

Weights of other frameworks become a state dict; safetensors and npz keep every bit:

  $ cp "$ROOT/tests/fuzz/corpus/onnx/exported" net.onnx
  $ engraft convert net.onnx net.safetensors
  net.safetensors: 6 tensors, 616 B, from net.onnx (onnx)
  left behind, being no tensors of the state dict: ir_version, producer_name, producer_version, graph

  $ engraft diff net.onnx net.safetensors
  A  net.onnx: onnx, 6 tensors
  B  net.safetensors: safetensors, 6 tensors
  
  6 equal
  the tensors stand in another order

  $ cp "$ROOT/tests/fuzz/corpus/gguf/plain" net.gguf
  $ engraft convert net.gguf net.npz
  net.npz: 2 tensors, 152 B, from net.gguf (gguf)
  left behind, being no tensors of the state dict: general.alignment, general.name, words

  $ engraft diff net.gguf net.npz
  A  net.gguf: gguf, 2 tensors
  B  net.npz: npz, 2 tensors
  
  2 equal

The container of PyTorch before 1.6:

  $ engraft convert net.pth old.pth --format pth-legacy
  old.pth: 20 tensors, 124 kB, from net.pth (torch-zip)
  $ engraft diff net.pth old.pth
  A  net.pth: torch-zip, 20 tensors
  B  old.pth: torch-legacy, 20 tensors
  
  20 equal
  $ engraft convert net.pth old.pth --format zip
  engraft: 'zip' is no format that engraft writes; it writes pth and pth-legacy
  [1]

What cannot be written is refused before anything is read:

  $ engraft convert nowhere.pth out.xyz 2>why
  [1]
  $ cut -d ';' -f 1 why
  engraft: out.xyz: the extension does not name a format that engraft writes

  $ engraft convert nowhere.pth out.pth
  engraft: nowhere.pth: cannot open the file: No such file or directory
  [7]

  $ printf 'not a checkpoint' >bad.pth
  $ engraft convert bad.pth out.pth
  engraft: bad.pth: FMT-001: not a checkpoint format engraft knows (first bytes 6e 6f 74 20 61 20 63 68 65 63 6b 70 6f 69 6e 74)
  [2]

  $ engraft convert net.pth nofolder/out.pth
  engraft: nofolder/out.pth: cannot create the file: No such file or directory
  [7]
