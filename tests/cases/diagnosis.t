What a person sees when names or shapes do not meet: the cause, and lines to paste. Names of whole networks come from
manifests.

  $ . "$ROOT/tests/cases/tools.sh"
  $ recipe() { printf 'recipe: 1\nsource: %s\ntarget: {%s}\n' "$1" "$2"; }

VGG-19's file against the network wrapped in DataParallel: in PyTorch the two name sets have nothing in common, nothing is
loaded, and nothing is said.

  $ sed '/^model:/q' "$ROOT/configs/arch/vgg.yaml" >wrapped.yaml
  $ echo '  module:' >>wrapped.yaml
  $ sed '1,/^model:/d; s/^/  /' "$ROOT/configs/arch/vgg.yaml" >>wrapped.yaml
  $ manifest vgg19 '' >vgg19.json
  $ recipe vgg19.json 'arch: wrapped.yaml, depth: 19, num_classes: 2' >r.yaml
  $ engraft plan r.yaml
  target  vgg: 38 tensors: 0 loaded, 38 initialized, 0 defaulted
  source  38 tensors: 0 used, 0 skipped, 0 dropped, 38 unexpected
  trains  139578434 of 139578434 parameters
  costs   3.93e+04 MFLOP a sample forward, 558 MB of parameters
  
  init  no source maps here  (38)
    module.features.{0,2,5,7,10,12,14,16,19,21,23,25,28,30,32,34}.weight  [64-512, 3-512, 3, 3]  trainable  kaiming_normal  (16 tensors)
    module.features.{0,2,5,7,10,12,14,16,19,21,23,25,28,30,32,34}.bias  [64-512]  trainable  zeros  (16 tensors)
    module.classifier.{0,3,6}.weight              [2-4096, 4096-25088]  trainable  normal  (3 tensors)
    ... and 3 more, the last module.classifier.6.bias
  
  unexpected  the target has no such tensor  (38)
    features.{0,2,5,7,10,12,14,16,19,21,23,25,28,30,32,34}.weight  [64-512, 3-512, 3, 3]  (16 tensors)
    features.{0,2,5,7,10,12,14,16,19,21,23,25,28,30,32,34}.bias  [64-512]  (16 tensors)
    classifier.{0,3,6}.weight                     [1000-4096, 4096-25088]  (3 tensors)
    ... and 3 more, the last classifier.6.bias
  r.yaml:2:9: error: only 0 of 38 target tensors find a source tensor: the target's names start with 'module.'
    source: vgg19.json
            ^
    > transfer:
    >   mapping:
    >     - add_prefix: module.   # 36 of 38 target tensors then meet
    >   skip: ['module\.classifier\.6\..*']
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  vgg: 38 tensors: 36 loaded, 2 initialized, 0 defaulted
  source  38 tensors: 36 used, 2 skipped, 0 dropped, 0 unexpected

The reverse: the file was saved under DataParallel.

  $ manifest vgg19 module. >dp.json
  $ recipe dp.json 'arch: vgg19, num_classes: 2' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: only 0 of 38 target tensors find a source tensor: the source's names start with 'module.'
    source: dp.json
            ^
    > transfer:
    >   mapping:
    >     - strip_prefix: module.   # 36 of 38 target tensors then meet
    >   skip: ['classifier\.6\..*']
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  vgg: 38 tensors: 36 loaded, 2 initialized, 0 defaulted
  source  38 tensors: 36 used, 2 skipped, 0 dropped, 0 unexpected

`missing: init` and `unexpected: ignore` do not hide it, and rules that are there come first:

  $ cat >r.yaml <<END
  > recipe: 1
  > source: dp.json
  > target: {arch: vgg19, num_classes: 2}
  > transfer:
  >   mapping:
  >     - drop: ['.*\.running_mean']
  >       optional: true
  >   missing: init
  >   unexpected: ignore
  > END
  $ diagnosis r.yaml
  r.yaml:5:3: error: only 0 of 38 target tensors find a source tensor: the source's names start with 'module.'
      mapping:
      ^
    > transfer:
    >   mapping:
    >     - strip_prefix: module.   # 36 of 38 target tensors then meet
    >   skip: ['classifier\.6\..*']
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  vgg: 38 tensors: 36 loaded, 2 initialized, 0 defaulted
  source  38 tensors: 36 used, 2 skipped, 0 dropped, 0 unexpected

