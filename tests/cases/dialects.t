The shipped dialects against the names that files of these projects have, one network each.

  $ . "$ROOT/tests/cases/tools.sh"
  $ recipe() { printf 'recipe: 1\nsource: %s\ntarget: {%s}\ntransfer: {%s}\n' "$1" "$2" "$3"; }
  $ summary() { engraft plan "$1" 2>&1 | grep -E '^(target|source|r.yaml)'; }

timm's ResNets of the plain kind (resnet18 … resnet152, resnext, wide_resnet) have torchvision's names and need no dialect:

  $ manifest resnet50 '' >timm.json
  $ recipe timm.json 'arch: resnet50' '' >r.yaml
  $ summary r.yaml
  target  resnet: 320 tensors: 320 loaded, 0 initialized, 0 defaulted
  source  320 tensors: 320 used, 0 skipped, 0 dropped, 0 unexpected

Its `d` kind is another network (a stem of three convolutions, a pooling before the shortcut's): it is refused, and what is
shared is said.

  $ manifest resnet50 '' | sed 's/"conv1\.weight"/"conv1.0.weight"/; s/downsample\.1/downsample.2/; s/downsample\.0/downsample.1/' |
  >   sed '/"conv1\.0\.weight"/s/\[64, 3, 7, 7\]/[32, 3, 3, 3]/' >d.json
  $ recipe d.json 'arch: resnet50' '' >r.yaml
  $ summary r.yaml
  target  resnet: 320 tensors: 295 loaded, 21 initialized, 4 defaulted
  source  320 tensors: 295 used, 4 skipped, 0 dropped, 21 unexpected
  r.yaml:4:11: error: 17 target tensors have no source: conv1.weight, layer1.0.downsample.0.weight, layer1.0.downsample.1.bias, layer1.0.downsample.1.running_mean and 13 more
  r.yaml:4:11: error: 21 source tensors go nowhere: conv1.0.weight, layer1.0.downsample.2.weight, layer1.0.downsample.2.bias, layer1.0.downsample.2.running_mean and 17 more
  r.yaml:4:11: error: 4 tensors have another shape than the source: layer1.0.downsample.1.weight (source [256, 64, 1, 1] is not target [256]), layer2.0.downsample.1.weight (source [512, 256, 1, 1] is not target [512]), layer3.0.downsample.1.weight (source [1024, 512, 1, 1] is not target [1024]), layer4.0.downsample.1.weight (source [2048, 1024, 1, 1] is not target [2048])

timm's VGG, both ways:

  $ manifest vgg16 '' --set batch_norm=true >torchvision.json
  $ sed 's/classifier\.0/pre_logits.fc1/; s/classifier\.3/pre_logits.fc2/; s/classifier\.6/head.fc/
  >   s/\[4096, 25088\]/[4096, 512, 7, 7]/; s/\[4096, 4096\]/[4096, 4096, 1, 1]/' torchvision.json >timm.json
  $ recipe timm.json 'arch: vgg16, batch_norm: true' 'mapping: [use: timm-vgg@1]' >r.yaml
  $ summary r.yaml
  target  vgg: 97 tensors: 97 loaded, 0 initialized, 0 defaulted
  source  97 tensors: 97 used, 0 skipped, 0 dropped, 0 unexpected
  $ sed '/^  avgpool:/,$d' "$ROOT/configs/arch/vgg.yaml" >timm.yaml
  $ cat >>timm.yaml <<END
  >   pre_logits:
  >     fc1: conv2d(4096, 7)
  >     fc2: conv2d(4096, 1)
  >   head:
  >     flatten: flatten()
  >     fc: linear(num_classes)
  > END
  $ recipe torchvision.json 'arch: timm.yaml, batch_norm: true' 'mapping: [use: torchvision-vgg@1]' >r.yaml
  $ summary r.yaml
  target  vgg: 97 tensors: 97 loaded, 0 initialized, 0 defaulted
  source  97 tensors: 97 used, 0 skipped, 0 dropped, 0 unexpected

Cadene's Xception, as FaceForensics++ wraps it (a dropout before its classifier):

  $ manifest xception model. --set num_classes=2 | sed 's/\.fc\./.last_linear.1./' >xception.json
  $ recipe xception.json 'arch: xception, num_classes: 2' 'mapping: [use: cadene-xception@1]' >r.yaml
  $ summary r.yaml
  target  xception: 276 tensors: 276 loaded, 0 initialized, 0 defaulted
  source  276 tensors: 276 used, 0 skipped, 0 dropped, 0 unexpected

Caffe2's ResNet-50 (Detectron, MSRA): its normalisation has no statistics.

  $ manifest resnet50 '' | grep -v 'running_\|num_batches' | sed -e '
  >   s/"layer1\./"res2./; s/"layer2\./"res3./; s/"layer3\./"res4./; s/"layer4\./"res5./
  >   s/\(res[0-9]\)\.\([0-9]*\)\./\1_\2_/
  >   s/_downsample\.0\.weight/_branch1_w/; s/_downsample\.1\./_branch1_bn_/; s/_\([0-9]*\)_downsample/_\1_/
  >   s/_conv1\.weight/_branch2a_w/; s/_conv2\.weight/_branch2b_w/; s/_conv3\.weight/_branch2c_w/
  >   s/_bn1\./_branch2a_bn_/; s/_bn2\./_branch2b_bn_/; s/_bn3\./_branch2c_bn_/
  >   s/"conv1\.weight"/"conv1_w"/; s/"bn1\./"res_conv1_bn_/; s/"fc\.weight"/"fc1000_w"/; s/"fc\.bias"/"fc1000_b"/
  >   s/bn_weight/bn_s/; s/bn_bias/bn_b/; s/_downsample/_/; s/downsample\.0\.weight/branch1_w/' >caffe2.json
  $ grep -o '"name": "[^"]*"' caffe2.json | sed -n '1,9p;$p'
  "name": "conv1_w"
  "name": "res_conv1_bn_s"
  "name": "res_conv1_bn_b"
  "name": "res2_0_branch2a_w"
  "name": "res2_0_branch2a_bn_s"
  "name": "res2_0_branch2a_bn_b"
  "name": "res2_0_branch2b_w"
  "name": "res2_0_branch2b_bn_s"
  "name": "res2_0_branch2b_bn_b"
  "name": "fc1000_b"
  $ recipe caffe2.json 'arch: resnet50' 'mapping: [use: msra-resnet@1], missing: init' >r.yaml
  $ summary r.yaml
  target  resnet: 320 tensors: 161 loaded, 106 initialized, 53 defaulted
  source  161 tensors: 161 used, 0 skipped, 0 dropped, 0 unexpected
  $ recipe caffe2.json 'arch: resnet50' 'missing: init' >r.yaml
  $ diagnosis r.yaml | tail -n 5
              ^
    > transfer:
    >   mapping:
    >     - use: msra-resnet@1   # 161 of 267 target tensors then meet
  engraft: the plan is refused: 1 error

DataParallel around torch.compile, and a LightningModule with its loss and metrics:

  $ manifest resnet18 module._orig_mod. >wrapped.json
  $ recipe wrapped.json 'arch: resnet18' 'mapping: [use: wrappers@1]' >r.yaml
  $ summary r.yaml
  target  resnet: 122 tensors: 122 loaded, 0 initialized, 0 defaulted
  source  122 tensors: 122 used, 0 skipped, 0 dropped, 0 unexpected
  $ manifest resnet18 model. | sed '2i\  {"name": "criterion.weight", "dtype": "F32", "shape": [1000]},
  >   2i\  {"name": "val_acc.total", "dtype": "I64", "shape": []},' >lightning.json
  $ recipe lightning.json 'arch: resnet18' 'mapping: [use: lightning@1]' >r.yaml
  $ summary r.yaml
  target  resnet: 122 tensors: 122 loaded, 0 initialized, 0 defaulted
  source  124 tensors: 122 used, 0 skipped, 2 dropped, 0 unexpected
  $ recipe lightning.json 'arch: resnet18' '' >r.yaml
  $ diagnosis r.yaml | tail -n 4
    >   mapping:
    >     - select: [{glob: 'model.**'}]
    >     - strip_prefix: model.   # 102 of 102 target tensors then meet
  engraft: the plan is refused: 1 error
