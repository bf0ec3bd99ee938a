Four recipes as people write them, planned against what their checkpoints hold (names and shapes alone).

  $ manifest() {  # ARCH CLASSES PREFIX
  >   engraft arch $1 --set num_classes=$2 --keys | sed -E "s/^([^ ]+)  (\[.*\])  ([A-Z0-9]+).*/{\"name\": \"$3\1\", \"dtype\": \"\3\", \"shape\": \2}/" |
  >     sed '$!s/$/,/;1s/^/{"manifest": 1, "file": "x.pth", "format": "torch-zip", "state_dict": "", "tensors": [/;$s/$/]}/'
  > }
  $ mkdir weights
  $ manifest vgg16 1000 '' >weights/vgg16-397923af.pth
  $ manifest resnet50 1000 module. >weights/resnet50_dp.pth
  $ manifest xception 6 module.model. | sed -E '/pointwise/s/, 1, 1\]/]/;s/model\.fc\./model.last_linear./' >weights/xception_c6.pth

VGG-16 with a skip list:

  $ cat >vgg16-imagenet-to-10.yaml <<END
  > recipe: 1
  > name: vgg16-imagenet-to-10
  > source:
  >   checkpoint: weights/vgg16-397923af.pth
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
  $ engraft plan vgg16-imagenet-to-10.yaml | sed -n '1,4p;/^phases/,$p'
  engraft: weights/vgg16-397923af.pth: STF-010: not an index of shards: expected the member weight_map, from tensors to files

ResNet-50 saved under DataParallel, to two classes:

  $ cat >resnet50-dp-to-2.yaml <<END
  > recipe: 1
  > name: resnet50-dp-to-2
  > source:
  >   checkpoint: weights/resnet50_dp.pth
  >   state_dict: state_dict
  >   weights: raw
  >   arch: resnet50
  >   preprocess: {size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
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
  $ engraft plan resnet50-dp-to-2.yaml | sed -n '1,4p;/^phases/,$p'
  engraft: weights/resnet50_dp.pth: STF-010: not an index of shards: expected the member weight_map, from tensors to files

Xception from six classes to two, wrapped twice:

  $ cat >xception-6-to-2.yaml <<END
  > recipe: 1
  > name: xception-6-to-2
  > source:
  >   checkpoint: weights/xception_c6.pth
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
  $ engraft plan xception-6-to-2.yaml | sed -n '1,4p;/^phases/,$p'
  engraft: weights/xception_c6.pth: STF-010: not an index of shards: expected the member weight_map, from tensors to files

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
  $ engraft plan resnet50-gradual.yaml | sed -n '1,4p;/^phases/,$p'
  engraft: /tmp/cramtests-mnjj3j54/examples.t/weights/resnet50_dp.pth: STF-010: not an index of shards: expected the member weight_map, from tensors to files
