Names with other separators, and keys that are no names. A file as torch.save writes it, of any keys:

  $ cat > save.py <<'END'
  > import collections, pickle, struct, sys, types, zipfile
  > utils = types.ModuleType('torch._utils')
  > torch = types.ModuleType('torch')
  > sys.modules.update({'torch': torch, 'torch._utils': utils})
  > def _rebuild_tensor_v2(*args): pass
  > _rebuild_tensor_v2.__module__ = 'torch._utils'
  > utils._rebuild_tensor_v2 = _rebuild_tensor_v2
  > FloatStorage = type('FloatStorage', (), {'__module__': 'torch'})
  > torch.FloatStorage = FloatStorage
  > class Storage:
  >     def __init__(self, key, size): self.key, self.size = key, size
  > class Tensor:
  >     def __init__(self, *values): self.values = values
  >     def __reduce__(self):
  >         storages.append(struct.pack('<%df' % len(self.values), *self.values))
  >         storage = Storage(str(len(storages) - 1), len(self.values))
  >         return _rebuild_tensor_v2, (storage, 0, (len(self.values),), (1,), False, collections.OrderedDict())
  > class Pickler(pickle._Pickler):
  >     def persistent_id(self, object):
  >         if isinstance(object, Storage): return 'storage', FloatStorage, object.key, 'cpu', object.size
  > def save(path, value):
  >     global storages
  >     storages = []
  >     with zipfile.ZipFile(path, 'w') as archive:
  >         with archive.open('archive/data.pkl', 'w') as file: Pickler(file, 2).dump(value)
  >         for i, data in enumerate(storages): archive.writestr('archive/data/%d' % i, data)
  >         archive.writestr('archive/version', '3\n')
  > save('slash.pth', {'params/dense/kernel': Tensor(1, 2), 'params/dense/bias': Tensor(3)})
  > save('lead.pth', {'/dense/kernel': Tensor(1, 2), '/dense/bias': Tensor(3)})
  > save('twice.pth', {'dense/kernel': Tensor(1, 2), 'dense.kernel': Tensor(3)})
  > save('tuple.pth', {('params', 'dense', 'kernel'): Tensor(1, 2), ('params', 'dense', 'bias'): Tensor(3)})
  > save('number.pth', {0: Tensor(1, 2), 1: Tensor(3)})
  > save('mixed.pth', {('params', 0, 'kernel'): Tensor(1, 2), ('params', 0, 'bias'): Tensor(3), (): Tensor(4)})
  > save('scalar.pth', {'state_dict': {'w': Tensor(1, 2), 'scale': 0.1, 'steps': 7, 'on': True, 'name': 'x'}, 'epoch': 3})
  > END
  $ python3 save.py

The rules see dots:

  $ cat > target.json <<END
  > {"manifest": 1, "tensors": [
  >   {"name": "dense.weight", "dtype": "F32", "shape": [2]}, {"name": "dense.bias", "dtype": "F32", "shape": [1]}]}
  > END
  $ cat > slash.yaml <<END
  > recipe: 1
  > source: {checkpoint: slash.pth, separator: /}
  > target: {manifest: target.json}
  > transfer: {mapping: [{strip_prefix: params.}, {rename: {match: '(.*)\.kernel', to: '\1.weight'}}]}
  > END
  $ engraft apply slash.yaml -o slash2.pth
  slash2.pth: 2 tensors, 2 loaded, 0 initialised, 0 defaulted; 3 parameters
  $ engraft inspect slash2.pth --stats | grep dense -A 2
  dense
    weight  F32   [2]     8 B    1    2   1.5  0.7071
    bias    F32   [1]     4 B    3    3     3       -
  $ engraft plan slash.yaml --set source.checkpoint=lead.pth --set 'transfer.mapping=[{rename: {match: dense.kernel, to: dense.weight}}]' | head -n 2
  target  target.json: 2 tensors: 2 loaded, 0 initialized, 0 defaulted
  source  2 tensors: 2 used, 0 skipped, 0 dropped, 0 unexpected

Keys that are tuples need no separator, and numbers are names:

  $ engraft plan slash.yaml --set source.separator=. --set source.checkpoint=tuple.pth | head -n 2
  target  target.json: 2 tensors: 2 loaded, 0 initialized, 0 defaulted
  source  2 tensors: 2 used, 0 skipped, 0 dropped, 0 unexpected
  $ engraft inspect tuple.pth --json | grep '"name"'
        "name": "params.dense.kernel",
        "name": "params.dense.bias",
  $ engraft inspect number.pth --json | grep '"name"'
        "name": "0",
        "name": "1",
  $ engraft inspect mixed.pth --json | grep '"name"'
        "name": "params.0.kernel",
        "name": "params.0.bias",
        "name": "0 items",

Separators that are none here, that make two names one, or that stand within segments:

  $ engraft plan slash.yaml --set source.checkpoint=tuple.pth 2>&1 >/dev/null | head -n 2
  slash.yaml:2:9: error: source.separator '/' stands in no name of the source; the first is 'params.dense.kernel'
    source: {checkpoint: slash.pth, separator: /}
  $ engraft plan slash.yaml --set source.checkpoint=twice.pth
  engraft: slash.yaml:2:9: with the separator '/' two tensors of the source are named 'dense.kernel'; the second is 'dense.kernel'
  [4]
  $ engraft plan slash.yaml --set source.separator=_
  --set source.separator=_: error: 'separator' expects signs that stand in no segment, such as '/'; for others there is `replace`, found '_'
  engraft: the recipe or the architecture is wrong: 1 error
  [4]

Numbers in the state dict are tensors on request:

  $ cat > numbers.json <<END
  > {"manifest": 1, "tensors": [
  >   {"name": "w", "dtype": "F32", "shape": [2]}, {"name": "scale", "dtype": "F32", "shape": []},
  >   {"name": "steps", "dtype": "I64", "shape": []}, {"name": "on", "dtype": "BOOL", "shape": []}]}
  > END
  $ cat > scalar.yaml <<END
  > recipe: 1
  > source: {checkpoint: scalar.pth, scalars: true}
  > target: {manifest: numbers.json}
  > END
  $ engraft apply scalar.yaml -o numbers.safetensors
  cast       1 of 1 values in 1 tensors were rounded to float, the first in 'scale'
  numbers.safetensors: 4 tensors, 4 loaded, 0 initialised, 0 defaulted; 3 parameters
  $ engraft inspect numbers.safetensors --stats
  numbers.safetensors: safetensors
  
  tensor  type  shape  size  min  max  mean     std
  steps   I64   []      8 B    7    7     7       -
  scale   F32   []      4 B  0.1  0.1   0.1       -
  w       F32   [2]     8 B    1    2   1.5  0.7071
  on      BOOL  []      1 B    1    1     1       -
  
  4 tensors, 5 elements (3 F32, 1 I64, 1 BOOL), 21 B
  
  Also in the file:
    __metadata__.format  str  pt
  $ engraft plan scalar.yaml --set source.scalars=false 2>&1 | grep error
  scalar.yaml:2:9: error: 3 target tensors have no source: scale, steps, on
  engraft: the plan is refused: 1 error