ResNet-50 from DataParallel, six classes to two; torch.compile inside of it:

  $ manifest resnet50 module._orig_mod. --set num_classes=6 >six.json
  $ recipe six.json 'arch: resnet50, num_classes: 2' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: only 0 of 267 target tensors find a source tensor: the source's names start with 'module._orig_mod.'
    source: six.json
            ^
    > transfer:
    >   mapping:
    >     - strip_prefix: module._orig_mod.   # 265 of 267 target tensors then meet
    >   skip: ['fc\..*']
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  resnet: 320 tensors: 318 loaded, 2 initialized, 0 defaulted
  source  320 tensors: 318 used, 2 skipped, 0 dropped, 0 unexpected

Xception as FaceForensics++ saves it, with its 1x1 kernels without their last two dims:

  $ manifest xception module.model. --set num_classes=6 | sed 's/\.fc\./.last_linear./; /pointwise/s/, 1, 1\]/]/' >xception.json
  $ recipe xception.json 'arch: xception, num_classes: 2' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: only 0 of 236 target tensors find a source tensor: the source's names are those of the dialect 'cadene-xception@1'
    source: xception.json
            ^
    > transfer:
    >   mapping:
    >     - use: cadene-xception@1   # 234 of 236 target tensors then meet
    >   skip: ['fc\..*']
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  xception: 276 tensors: 274 loaded, 2 initialized, 0 defaulted
  source  276 tensors: 274 used, 2 skipped, 0 dropped, 0 unexpected

The same kernels alone:

  $ manifest xception '' | sed '/pointwise/s/, 1, 1\]/]/' >xception.json
  $ recipe xception.json 'arch: xception' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: 34 tensors have another shape than the source: 34 tensors are stored in another layout, such as 'block1.rep.0.pointwise.weight' [128, 64] for [128, 64, 1, 1]
    source: xception.json
            ^
    > transfer:
    >   mapping:
    >     - transform: {match: '.*\.pointwise\.weight', when: {rank: 2}, ops: [{unsqueeze: -1}, {unsqueeze: -1}]}   # 236 of 236 target tensors then meet
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  xception: 276 tensors: 276 loaded, 0 initialized, 0 defaulted
  source  276 tensors: 276 used, 0 skipped, 0 dropped, 0 unexpected

timm's VGG:

  $ manifest vgg16 '' | sed 's/classifier\.0/pre_logits.fc1/; s/classifier\.3/pre_logits.fc2/; s/classifier\.6/head.fc/
  >   s/\[4096, 25088\]/[4096, 512, 7, 7]/; s/\[4096, 4096\]/[4096, 4096, 1, 1]/' >timm.json
  $ recipe timm.json 'arch: vgg16' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: 6 target tensors have no source: classifier.0.weight, classifier.0.bias, classifier.3.weight, classifier.3.bias and 2 more; the source's names are those of the dialect 'timm-vgg@1'
    source: timm.json
            ^
    > transfer:
    >   mapping:
    >     - use: timm-vgg@1   # 32 of 32 target tensors then meet
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  vgg: 32 tensors: 32 loaded, 0 initialized, 0 defaulted
  source  32 tensors: 32 used, 0 skipped, 0 dropped, 0 unexpected

