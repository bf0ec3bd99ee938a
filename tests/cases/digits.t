The whole path on the shipped digits: pretrain, plan, transfer, evaluate, predict.

  $ recipes=$ROOT/configs/recipes
  $ quick="--set train.epochs=1 --set data.val.limit=50"
  $ engraft run $recipes/digits-pretrain.yaml $quick --set output.checkpoint=$PWD/source.pth --out pretrain >log 2>&1
  $ grep -c '^epoch  1/1 ' log
  1
  $ ls pretrain
  best.pth
  last.pth
  metrics.jsonl
  plan.json
  recipe.resolved.yaml

The source's keys carry the prefix that DataParallel gives:

  $ engraft inspect source.pth --json | grep '"name"' | sed -n '1p;$p'
        "name": "module.features.0.0.weight",
        "name": "module.fc.bias",

Without the rule nothing matches; the plan names the prefix and proposes the line:

  $ engraft plan $recipes/digits-transfer.yaml --set source.checkpoint=$PWD/source.pth --set transfer.mapping=[] 2>&1 >/dev/null | grep -v '^ *$' | sed 's|.*/digits|digits|'
  digits-transfer.yaml:11:3: error: only 0 of 15 target tensors find a source tensor: the source's names start with 'module.'
      mapping:
      ^
    > transfer:
    >   mapping:
    >     - strip_prefix: module.   # 15 of 15 target tensors then meet
  engraft: the plan is refused: 1 error

With it, every tensor is accounted for:

  $ engraft plan $recipes/digits-transfer.yaml --set source.checkpoint=$PWD/source.pth
  target  digits_cnn: 20 tensors: 18 loaded, 2 initialized, 0 defaulted
  source  20 tensors: 18 used, 2 skipped, 0 dropped, 0 unexpected
  trains  19845 of 29477 parameters
  costs   1.81 MFLOP a sample forward, 0.118 MB of parameters
  
  rules
    1. strip_prefix: module.                               20 names
  
  copy  strip_prefix: module.: equal shape, rule 1  (18)
    features.[0-1].0.weight                       [32, 1-32, 3, 3]  frozen  (2 tensors)
    features.[0-1].1.weight                       [32]  frozen  (2 tensors)
    features.[0-1].1.bias                         [32]  frozen  (2 tensors)
    features.[0-1].1.running_mean                 [32]  frozen  (2 tensors)
    features.[0-1].1.running_var                  [32]  frozen  (2 tensors)
    features.[0-1].1.num_batches_tracked          []  frozen  (2 tensors)
    features.3.0.weight                           [64, 32, 3, 3]  trainable
    features.3.1.weight                           [64]  trainable
    features.3.1.bias                             [64]  trainable
    features.3.1.running_mean                     [64]  buffer
    features.3.1.running_var                      [64]  buffer
    features.3.1.num_batches_tracked              []  buffer
  
  init  skip: 'fc\..*': skipped  (2)
    fc.weight                                     [5, 256]  trainable  kaiming_uniform
    fc.bias                                       [5]  trainable  uniform
  
  skipped  skip: 'fc\..*'  (2)
    module.fc.weight                              [5, 256]
    module.fc.bias                                [5]
  
  phases  batch 10; memory on one thread; FLOP forward / backward
  phase  epochs  trains                   lr    backward down to  memory  FLOP a sample
  train       8  5 of 11 tensors, 19,845  0.02  features.3.0      1.5 MB  1.81 M / 0.595 M
  features of train: 512 numbers a sample stand for 67.3 % of the forward pass, then 'features.3.0' trains

Transfer, on one thread and on two: the same bits.

  $ for n in 1 2; do engraft run $recipes/digits-transfer.yaml $quick --threads $n --out out$n \
  >   --set source.checkpoint=$PWD/source.pth --set output.checkpoint=$PWD/model$n.pth >log 2>&1; grep frozen log; done
  frozen     12 tensors proved unchanged, bit for bit
  frozen     12 tensors proved unchanged, bit for bit
  $ cmp model1.pth model2.pth
  $ cmp out1/last.pth out2/last.pth

The written model evaluates, and refuses images that are none:

  $ engraft eval $recipes/digits-transfer.yaml --model model1.pth --json | grep '"samples"'
    "samples": 248,
  $ echo 'no image' >a.png
  $ engraft predict model1.pth a.png
  engraft: a.png: this is not an image that can be read, expected JPEG or PNG
  [2]
