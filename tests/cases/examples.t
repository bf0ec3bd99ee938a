Four recipes as people write them, planned against what their checkpoints hold (names and shapes alone).

  $ manifest() {  # ARCH CLASSES PREFIX
  >   engraft arch $1 --set num_classes=$2 --keys | sed -E "s/^([^ ]+)  (\[.*\])  ([A-Z0-9]+).*/{\"name\": \"$3\1\", \"dtype\": \"\3\", \"shape\": \2}/" |
  >     sed '$!s/$/,/;1s/^/{"manifest": 1, "file": "x.pth", "format": "torch-zip", "state_dict": "", "tensors": [/;$s/$/]}/'
  > }
  $ mkdir weights
  $ manifest vgg16 1000 '' >weights/vgg16-397923af.json
  $ manifest resnet50 1000 module. >weights/resnet50_dp.json
  $ manifest xception 6 module.model. | sed -E '/pointwise/s/, 1, 1\]/]/;s/model\.fc\./model.last_linear./' >weights/xception_c6.json

VGG-16 with a skip list:

  $ cat >vgg16-imagenet-to-10.yaml <<END
  > recipe: 1
  > name: vgg16-imagenet-to-10
  > source:
  >   checkpoint: weights/vgg16-397923af.json
  >   arch: vgg16
  >   classes: 1000
  >   preprocess: {size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
  > target: {arch: vgg16, num_classes: 10}
  > transfer:
  >   mapping: []
  >   skip: ['classifier\.6\..*']
  >   expect: {loaded: 30, initialized: 2}
  > init:
  >   - {match: 'classifier\.6\.weight', init: normal, std: 0.01}
  >   - {match: 'classifier\.6\.bias', init: zeros}
  > freeze:
  >   - {match: 'features\..*'}
  > data:
  >   train: {folder: data/train}
  >   val: {folder: data/val}
  >   preprocess: inherit
  >   augment: [random_resized_crop: {scale: [0.7, 1.0]}, horizontal_flip: {p: 0.5}]
  > train:
  >   seed: 17
  >   epochs: 15
  >   batch_size: 32
  >   optimizer: {name: sgd, momentum: 0.9, nesterov: true, weight_decay: 5e-4}
  >   lr: 1e-3
  >   lr_scheduler: {name: step, milestones: [8, 12], gamma: 0.1}
  >   loss: {name: cross_entropy, label_smoothing: 0.1}
  > output: {checkpoint: out/vgg16-10.safetensors, report: out/vgg16-10.html}
  > END
  $ engraft plan vgg16-imagenet-to-10.yaml | sed -En '/^(target|source|trains) /p;/^phases/,$s/  [0-9.]+ [MG]B  /  /;/^phases/,$p'
  target  vgg: 32 tensors: 30 loaded, 2 initialized, 0 defaulted
  source  32 tensors: 30 used, 2 skipped, 0 dropped, 0 unexpected
  trains  119586826 of 134301514 parameters
  phases  batch 32; memory on one thread; FLOP forward / backward
  phase  epochs  trains                        lr     backward down to  memory  FLOP a sample
  train      15  6 of 32 tensors, 119,586,826  0.001  classifier.0      30.9 G / 273 M
  features of train: 25088 numbers a sample stand for 99.2 % of the forward pass, then 'classifier.0' trains; not kept: data.augment draws anew in every epoch

ResNet-50 saved under DataParallel, to two classes:

  $ cat >resnet50-dp-to-2.yaml <<END
  > recipe: 1
  > name: resnet50-dp-to-2
  > source:
  >   checkpoint: weights/resnet50_dp.json
  >   state_dict: state_dict
  >   weights: raw
  >   arch: resnet50
  > target: {arch: resnet50, num_classes: 2, classes: [benign, malignant]}
  > transfer:
  >   mapping:
  >     - strip_prefix: [module., _orig_mod.]
  >   skip: ['fc\..*']
  >   missing: init
  >   expect: {loaded: 318, initialized: 2}
  > init:
  >   - {match: 'fc\.weight', init: kaiming_uniform, a: 2.236}
  >   - {match: 'fc\.bias', init: zeros}
  > freeze:
  >   - {match: '(conv1|bn1|layer[12])\..*', batch_norm: eval}
  > param_groups:
  >   - {match: 'fc\..*', lr: 1e-2}
  >   - {match: '.*', lr: 1e-3}
  > data:
  >   train: {folder: data/train, sampler: class_balanced}
  >   val: {folder: data/val}
  >   preprocess: inherit
  >   augment: [random_resized_crop, horizontal_flip, color_jitter: {brightness: 0.2, contrast: 0.2}]
  > train:
  >   seed: 1
  >   epochs: 12
  >   batch_size: 32
  >   optimizer: {name: sgd, momentum: 0.9, weight_decay: 1e-4}
  >   lr_scheduler: {name: cosine, warmup_epochs: 1, min_lr: 1e-5}
  >   early_stopping: {monitor: val/macro_f1, patience: 4}
  > output: {checkpoint: out/resnet50-2.safetensors, add_prefix: ''}
  > END
  $ engraft plan resnet50-dp-to-2.yaml | sed -En '/^(target|source|trains) /p;/^phases/,$s/  [0-9.]+ [MG]B  /  /;/^phases/,$p'
  resnet50-dp-to-2.yaml:26:15: warning: 'source.preprocess' is not given, and ImageNet's is taken: {size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
      preprocess: inherit
                  ^
    > source: {preprocess: {size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}
  target  resnet: 320 tensors: 318 loaded, 2 initialized, 0 defaulted
  source  320 tensors: 318 used, 2 skipped, 0 dropped, 0 unexpected
  trains  22067202 of 23512130 parameters
  phases  batch 32; memory on one thread; FLOP forward / backward
  phase  epochs  trains                         lr                     backward down to  memory  FLOP a sample
  train      12  89 of 161 tensors, 22,067,202  fc\..* 0.01, .* 0.001  layer3.0.conv1    8.17 G / 8.68 G
  features of train: 401408 numbers a sample stand for 44.4 % of the forward pass, then 'layer3.0.conv1' trains; not kept: data.augment draws anew in every epoch

Xception from six classes to two, wrapped twice:

  $ cat >xception-6-to-2.yaml <<END
  > recipe: 1
  > name: xception-6-to-2
  > source:
  >   checkpoint: weights/xception_c6.json
  >   arch: xception
  >   classes: [pristine, deepfakes, face2face, faceswap, faceshifter, neuraltextures]
  >   preprocess: {size: 299, resize: 333, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}
  > target: {arch: xception, num_classes: 2, classes: [real, fake]}
  > transfer:
  >   mapping:
  >     - strip_prefix: [module., model.]
  >     - rename: {match: 'last_linear\.(weight|bias)', to: 'fc.\1'}
  >     - transform: {match: '.*\.pointwise\.weight', when: {rank: 2}, ops: [{unsqueeze: -1}, {unsqueeze: -1}]}
  >   head:
  >     weight: fc.weight
  >     bias: fc.bias
  >     classes: {real: [pristine], fake: [deepfakes, face2face, faceswap, faceshifter, neuraltextures]}
  >     combine: mean
  >   expect: {initialized: 0, min_loaded: 1.0}
  > freeze:
  >   - {match: '(conv[12]|bn[12]|block[1-8])\..*', batch_norm: eval}
  > param_groups:
  >   - {match: 'fc\..*', lr: 5e-4}
  >   - {match: '.*', lr: 5e-5}
  > data:
  >   train: {csv: data/train.csv, path: file, label: label, group: video_id}
  >   val: {csv: data/val.csv, path: file, label: label}
  >   preprocess: inherit
  >   augment: [horizontal_flip, jpeg_quality: {range: [50, 95], p: 0.5}]
  > train:
  >   seed: 3
  >   epochs: 8
  >   batch_size: 16
  >   optimizer: {name: adamw, weight_decay: 1e-2, exclude: ['.*\.bias', '.*bn.*']}
  >   lr_scheduler: {name: cosine, warmup_epochs: 1}
  >   loss: {name: cross_entropy, class_weights: balanced}
  >   ema: {decay: 0.999}
  > output: {checkpoint: out/xception-2.safetensors, weights: [raw, ema]}
  > END
  $ engraft plan xception-6-to-2.yaml | sed -En '/^(target|source|trains) /p;/^phases/,$s/  [0-9.]+ [MG]B  /  /;/^phases/,$p'
  target  xception: 276 tensors: 276 loaded, 0 initialized, 0 defaulted
  source  276 tensors: 276 used, 0 skipped, 0 dropped, 0 unexpected
  trains  11634410 of 20811050 parameters
  phases  batch 16; memory on one thread; FLOP forward / backward
  phase  epochs  trains                         lr                       backward down to    memory  FLOP a sample
  train       8  57 of 156 tensors, 11,634,410  fc\..* 0.0005, .* 5e-05  block9.rep.1.conv1  16.7 G / 11 G
  features of train: 525616 numbers a sample stand for 67.0 % of the forward pass, then 'block9.rep.1.conv1' trains; not kept: data.augment draws anew in every epoch

Gradual unfreezing:

  $ cat >resnet50-gradual.yaml <<END
  > recipe: 1
  > name: resnet50-gradual
  > extends: resnet50-dp-to-2.yaml
  > -freeze:
  > -param_groups:
  > train:
  >   seed: 1
  >   batch_size: 32
  >   optimizer: {name: sgd, momentum: 0.9, weight_decay: 1e-4}
  >   groups:
  >     head: ['fc\..*']
  >     top: ['layer4\..*']
  >     mid: ['layer3\..*']
  >     low: ['(conv1|bn1|layer[12])\..*']
  >   phases:
  >     - {name: head, epochs: 2, trainable: [head], lr: 1e-2, lr_scheduler: {name: one_cycle, pct_start: 0.99}}
  >     - {name: top,  epochs: 3, trainable: [head, top], lr: {head: 5e-3, top: 1e-3}}
  >     - {name: mid,  epochs: 3, trainable: [head, top, mid], lr: {head: 2e-3, top: 5e-4, mid: 1e-4}}
  >     - {name: all,  epochs: 6, trainable: [head, top, mid, low], lr: 1e-3, layer_decay: 0.5,
  >        batch_norm: eval, lr_scheduler: {name: one_cycle, pct_start: 0.3}}
  >   early_stopping: {monitor: val/accuracy, patience: 3, scope: phase}
  > output: {checkpoint: out/resnet50-gradual.safetensors}
  > END
  $ engraft plan resnet50-gradual.yaml | sed -En '/^(target|source|trains) /p;/^phases/,$s/  [0-9.]+ [MG]B  /  /;/^phases/,$p'
  resnet50-dp-to-2.yaml:26:15: warning: 'source.preprocess' is not given, and ImageNet's is taken: {size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
      preprocess: inherit
                  ^
    > source: {preprocess: {size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}
  target  resnet: 320 tensors: 318 loaded, 2 initialized, 0 defaulted
  source  320 tensors: 318 used, 2 skipped, 0 dropped, 0 unexpected
  trains  23512130 of 23512130 parameters
  phases  batch 32; memory on one thread; FLOP forward / backward
  phase  epochs  trains                          lr                                                 backward down to  memory  FLOP a sample
  head        2  2 of 161 tensors, 4,098         0.01                                               fc                8.17 G / 0.00819 M
  top         3  32 of 161 tensors, 14,968,834   head 0.005, top 0.001                              layer4.0.conv1    8.17 G / 2.83 G
  mid         3  89 of 161 tensors, 22,067,202   head 0.002, top 0.0005, mid 0.0001                 layer3.0.conv1    8.17 G / 8.68 G
  all         6  161 of 161 tensors, 23,512,130  head 0.001, top 0.0005, mid 0.00025, low 0.000125  conv1             8.17 G / 16.1 G
  features of head: 2048 numbers a sample stand for 100.0 % of the forward pass, then 'fc' trains; not kept: data.augment draws anew in every epoch
  features of top: 200704 numbers a sample stand for 80.2 % of the forward pass, then 'layer4.0.conv1' trains; not kept: data.augment draws anew in every epoch
  features of mid: 401408 numbers a sample stand for 44.4 % of the forward pass, then 'layer3.0.conv1' trains; not kept: data.augment draws anew in every epoch
