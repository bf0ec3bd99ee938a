Every form of the kernels is right, and a small member of every family, and every optimizer, trains to the same bits on
1, 2, 3 and 7 threads, in every form, with activations kept or made again:

  $ engraft selftest --quick >table
  $ awk '$1 == "ok" && $2 == "kernel" && / portable / {n++} END {print n}' table
  9
  $ awk '$2 == "training" {print $1, $3}' table
  ok mlp
  ok lenet
  ok digits_cnn
  ok cifar_resnet
  ok resnet
  ok densenet
  ok googlenet
  ok inception_v3
  ok squeezenet
  ok mobilenet_v1
  ok mobilenet_v2
  ok mobilenet_v3
  ok mnasnet
  ok shufflenet_v2
  ok efficientnet
  ok regnet
  ok xception
  ok convnext
  ok vit
  ok swin
  ok sgd
  ok adam
  ok adamw
  ok rmsprop
  ok lamb
  ok lion

  $ engraft selftest --quick --threads 1,x
  engraft: --threads is '1,x'; expected at most 32 numbers from 1 to 1024, such as 1,2,7
  [1]
  $ engraft --version
  engraft 0.1.0
  $ engraft --version --json | sed -n 's/, .*//; s/"arithmetic": //p'
    "engraft 0.1.0
