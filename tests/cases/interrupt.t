A run that is interrupted says so, ends as the signal would have ended it, and leaves no file behind but what --resume needs.
(A second signal ends it at once: without --foreground timeout sends two.)

  $ timeout --foreground --preserve-status -s INT 2 engraft run "$ROOT/configs/recipes/digits-pretrain.yaml" --out out \
  >   --set train.epochs=1000000 --set output.checkpoint="$PWD/model.pth" 2>log
  [130]

  $ tail -n 1 log
  engraft: stopped by a signal (Interrupt); no model was written

  $ ls -A
  log
  out
  $ ls -A out | grep -v '^state$'
  [1]
