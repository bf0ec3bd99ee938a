"""`engraft schema` is a valid JSON Schema, takes the shipped recipes, and refuses what the engine refuses. Skips without
python3-jsonschema and python3-yaml."""

import glob
import json
import os
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError:
    print("python3-jsonschema or python3-yaml is absent")
    sys.exit(77)

ENGRAFT = os.path.abspath(sys.argv[1])
RECIPES = os.path.join(os.path.dirname(__file__), "../../configs/recipes")
BAD = [
    "recipe: 1",
    "target: {arch: vgg16}",
    "{recipe: 1, target: {arch: vgg16}, trnsfer: {}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {missing: maybe}}",
    "{recipe: 1, target: {arch: vgg16}, transfer: {skip: [{globb: x}]}}",
    "{recipe: 1, target: {arch: vgg16}, train: {epochs: many}}",
    "{recipe: 1, target: {arch: vgg16}, train: {epochs: 0}}",
    "{recipe: 1, target: {arch: vgg16}, freeze: [{match: x, batchnorm: eval}]}",
]

schema = json.loads(subprocess.run([ENGRAFT, "schema"], capture_output=True, check=True, text=True).stdout)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
recipes = sorted(glob.glob(RECIPES + "/*.yaml"))
assert recipes
for path in recipes:
    with open(path, encoding="utf-8") as file:
        for error in validator.iter_errors(yaml.safe_load(file)):
            sys.exit(f"{path}: {error.message}")
for text in BAD:
    assert not validator.is_valid(yaml.safe_load(text)), text
print(f"{len(recipes)} recipes are valid, {len(BAD)} bad ones are not")
