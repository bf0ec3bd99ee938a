A run that was interrupted in the middle goes on to the bits of one that was not: phases, average, momentum.

  $ recipe=$ROOT/configs/recipes/digits-gradual.yaml
  $ engraft run $ROOT/configs/recipes/digits-pretrain.yaml --set train.epochs=1 --set data.val.limit=50 \
  >   --set output.checkpoint=$PWD/source.pth --out pretrain >log 2>&1
  $ cat >long.yaml <<END
  > recipe: 1
  > extends: $recipe
  > source: {checkpoint: source.pth}
  > data: {train: {limit: 500, sampler: class_balanced}}
  > train:
  >   ema: {decay: 0.99}
  >   phases:
  >     - {name: head, epochs: 20, trainable: [head], lr: 1e-2}
  >     - {name: all, epochs: 40, trainable: [head, top, low], lr: 1e-3, lr_scheduler: one_cycle}
  >   early_stopping: {monitor: val/loss, patience: 100}
  > output: {checkpoint: whole.pth, weights: [raw, ema]}
  > END
  $ engraft run long.yaml --out whole --threads 2 >log 2>&1
  $ parts="engraft run long.yaml --out parts --set output.checkpoint=$PWD/whole.pth"
  $ until_epoch() {
  >   $parts --resume --threads 1 >log 2>&1 & pid=$!
  >   while kill -0 $pid 2>/dev/null && ! grep -q "epoch  *$1/60" log; do sleep 0.05; done
  >   { kill -TERM $pid; wait $pid; } 2>/dev/null; true
  > }
  $ until_epoch 6; until_epoch 19; until_epoch 43
  $ $parts --resume --threads 1 >log 2>&1; grep -c '^resume     after [45][0-9] epochs' log
  1
  $ cmp whole/best.pth parts/best.pth && cmp whole/last.pth parts/last.pth
  $ cmp whole/best.ema.pth parts/best.ema.pth && cmp whole/last.ema.pth parts/last.ema.pth
  $ strip='s/"images_per_s.*"seconds": [0-9.]*//'
  $ sed "$strip" whole/metrics.jsonl >a; sed "$strip" parts/metrics.jsonl >b; cmp a b
  $ ls parts
  best.ema.pth
  best.pth
  last.ema.pth
  last.pth
  metrics.jsonl
  plan.json
  recipe.resolved.yaml
  $ tail -n 12 log | grep -c 'proved unchanged'
  1

What was saved for another recipe is refused:

  $ until_epoch 3
  $ ls parts/state
  training.safetensors
  $ engraft run long.yaml --out parts --resume --set train.seed=9 2>&1 | tail -n 1
  engraft: parts/state/training.safetensors: the training that was saved here is another one: recipe, plan or samples have changed; run without --resume, or into another directory
