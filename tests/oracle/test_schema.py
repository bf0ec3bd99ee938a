"""`engraft schema` is a valid JSON Schema; it takes every recipe that the engine reads, and refuses unknown keys wherever they
stand. Each recipe below goes to both. Skips without python3-jsonschema and python3-yaml."""

import copy
import glob
import json
import os
import subprocess
import sys
import tempfile

try:
    import jsonschema
    import yaml
except ImportError:
    print("python3-jsonschema or python3-yaml is absent")
    sys.exit(77)

ENGRAFT = os.path.abspath(sys.argv[1])
RECIPES = os.path.join(os.path.dirname(__file__), "../../configs/recipes")
HEAD = "recipe: 1\nsource: s.pth\ntarget: {arch: lenet}\n"
RULES = [
    "strip_prefix: module.",
    "strip_prefix: [module., _orig_mod.]",
    "{strip_prefix: module., any: true}",
    "strip_prefix: {prefix: m, any: true, optional: true}",
    "add_prefix: backbone.",
    "add_prefix: {prefix: b}",
    "rename: {match: 'a\\.(.*)', to: 'b.\\1'}",
    "rename: [{match: a, to: b}, {match: {exact: b}, to: a}]",
    "rename: {match: {glob: 'a.*'}, to: 'b.*', optional: true}",
    "replace: {pattern: '\\.gamma$', with: .weight}",
    "{drop: ['optimizer\\..*', {glob: '*.x'}], optional: true}",
    "drop: [{match: a}]",
    "select: 'backbone\\..*'",
    "concat: {match: '(.*)\\.(q|k|v)\\.w', group: 2, order: [q, k, v], dim: 0, to: '\\1.qkv.w'}",
    "split: {match: '(.*)\\.qkv', dim: 0, sizes: equal, to: ['\\1.q', '\\1.k']}",
    "split: {match: '(.*)\\.qkv', sizes: [1, 2], to: ['\\1.q', '\\1.k']}",
    "stack: {match: '(.*)\\.(\\d+)\\.w', index: 2, dim: 0, to: '\\1.w', count: 8}",
    "transform: {match: '.*', when: {rank: 2}, ops: [{unsqueeze: -1}, {transpose: [0, 1]}]}",
    "transform: {match: '.*', ops: {flatten: 1}}",
    "copy: {match: e, to: [e, f], tie: false}",
    "shift: {match: 'b\\.(\\d+)\\..*', by: -2}",
    "use: wrappers@1",
    "{use: timm-vgg@1, optional: true}",
]
TRANSFERS = [
    "{skip: 'fc\\..*'}",
    "{skip: ['fc\\..*', {exact: a}], missing: init, unexpected: ignore, size_mismatch: overlap}",
    "{size_mismatch: [{match: a, policy: skip}]}",
    "{head: {weight: fc.weight, bias: fc.bias, classes: {a: [b, c], d: e}, combine: mean}}",
    "{head: {weight: fc.weight}, on_conflict: equal, allow_frozen_init: true}",
    "{expect: {loaded: 3, initialized: 2, min_loaded: .95}, unused_rule: ignore}",
]
SECTIONS = [
    "init: [{match: '.*\\.weight', init: kaiming_uniform, a: 2.236}, {match: b, init: zeros}]",
    "init: [{match: w, init: normal, std: 1e-2}]",
    "freeze: ['a\\..*', {match: b, batch_norm: eval}]",
    "param_groups: [{match: 'fc\\..*', lr: 1e-3}, {match: '.*', lr_mult: 0.1, weight_decay: 1e-4}]",
    "data: {train: {folder: t}, val: v, preprocess: {size: 224, resize: 256, mean: [.5, .5, .5], std: [1, 1, 1]}}",
    "data: {train: t, preprocess: [resize: 256, center_crop: 224, normalize: {mean: 0.5, std: 0.5}]}",
    "data: {train: t, augment: [random_resized_crop, horizontal_flip: 0.3, random_resized_crop: {scale: [0.5, 1]}]}",
    "data: {train: {idx: {images: i, labels: l}, classes: ['0', 1], limit: 1_000}}",
    "{data: {train: t}, train: {epochs: 2, lr: 1e-3, optimizer: sgd, lr_scheduler: {name: step, milestones: [1]}}}",
    "output: {dir: out, checkpoint: a.pth, add_prefix: module., format: safetensors}",
    "vars: {a: 2, b: [x]}",
    "{name: n, description: d}",
]
BAD = [
    "recipe: 1",
    "target: {arch: vgg16}",
    "{recipe: 2, target: {arch: vgg16}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {missing: maybe}}",
    "{recipe: 1, target: {arch: vgg16}, train: {epochs: many}}",
    "{recipe: 1, target: {arch: vgg16}, train: {epochs: 0}}",
    "{recipe: 1, source: {checkpoint: x, sha256: abc}, target: {arch: vgg16}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {mapping: [{}]}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {mapping: [{strip_prefix: a, add_prefix: b}]}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {mapping: [{concat: {match: a}}]}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {mapping: [{add_prefix: a, any: true}]}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {mapping: [{use: wrappers}]}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {mapping: [{transform: {match: a, ops: [{reshape: 1}]}}]}}",
    "{recipe: 1, target: {arch: vgg16}, data: {augment: [resize: 3]}}",
    "{recipe: 1, target: {arch: vgg16}, data: {preprocess: [horizontal_flip]}}",
    "{recipe: 1, target: {arch: vgg16}, data: {preprocess: {sise: 3}}}",
]