VGG-16 under Caffe's names, which share nothing with the target's; shapes and order are all that is left:

  $ cat >caffe.sed <<END
  > s/features\.0\./conv1_1./;   s/features\.2\./conv1_2./;   s/features\.5\./conv2_1./;   s/features\.7\./conv2_2./
  > s/features\.10\./conv3_1./;  s/features\.12\./conv3_2./;  s/features\.14\./conv3_3./;  s/features\.17\./conv4_1./
  > s/features\.19\./conv4_2./;  s/features\.21\./conv4_3./;  s/features\.24\./conv5_1./;  s/features\.26\./conv5_2./
  > s/features\.28\./conv5_3./;  s/classifier\.0\./fc6./;     s/classifier\.3\./fc7./;     s/classifier\.6\./fc8./
  > END
  $ manifest vgg16 '' | sed -f caffe.sed >caffe.json
  $ recipe caffe.json 'arch: vgg16' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: only 0 of 32 target tensors find a source tensor: other names, but 32 shapes in the same order: the source's 'conv1_1.weight' stands where the target has 'features.0.weight'
    source: caffe.json
            ^
    > transfer:
    >   mapping:
    >     - rename:   # by shape and order alone: compare the names
    >         - {match: 'conv1_1\.(.*)', to: 'features.0.\g<1>'}
    >         - {match: 'conv1_2\.(.*)', to: 'features.2.\g<1>'}
    >         - {match: 'conv2_1\.(.*)', to: 'features.5.\g<1>'}
    >         - {match: 'conv2_2\.(.*)', to: 'features.7.\g<1>'}
    >         - {match: 'conv3_1\.(.*)', to: 'features.10.\g<1>'}
    >         - {match: 'conv3_2\.(.*)', to: 'features.12.\g<1>'}
    >         - {match: 'conv3_3\.(.*)', to: 'features.14.\g<1>'}
    >         - {match: 'conv4_1\.(.*)', to: 'features.17.\g<1>'}
    >         - {match: 'conv4_2\.(.*)', to: 'features.19.\g<1>'}
    >         - {match: 'conv4_3\.(.*)', to: 'features.21.\g<1>'}
    >         - {match: 'conv5_1\.(.*)', to: 'features.24.\g<1>'}
    >         - {match: 'conv5_2\.(.*)', to: 'features.26.\g<1>'}
    >         - {match: 'conv5_3\.(.*)', to: 'features.28.\g<1>'}
    >         - {match: 'fc6\.(.*)', to: 'classifier.0.\g<1>'}
    >         - {match: 'fc7\.(.*)', to: 'classifier.3.\g<1>'}
    >         - {match: 'fc8\.(.*)', to: 'classifier.6.\g<1>'}   # 32 of 32 target tensors then meet
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | head -n 2
  target  vgg: 32 tensors: 32 loaded, 0 initialized, 0 defaulted
  source  32 tensors: 32 used, 0 skipped, 0 dropped, 0 unexpected

Grey images for colour ones, and another network altogether:

  $ recipe vgg19.json 'arch: vgg19, in_channels: 1' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: 1 tensor has another shape than the source: features.0.weight (source [64, 3, 3, 3] is not target [64, 1, 3, 3])
    source: vgg19.json
            ^
    > transfer:
    >   size_mismatch: [{match: 'features\.0\.weight', policy: adapt_input}]
  engraft: the plan is refused: 1 error
  [5]
  $ paste r.yaml pasted.yaml
  $ engraft plan pasted.yaml | sed -n '1p; /^transform/,/^$/p'
  target  vgg: 38 tensors: 38 loaded, 0 initialized, 0 defaulted
  transform  size_mismatch: adapt_input: source [64, 3, 3, 3] to target [64, 1, 3, 3]  (1)
    features.0.weight                             [64, 1, 3, 3]  trainable
  
  $ recipe vgg19.json 'arch: squeezenet1_1' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: only 2 of 52 target tensors find a source tensor: the source has names such as 'features.2.weight', the target 'features.3.squeeze.weight'; is 'squeezenet1_1' the network of this checkpoint?
    source: vgg19.json
            ^
  engraft: the plan is refused: 1 error
  [5]

A file that holds two networks, and the wrong one:

  $ printf 'arch: one\ninput: [2]\nmodel:\n  a: linear(3)\n' >one.yaml
  $ cp "$DATA/checkpoints/two-networks.pth" two.pth
  $ recipe two.pth 'arch: one.yaml' >r.yaml
  $ engraft plan r.yaml
  r.yaml:2:9: error: several state dicts: model (2 tensors), net (2 tensors); set `state_dict:` in the recipe; 2 target tensors meet in 'net'
    source: two.pth
            ^
    > source: {checkpoint: 'two.pth', state_dict: 'net'}
  engraft: the recipe or the architecture is wrong: 1 error
  [4]
  $ recipe '{checkpoint: two.pth, state_dict: model}' 'arch: one.yaml' >r.yaml
  $ diagnosis r.yaml
  r.yaml:2:9: error: only 0 of 2 target tensors find a source tensor: the source has names such as 'score.weight', the target 'a.weight'; is 'one.yaml' the network of this checkpoint?
    source: {checkpoint: two.pth, state_dict: model}
            ^
  r.yaml:2:9: error: another part of the file fits better: 2 target tensors meet in 'net'
    source: {checkpoint: two.pth, state_dict: model}
            ^
    > source: {checkpoint: 'two.pth', state_dict: 'net'}
  engraft: the plan is refused: 2 errors
  [5]
