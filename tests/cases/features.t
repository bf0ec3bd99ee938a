Features of what is frozen are computed once and kept: in memory, or in files that later runs find.

  $ recipes=$ROOT/configs/recipes
  $ engraft run $recipes/digits-pretrain.yaml --set train.epochs=1 --set data.val.limit=50 --set output.checkpoint=$PWD/source.pth --out pretrain >log 2>&1
  $ transfer() { engraft run $recipes/digits-transfer.yaml --set source.checkpoint=$PWD/source.pth --set train.epochs=3 --set data.val.limit=50 --set output.checkpoint=$PWD/$1.pth --out $1 --set train.cache=$1 --set train.cache_dir=$PWD/cache $2 $3 $4 $5 2>&1 >/dev/null | grep '^features'; }
  $ transfer off
  [1]

With them or without, on any number of threads, the model is the same:

  $ transfer memory --threads 1
  features   training: 512 numbers a sample, 0.1 MB in memory
  features   validation: 512 numbers a sample, 0.1 MB in memory
  $ transfer disk --threads 3
  features   training: 512 numbers a sample, 0.1 MB on disk
  features   validation: 512 numbers a sample, 0.1 MB on disk
  $ ls cache | wc -l
  2
  $ engraft diff off.pth memory.pth
  A  off.pth: torch-zip, 20 tensors
  B  memory.pth: torch-zip, 20 tensors
  
  20 equal
  $ engraft diff off.pth disk.pth
  A  off.pth: torch-zip, 20 tensors
  B  disk.pth: torch-zip, 20 tensors
  
  20 equal

A later run finds them; one whose frozen weights or images are others does not:

  $ transfer disk
  features   training: 512 numbers a sample, 0.1 MB on disk, found from an earlier run
  features   validation: 512 numbers a sample, 0.1 MB on disk, found from an earlier run
  $ engraft diff off.pth disk.pth
  A  off.pth: torch-zip, 20 tensors
  B  disk.pth: torch-zip, 20 tensors
  
  20 equal

  $ transfer disk --set data.preprocess=[] | grep -c found
  0
  [1]
  $ ls cache | wc -l
  4

A damaged file is noticed and made anew:

  $ for f in cache/*; do printf x | dd of=$f bs=1 seek=5000 conv=notrunc status=none; done
  $ transfer disk
  features   training: 512 numbers a sample, 0.1 MB on disk, found from an earlier run
  features   validation: 512 numbers a sample, 0.1 MB on disk, found from an earlier run
  features   training: a stored row is damaged; they are computed anew
  features   validation: a stored row is damaged; they are computed anew
  $ engraft diff off.pth disk.pth
  A  off.pth: torch-zip, 20 tensors
  B  disk.pth: torch-zip, 20 tensors
  
  20 equal

Where images are drawn anew in every epoch there is nothing to keep, unless they come from a pool:

  $ transfer auto --set data.augment=[horizontal_flip]
  features   training: not kept: data.augment draws anew in every epoch (data.augment_pool: N repeats after N)
  features   validation: 512 numbers a sample, 0.1 MB in memory
  $ transfer disk --set data.augment=[horizontal_flip] --set data.augment_pool=2
  features   training: 512 numbers a sample, 0.1 MB on disk
  features   validation: 512 numbers a sample, 0.1 MB on disk, found from an earlier run
  $ mv disk.pth pool.pth
  $ transfer off --set data.augment=[horizontal_flip] --set data.augment_pool=2
  [1]
  $ engraft diff off.pth pool.pth
  A  off.pth: torch-zip, 20 tensors
  B  pool.pth: torch-zip, 20 tensors
  
  20 equal
