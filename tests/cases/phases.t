Training in phases: the plan says what each trains and costs, the run proves what each froze.

  $ recipe=$ROOT/configs/recipes/digits-gradual.yaml
  $ engraft run $ROOT/configs/recipes/digits-pretrain.yaml --set train.epochs=1 --set data.val.limit=50 \
  >   --set output.checkpoint=$PWD/source.pth --out pretrain >log 2>&1
  $ quick="--set source.checkpoint=$PWD/source.pth --set data.val.limit=50"

  $ engraft plan $recipe $quick | sed -n '/^phases/,$p'
  phases  batch 10; memory on one thread; FLOP forward / backward
  phase  epochs  trains                    lr                                backward down to  memory  FLOP a sample
  head        2  2 of 11 tensors, 1,285    0.02                              fc                1.1 MB  1.81 M / 0.00256 M
  top         3  5 of 11 tensors, 19,845   head 0.01, top 0.005              features.3.0      1.5 MB  1.81 M / 0.595 M
  all         3  11 of 11 tensors, 29,477  head 0.01, top 0.005, low 0.0025  features.0.0      2.0 MB  1.81 M / 3.58 M
  features of head: 256 numbers a sample stand for 99.9 % of the forward pass, then 'fc' trains
  features of top: 512 numbers a sample stand for 67.3 % of the forward pass, then 'features.3.0' trains
  $ engraft plan $recipe $quick --json | sed -n '/"phases"/,/^  ]/p' | grep -E '"(name|first_time|backward_stops_at)"'
        "name": "head",
            "name": "head",
        "first_time": 2,
        "backward_stops_at": "fc",
        "name": "top",
            "name": "head",
            "name": "top",
        "first_time": 3,
        "backward_stops_at": "features.3.0",
        "name": "all",
            "name": "head",
            "name": "top",
            "name": "low",
        "first_time": 6,
        "backward_stops_at": "features.0.0",

Each phase proves that what it froze did not change; threads change no bit.

  $ for n in 1 2; do engraft run $recipe $quick --threads $n --out out$n --set output.checkpoint=$PWD/model$n.pth >log$n 2>&1; done
  $ sed -n '/^phase/p;/^frozen/p' log1
  phase      head: 2 epochs, 2 of 11 tensors train, 2 of them for the first time: their momentum starts at zero
  phase      top: 3 epochs, 5 of 11 tensors train, 3 of them for the first time: their momentum starts at zero
  phase      all: 3 epochs, 11 of 11 tensors train, 6 of them for the first time: their momentum starts at zero
  phase      head: 2 epochs; 2 tensors began with zero momentum
  frozen     18 tensors proved unchanged by phase head, bit for bit
  phase      top: 3 epochs; 3 tensors began with zero momentum
  frozen     12 tensors proved unchanged by phase top, bit for bit
  phase      all: 3 epochs; 6 tensors began with zero momentum
  frozen     9 tensors proved unchanged by phase all, bit for bit
  $ cmp model1.pth model2.pth && cmp out1/last.pth out2/last.pth && cmp out1/plan.json out2/plan.json
  $ grep -c '"event": "epoch"' out1/metrics.jsonl
  8

Train alone starts from what apply writes, and comes to the same:

  $ engraft apply $recipe $quick -o applied.pth
  applied.pth: 20 tensors, 18 loaded, 2 initialised, 0 defaulted; 29477 parameters
  $ engraft train $recipe $quick --from applied.pth --out out3 --set output.checkpoint=$PWD/model3.pth >log3 2>&1
  $ cmp out1/best.pth out3/best.pth
  $ engraft train $recipe $quick --set output.checkpoint=$PWD/none.pth 2>&1 | sed "s|$ROOT|ROOT|;s|$PWD/||"
  engraft: none.pth: there is no applied model to train yet; run `engraft apply ROOT/configs/recipes/digits-gradual.yaml`, or name one with --from FILE

The report is one page that loads nothing, the same on any number of threads:

  $ for n in 1 2; do engraft run $recipe $quick --threads $n --out out$n --set output.checkpoint=$PWD/model$n.pth \
  >   --set output.report=$PWD/report$n.html >log$n 2>&1; done; cmp report1.html report2.html
  $ grep -c -E '<script|src=|href=|http' report1.html
  0
  [1]
  $ grep -o '<h2>[^<]*' report1.html
  <h2>Plan
  <h2>Phases
  <h2>Best epoch
  <h2>Curves
  <h2>Freeze proof
  <h2>Classes
  <h2>Confusion
  $ python3 -c 'import sys, xml.dom.minidom as m; t = open("report1.html").read(); [m.parseString("<svg" + s.split("</svg>")[0] + "</svg>") for s in t.split("<svg")[1:]]; print(t.count("<svg"))'
  3

A group that is not there, one that no phase trains, a learning rate of one that rests:

  $ cat >r.yaml <<END
  > recipe: 1
  > extends: $recipe
  > train:
  >   phases:
  >     - {epochs: 1, trainable: [heads]}
  >     - {epochs: 1, trainable: [head], lr: {head: 1e-2, top: 1e-3}}
  > END
  $ engraft plan r.yaml $quick 2>&1 >/dev/null | grep error: | sed 's|.*/||'
  r.yaml:5:31: error: there is no group 'heads' in train.groups; did you mean 'head'?
  r.yaml:6:55: error: 'top' has a learning rate in phase '2', which does not train it
  digits-gradual.yaml:10:5: error: group 'top' is frozen in every phase; name it in a phase's 'trainable', or leave it out of the groups and `freeze` its parameters
  digits-gradual.yaml:11:5: error: group 'low' is frozen in every phase; name it in a phase's 'trainable', or leave it out of the groups and `freeze` its parameters

A parameter in no group; groups without phases; param_groups besides:

  $ cat >r.yaml <<END
  > recipe: 1
  > extends: $recipe
  > train:
  >   groups: {-low: }
  >   phases: [{epochs: 1, lr: 1}]
  > END
  $ engraft plan r.yaml $quick 2>&1 >/dev/null | grep error: | sed 's|.*/||'
  digits-gradual.yaml:9:5: error: 6 parameters are in no group of train.groups and not frozen: features.0.0.weight, features.0.1.weight, features.0.1.bias, \xe2\x80\xa6 (esc)
  $ printf 'recipe: 1\nextends: %s\nparam_groups: [{match: ".*"}]\ntrain: {-phases: }\n' $recipe >r.yaml
  $ engraft plan r.yaml $quick 2>&1 >/dev/null | grep error: | sed 's|.*/||'
  digits-gradual.yaml:9:5: error: 'groups' are for phases, and there are none: use param_groups for learning rates, or add 'phases'
  r.yaml:3:24: error: param_groups and train.groups both divide the parameters; use one of them
