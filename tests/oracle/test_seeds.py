"""The shipped recipes on weights of full size, in the containers that PyTorch writes: what each plan loads is what the
three usual lines load once the names meet, and what is applied holds the same bits."""

import json
import os
import subprocess
import sys
import tempfile

import torch
import torchvision

ENGRAFT = os.path.abspath(sys.argv[1])
RECIPES = os.path.join(os.path.dirname(__file__), "../../configs/recipes")


def plan(recipe, *sets):
    words = [ENGRAFT, "plan", os.path.join(RECIPES, recipe), "--json"]
    for item in sets:
        words += ["--set", item]
    done = subprocess.run(words, capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout)


def lines(pretrained, model_dict, skip_list):
    """The three lines of everybody's script."""
    pretrained = {k: v for k, v in pretrained.items() if k in model_dict and k not in skip_list}
    model_dict.update(pretrained)
    return set(pretrained)


def check(name, recipe, make, source_classes, target_classes, skip_list, prefix, wrap, legacy, folder):
    state = make(num_classes=source_classes).state_dict()
    file = os.path.join(folder, name + ".pth")
    saved = type(state)((prefix + k, v) for k, v in state.items())
    torch.save({"state_dict": saved, "epoch": 3} if wrap else saved, file, _use_new_zipfile_serialization=not legacy)
    code, found = plan(recipe, "vars.weights=" + file)
    assert code == 0 and found["ok"], found["problems"]
    want = lines(state, make(num_classes=target_classes).state_dict(), skip_list)
    loaded = {s["target"] for s in found["steps"] if s["action"] in ("copy", "cast", "transform")}
    assert loaded == want, loaded ^ want
    for step in found["steps"]:
        if step["target"] in want:
            assert step["source"] == [prefix + step["target"]], step
    assert {s["target"] for s in found["steps"] if s["action"] == "init"} == set(skip_list)
    print(f"{name}: {len(loaded)} loaded, {len(skip_list)} drawn")
    os.remove(file)


def check_empty_intersection(folder):
    """What PyTorch loads silently from wrapped names is nothing; the plan of the plain recipe is refused, and says why."""
    state = torchvision.models.vgg19(num_classes=1000).state_dict()
    saved = {"module." + k: v for k, v in state.items()}
    assert not lines(saved, torchvision.models.vgg19(num_classes=2).state_dict(), [])
    file = os.path.join(folder, "wrapped.pth")
    torch.save(saved, file)
    code, found = plan("vgg19-two-classes.yaml", "vars.weights=" + file)
    assert code == 5, code
    assert found["problems"][0]["code"] == "empty_match"
    assert "strip_prefix: module." in found["problems"][0]["suggestion"]
    os.remove(file)


def check_xception(folder):
    """The names come from the shipped architecture; the file is as FaceForensics++ saved it: wrapped twice, its classifier
    last_linear, the kernels of its pointwise convolutions without the last two dims. The applied head is compared."""
    target = plan("xception-dataparallel-two-classes.yaml", "source=null", "transfer=null", "freeze=[]")[1]
    make = torch.Generator().manual_seed(1)
    saved = {}
    for step in target["steps"]:
        shape = [6] + step["shape"][1:] if step["target"].startswith("fc.") else step["shape"]
        name = step["target"].replace("fc.", "last_linear.")
        tensor = torch.rand(shape, generator=make) if step["dtype"] == "F32" else torch.tensor(7)
        if name.endswith("pointwise.weight"):
            tensor = tensor[:, :, 0, 0].contiguous()
        saved["module.model." + name] = tensor
    file = os.path.join(folder, "xception.pth")
    torch.save(saved, file)
    recipe = "xception-dataparallel-two-classes.yaml"
    code, found = plan(recipe, "vars.weights=" + file)
    assert code == 0, found["problems"]
    assert found["summary"]["loaded"] == len(saved), found["summary"]
    out = os.path.join(folder, "two.pth")
    subprocess.run([ENGRAFT, "run", os.path.join(RECIPES, recipe), "--set", "vars.weights=" + file, "--set",
                    "output.checkpoint=" + out, "--out", os.path.join(folder, "run")], check=True, capture_output=True)
    written = torch.load(out)
    weight, bias = saved["module.model.last_linear.weight"], saved["module.model.last_linear.bias"]
    assert torch.equal(written["fc.weight"][0], weight[0]) and torch.equal(written["fc.bias"][0], bias[0])
    assert torch.allclose(written["fc.weight"][1], weight[1:].mean(0), atol=1e-6)
    assert torch.allclose(written["fc.bias"][1], bias[1:].mean(0), atol=1e-6)
    for name, tensor in saved.items():
        name = name[len("module.model."):]
        if not name.startswith("last_linear"):
            assert torch.equal(written[name].reshape(tensor.shape), tensor), name
    print(f"xception: {found['summary']['loaded']} loaded, its head from six classes")


def main():
    models = torchvision.models
    vgg, fc = ["classifier.6.weight", "classifier.6.bias"], ["fc.weight", "fc.bias"]
    with tempfile.TemporaryDirectory() as folder:
        check("vgg16", "vgg16-skip-list.yaml", models.vgg16, 1000, 10, vgg, "", False, True, folder)
        check("vgg19", "vgg19-two-classes.yaml", models.vgg19, 1000, 2, vgg, "", False, False, folder)
        check("vgg19-dp", "vgg19-dataparallel-two-classes.yaml", models.vgg19, 1000, 2, vgg, "module.", False, True,
              folder)
        check("resnet50-dp", "resnet50-dataparallel-two-classes.yaml", models.resnet50, 6, 2, fc, "module.", True,
              False, folder)
        check_empty_intersection(folder)
        check_xception(folder)


main()
