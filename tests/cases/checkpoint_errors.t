Files that are no checkpoints, damaged or unsafe: one sentence, the right exit code, and nothing of them is executed.

  $ engraft inspect nowhere.pth
  engraft: nowhere.pth: cannot open the file: No such file or directory
  [7]
  $ echo hello >text.pth
  $ engraft inspect text.pth
  engraft: text.pth: FMT-001: not a checkpoint format engraft knows (first bytes 68 65 6c 6c 6f 0a)
  [2]
  $ : >empty.pth
  $ engraft inspect empty.pth
  engraft: empty.pth: FMT-001: not a checkpoint format engraft knows (first bytes none: the file is empty)
  [2]
  $ printf '\200\002cposix\nsystem\nX\014\000\000\000touch hackedq\000\205R.' >evil.pth
  $ engraft inspect evil.pth
  engraft: evil.pth: PKL-013: UNSAFE: the file references posix.system (offset 2); a Python loader could execute it
  [3]
  $ test -e hacked
  [1]
  $ printf '\037\213\010\000\000\000\000\000' >a.gz
  $ engraft inspect a.gz
  engraft: a.gz: FMT-002: gzip file: unpack it first (engraft reads the checkpoint inside)
  [2]

A file of its own that is cut:

  $ engraft run $ROOT/configs/recipes/digits-pretrain.yaml --set train.epochs=1 --set data.train.limit=50 --set data.val.limit=5 --out out --set output.checkpoint=$PWD/a.pth >/dev/null 2>&1
  $ engraft inspect a.pth | tail -n 2
  
  20 tensors, 29,736 elements (29,733 F32, 3 I64), 119 kB
  $ head -c 20000 a.pth >cut.pth
  $ engraft inspect cut.pth
  engraft: cut.pth: ZIP-001: no end-of-central-directory record: the file is truncated or not a zip (size 20000)
  [2]