schema = json.loads(subprocess.run([ENGRAFT, "schema"], capture_output=True, check=True, text=True).stdout)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
folder = tempfile.TemporaryDirectory()


def is_read(text):
    """Whether the engine reads it as a recipe: everything that is wrong with one is exit code 4."""
    path = os.path.join(folder.name, "r.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return subprocess.run([ENGRAFT, "plan", path], capture_output=True, check=False).returncode != 4


def spoiled(doc):
    """The document with an unknown key in each of its mappings in turn, and what stands there; not where keys are names."""
    names = {"vars", "target"}
    for path in [()] + list(mappings(doc)):
        if any(step in names for step in path) or "head" in path and path[-1] == "classes":
            continue
        bad = copy.deepcopy(doc)
        at = bad
        for step in path:
            at = at[step]
        at["xyzzy"] = 1
        yield path, bad


def mappings(doc, path=()):
    items = doc.items() if isinstance(doc, dict) else enumerate(doc) if isinstance(doc, list) else ()
    for key, value in items:
        if isinstance(value, dict):
            yield path + (key,)
        yield from mappings(value, path + (key,))


good = [HEAD + f"transfer: {{mapping: [{rule}]}}\n" if rule[0] != "{" else HEAD + f"transfer: {{mapping: [{rule}]}}\n"
        for rule in RULES]
good += [HEAD + f"transfer: {line}\n" for line in TRANSFERS]
good += [HEAD + (line[1:-1].replace(", train: {", "\ntrain: {").replace(", description", "\ndescription") if line[0] == "{" else line)
         + "\n" for line in SECTIONS]
shipped = sorted(glob.glob(RECIPES + "/*.yaml"))
assert shipped
for path in shipped:
    with open(path, encoding="utf-8") as file:
        for error in validator.iter_errors(yaml.safe_load(file)):
            sys.exit(f"{path}: {error.message}")
spoils = 0
for text in good:
    doc = yaml.safe_load(text)
    assert is_read(text), f"the engine does not read\n{text}"
    errors = [error.message for error in validator.iter_errors(doc)]
    assert not errors, f"{text}: {errors[0][:400]}"
    for path, bad in spoiled(doc):
        text_of_bad = yaml.safe_dump(bad)
        assert not is_read(text_of_bad), f"the engine reads an unknown key at {path}\n{text_of_bad}"
        assert not validator.is_valid(bad), f"the schema takes an unknown key at {path}\n{text_of_bad}"
        spoils += 1
for text in BAD:
    assert not is_read(text), text
    assert not validator.is_valid(yaml.safe_load(text)), text
print(f"{len(shipped) + len(good)} recipes are valid; {spoils} with an unknown key and {len(BAD)} others are not")
