Data sets that are tables: csv and jsonl, with a column for the split and one for the group.

  $ cp $DATA/images/gray8.png $DATA/images/gray16.png $DATA/images/gray4.png $DATA/images/420.jpg .
  $ cat >all.csv <<END
  > file,label,part,video
  > gray8.png,dark,train,v1
  > "gray16.png",dark,train,v2
  > 420.jpg,bright,train,"v,3"
  > gray4.png,bright,val,v4
  > 
  > gray8.png,dark,val,v5
  > END
  $ cat >r.yaml <<END
  > recipe: 1
  > vars: {table: all.csv}
  > target: {arch: digits_cnn, num_classes: 2, classes: [bright, dark]}
  > data:
  >   train: {csv: '\${table}', path: file, label: label, split: part, group: video}
  >   val: {csv: '\${table}', path: file, label: label, split: part}
  >   preprocess: [resize: [8, 8]]
  > train: {epochs: 1, batch_size: 3, lr: 0.1}
  > END
  $ engraft run r.yaml --out csv 2>&1 | grep '^data'
  data       3 training and 2 validation samples, 2 classes: bright, dark
  $ cat >all.jsonl <<END
  > {"file": "gray8.png", "label": "dark", "part": "train", "video": 1}
  > {"file": "gray16.png", "label": "dark", "part": "train", "video": 2}
  > {"file": "420.jpg", "label": "bright", "part": "train", "video": 3}
  > {"file": "gray4.png", "label": "bright", "part": "val", "video": 4}
  > {"file": "gray8.png", "label": "dark", "part": "val", "video": 5}
  > END
  $ sed 's/csv:/jsonl:/' r.yaml >j.yaml
  $ engraft run j.yaml --set vars.table=all.jsonl --out jsonl 2>&1 | grep '^data'
  data       3 training and 2 validation samples, 2 classes: bright, dark
  $ cmp csv/best.pth jsonl/best.pth

A group on both sides, a group that validation does not name, a column, a file and a cell that are not there:

  $ sed 's/v4/v1/' all.csv >leak.csv
  $ sed 's/"file": "gray4.png", //' all.jsonl >broken.jsonl
  $ engraft run r.yaml --set vars.table=leak.csv --out x 2>&1 | tail -n 1
  engraft: r.yaml:5:10: data.train and data.val share 1 group of 'video', such as 'v1': what is validated has been learned from; put each group on one side
  $ printf 'file,label\ngray8.png,dark\n' >val.csv
  $ engraft run r.yaml --set data.val.csv=val.csv --set data.val.split= --out x 2>&1 | tail -n 1
  engraft: r.yaml:6:8: data.train keeps the groups of 'video' on its side, and data.val does not say which group its samples are of; add the column, or leave 'group' out
  $ engraft run r.yaml --set data.train.path=fil --out x 2>&1 | tail -n 1
  engraft: all.csv:1:1: the table has no column 'fil'; did you mean 'file'?
  $ engraft run j.yaml --set vars.table=broken.jsonl --out x 2>&1 | tail -n 1
  engraft: broken.jsonl:4:1: this object has no 'file' that is a text or a whole number
  $ sed 's/gray16/gone/' all.csv >gone.csv; engraft run r.yaml --set vars.table=gone.csv --out x 2>&1 | tail -n 1
  engraft: gone.csv:3:1: there is no file 'gone.png' (paths start at the table's folder)
  $ sed 's/,v2$//' all.csv >short.csv; engraft run r.yaml --set vars.table=short.csv --out x 2>&1 | tail -n 1
  engraft: short.csv:3:1: this row has 3 cells, and the first line names 4 columns
  $ sed 's/"gray16.png"/"gray16.png/' all.csv >open.csv; engraft run r.yaml --set vars.table=open.csv --out x 2>&1 | tail -n 1
  engraft: open.csv:4:1: there is text behind a closing quote; expected a comma or a new line
