/* Recipes: every section's meaning, defaults, patterns, verbs, steps, and the resolved text. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/regex.h"
#include "helper.h"

static const char full[] =
    "recipe: 1\n"
    "name: full\n"
    "source:\n"
    "  checkpoint: weights/x.pth\n"
    "  state_dict: state_dict\n"
    "  sha256: ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789\n"
    "  preprocess: {size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.2, 0.3, 0.4]}\n"
    "target: {arch: nets/x.yaml, num_classes: 2, classes: [cat, dog]}\n"
    "transfer:\n"
    "  mapping:\n"
    "    - strip_prefix: [module, _orig_mod.]\n"
    "      any: true\n"
    "    - add_prefix: backbone\n"
    "    - rename: {match: 'bn(\\d+)\\.gamma', to: 'bn\\1.weight'}\n"
    "    - rename: [{match: a, to: b}, {match: b, to: a}]\n"
    "      optional: true\n"
    "    - replace: {pattern: '\\.gamma$', with: .weight}\n"
    "    - drop: ['optimizer\\..*', {glob: '**.counter'}]\n"
    "    - select: 'backbone\\..*'\n"
    "  skip: ['fc\\..*', {exact: 'a.b'}, {match: 'c'}]\n"
    "  missing: init\n"
    "  unexpected: ignore\n"
    "  size_mismatch: skip\n"
    "  unused_rule: ignore\n"
    "  expect: {loaded: 318, initialized: 2, min_loaded: .95}\n"
    "init:\n"
    "  - {match: 'fc\\.weight', init: kaiming_uniform, a: 2.236, mode: fan_out}\n"
    "  - {match: '.*\\.bias', init: zeros}\n"
    "  - {match: x, init: trunc_normal, std: 0.02}\n"
    "freeze:\n"
    "  - 'layer[1-3]\\..*'\n"
    "  - {match: 'bn1\\..*', batch_norm: train_stats}\n"
    "  - {glob: 'stem.*'}\n"
    "param_groups:\n"
    "  - {match: 'fc\\..*', lr: 1e-2}\n"
    "  - {match: '.*', lr_mult: 0.1, weight_decay: 0}\n"
    "data:\n"
    "  train: {folder: data/train, limit: 1_000}\n"
    "  val: {idx: {images: i.idx, labels: l.idx}, classes: ['3', '1']}\n"
    "  preprocess: inherit\n"
    "  augment: [random_resized_crop: {scale: [0.7, 1.0], size: 96}, horizontal_flip: {p: 0.25}]\n"
    "train:\n"
    "  epochs: 15\n"
    "  batch_size: 16\n"
    "  lr: 1e-3\n"
    "  seed: 17\n"
    "  threads: 2\n"
    "  optimizer: {name: sgd, momentum: 0.9, nesterov: yes, weight_decay: 5e-4, exclude: ['.*bias']}\n"
    "  lr_scheduler: {name: step, milestones: [8, 12], warmup_epochs: 0.5}\n"
    "  loss: {name: cross_entropy, label_smoothing: 0.1}\n"
    "output: {dir: out, checkpoint: /abs/x.pth, add_prefix: module.}\n";

static void reads_source_target_and_transfer(void **state)
{
    (void)state;
    checked c;
    const eg_recipe *r = accept(&c, full);
    assert_string_equal(r->folder, "lab");
    assert_string_equal(r->source.checkpoint, "lab/weights/x.pth");
    assert_string_equal(r->source.state_dict, "state_dict");
    assert_string_equal(r->source.sha256, "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789");
    assert_int_equal(r->source.place.line, 4);
    assert_string_equal(r->target.arch, "lab/nets/x.yaml");
    assert_int_equal(r->target.arch_place.column, 16);
    assert_int_equal(r->target.class_count, 2);
    assert_string_equal(eg_doc_find(r->target.args, "num_classes")->text, "2");
    const eg_transfer_section *t = &r->transfer;
    assert_int_equal(t->rule_count, 7);
    assert_string_equal(t->rules[0].text, "strip_prefix: [module., _orig_mod.]");
    assert_true(t->rules[0].any);
    assert_string_equal(t->rules[1].prefixes[0], "backbone.");
    assert_int_equal(t->rules[3].rename_count, 2);
    assert_true(t->rules[3].optional);
    assert_int_equal(t->rules[4].verb, EG_VERB_REPLACE);
    assert_string_equal(t->rules[5].patterns.items[1].text, "{glob: **.counter}");
    assert_int_equal(t->rules[6].place.line, 19);
    assert_int_equal(t->skip.count, 3);
    assert_int_equal(t->missing, EG_POLICY_INIT);
    assert_int_equal(t->unexpected, EG_POLICY_IGNORE);
    assert_int_equal(t->size_mismatch, EG_POLICY_SKIP);
    assert_int_equal(t->unused_rule, EG_POLICY_IGNORE);
    assert_int_equal(t->expect_loaded, 318);
    assert_int_equal(t->expect_initialized, 2);
    assert_true(t->expect_min_loaded == 0.95);
    assert_int_equal(t->expect_place.line, 25);
    done(&c);
}

static void reads_init_freeze_and_groups(void **state)
{
    (void)state;
    checked c;
    const eg_recipe *r = accept(&c, full);
    assert_int_equal(r->init_count, 3);
    assert_int_equal(r->init[0].init.kind, EG_INIT_KAIMING_UNIFORM);
    assert_true(r->init[0].init.a == 2.236 && r->init[0].init.fan_out);
    assert_int_equal(r->init[1].init.kind, EG_INIT_ZEROS);
    assert_true(r->init[2].init.std == 0.02 && r->init[2].init.mean == 0);
    assert_int_equal(r->freeze_count, 3);
    assert_string_equal(r->freeze[0].match.text, "layer[1-3]\\..*");
    assert_int_equal(r->freeze[0].batch_norm, EG_BN_DEFAULT);
    assert_int_equal(r->freeze[1].batch_norm, EG_BN_TRAIN_STATS);
    assert_string_equal(r->freeze[2].match.text, "{glob: stem.*}");
    assert_int_equal(r->group_count, 2);
    assert_true(r->groups[0].lr == 1e-2 && isnan(r->groups[0].lr_mult) && isnan(r->groups[0].weight_decay));
    assert_true(isnan(r->groups[1].lr) && r->groups[1].lr_mult == 0.1 && r->groups[1].weight_decay == 0);
    done(&c);
}

static void reads_data_train_and_output(void **state)
{
    (void)state;
    checked c;
    const eg_recipe *r = accept(&c, full);
    assert_int_equal(r->data.train.kind, EG_DATA_FOLDER);
    assert_string_equal(r->data.train.folder, "lab/data/train");
    assert_int_equal(r->data.train.limit, 1000);
    assert_int_equal(r->data.val.kind, EG_DATA_IDX);
    assert_string_equal(r->data.val.images, "lab/i.idx");
    assert_string_equal(r->data.val.classes[1], "1");
    assert_int_equal(r->data.preprocess.count, 3);
    assert_int_equal(r->data.augment.count, 2);
    assert_true(r->data.augment.items[0].scale[0] == 0.7 && r->data.augment.items[0].ratio[0] == 0.75);
    assert_int_equal(r->data.augment.items[0].width, 96);
    assert_true(r->data.augment.items[1].p == 0.25);
    const eg_train_section *t = &r->train;
    assert_true(t->given && t->epochs == 15 && t->batch_size == 16 && t->lr == 1e-3 && t->seed == 17 &&
                t->threads == 2);
    assert_true(t->optimizer.kind == EG_SGD && t->optimizer.momentum == 0.9 && t->optimizer.nesterov);
    assert_true(t->optimizer.weight_decay == 5e-4 && t->optimizer.exclude.count == 1);
    assert_true(t->scheduler.kind == EG_SCHEDULE_STEP && t->scheduler.milestone_count == 2);
    assert_true(t->scheduler.milestones[1] == 12 && t->scheduler.gamma == 0.1 &&
                t->scheduler.warmup_epochs == 0.5);
    assert_true(t->loss.label_smoothing == 0.1);
    assert_string_equal(r->output.dir, "lab/out");
    assert_string_equal(r->output.checkpoint, "/abs/x.pth");
    assert_string_equal(r->output.add_prefix, "module.");
    done(&c);
}

static void a_short_recipe_has_pytorch_defaults(void **state)
{
    (void)state;
    checked c;
    const eg_recipe *r = accept(&c, HEAD TAIL_TRAIN "train: {epochs: 1, lr: 0.1, optimizer: adamw}\n");
    assert_string_equal(r->name, "r");
    assert_string_equal(r->output.dir, "lab/runs/r");
    assert_null(r->output.checkpoint);
    assert_string_equal(r->output.add_prefix, "");
    assert_string_equal(r->target.arch, "resnet18");
    assert_false(r->source.given);
    assert_int_equal(r->transfer.missing, EG_POLICY_ERROR);
    assert_true(r->transfer.expect_loaded == -1 && r->transfer.expect_initialized == -1);
    assert_true(r->transfer.expect_min_loaded == -1);
    assert_true(r->train.batch_size == 32 && r->train.seed == 0 && r->train.threads == 0);
    const eg_optimizer_section *o = &r->train.optimizer;
    assert_true(o->kind == EG_ADAMW && o->betas[0] == 0.9 && o->betas[1] == 0.999 && o->eps == 1e-8);
    assert_true(o->weight_decay == 1e-2);
    assert_int_equal(r->train.scheduler.kind, EG_SCHEDULE_CONSTANT);
    assert_false(r->data.val.kind != EG_DATA_NONE);
    done(&c);
    r = accept(&c, HEAD TAIL_TRAIN "train: {epochs: 1, lr: 0.1}\n");
    assert_true(r->train.optimizer.kind == EG_SGD && r->train.optimizer.weight_decay == 0);
    done(&c);
}

static void skip_as_a_single_text(void **state)
{
    (void)state;
    checked c;
    const eg_recipe *r =
        accept(&c, HEAD "source: a.pth\ntransfer: {skip: 'fc\\..*'}\nfreeze: 'layer1\\..*'\n");
    assert_int_equal(r->transfer.skip.count, 1);
    assert_int_equal(r->freeze_count, 1);
    assert_string_equal(r->source.checkpoint, "lab/a.pth");
    done(&c);
}

static bool matches(const char *pattern, const char *name)
{
    checked c;
    char text[512];
    snprintf(text, sizeof text, HEAD "transfer: {skip: %s}\n", pattern);
    const eg_recipe *r = accept(&c, text);
    eg_error err = {0};
    bool match = eg_regex_match(r->transfer.skip.items[0].regex, name, strlen(name), &err) == EG_MATCH;
    done(&c);
    return match;
}

static void s2_10_globs_and_exact_names(void **state)
{
    (void)state;
    assert_true(matches("{glob: 'layer*.weight'}", "layer12.weight"));
    assert_false(matches("{glob: 'layer*.weight'}", "layer1.0.weight"));
    assert_true(matches("{glob: 'layer**.weight'}", "layer1.0.weight"));
    assert_true(matches("{glob: 'a?c'}", "abc"));
    assert_false(matches("{glob: 'a?c'}", "ac"));
    assert_true(matches("{glob: 'l[1-3].x'}", "l2.x"));
    assert_false(matches("{glob: 'l[!1-3].x'}", "l2.x"));
    assert_false(matches("{glob: 'a.b'}", "aXb"));
    assert_true(matches("{glob: 'a[b'}", "a[b"));
    assert_true(matches("{exact: 'a.b*'}", "a.b*"));
    assert_false(matches("{exact: 'a.b'}", "aXb"));
    refuses("transfer: {mapping: [rename: {match: {glob: 'a.*.b'}, to: 'c.b'}]}\n", "bad_template", 3, 59,
            "'c.b' has 0 wildcards, but glob 'a.*.b' has 1");
    checked c;
    const eg_recipe *r =
        accept(&c, HEAD "transfer: {mapping: [rename: {match: {glob: 'a.*.**'}, to: 'c.*.x.**'}]}\n");
    assert_string_equal(r->transfer.rules[0].renames[0].to, "c.\\g<1>.x.\\g<2>");
    done(&c);
}

static void s2_11_patterns_match_whole_names(void **state)
{
    (void)state;
    assert_false(matches("fc", "fc.weight"));
    assert_false(matches("weight", "fc.weight"));
    assert_true(matches("'fc|fc\\.weight'", "fc.weight"));
    checked c;
    accept(&c, HEAD "transfer: {skip: '^fc\\..*$'}\n");
    assert_true(has(&c, "redundant_anchor", 3, 18, "'^' and '$' are not needed"));
    done(&c);
}

static void s2_09_templates_are_checked(void **state)
{
    (void)state;
    refuses("transfer: {mapping: [rename: {match: 'a(.)', to: '\\2'}]}\n", "bad_template", 3, 50,
            "group '2'");
    refuses("transfer: {mapping: [rename: {match: 'a(.)', to: '$1'}]}\n", "bad_template", 3, 50, "write \\1");
    refuses("transfer: {mapping: [rename: {match: 'a(.)', to: '\\q'}]}\n", "bad_template", 3, 50,
            "unknown escape");
    checked c;
    accept(&c, HEAD "transfer: {mapping: [rename: {match: '(?P<n>a)(.)', to: '\\g<n>\\g<2>0\\\\'}]}\n");
    done(&c);
}

static void s2_12_prefixes_are_whole_segments(void **state)
{
    (void)state;
    refuses("transfer: {mapping: [strip_prefix: '']}\n", "bad_prefix", 3, 36, "whole segments");
    refuses("transfer: {mapping: [add_prefix: '.a']}\n", "bad_prefix", 3, 34, "found '.a'");
    refuses("transfer: {mapping: [add_prefix: 'a..b']}\n", "bad_prefix", 3, 34, "found 'a..b'");
    refuses("transfer: {mapping: [strip_prefix: []]}\n", "wrong_type", 3, 36, "a prefix such as 'module.'");
    refuses("transfer: {mapping: [rename: {match: a, to: ''}]}\n", "wrong_type", 3, 45, "not empty");
}

static void mapping_items_have_one_verb(void **state)
{
    (void)state;
    refuses("transfer:\n  mapping:\n    - drop: a\n      select: b\n", "two_verbs", 6, 7,
            "found 'drop' and 'select'");
    refuses("transfer: {mapping: [{optional: true}]}\n", "no_verb", 3, 22, "found none");
    refuses("transfer: {mapping: [renam: {}]}\n", "unknown_key", 3, 22, "did you mean 'rename'?");
    refuses("transfer: {mapping: [module.]}\n", "wrong_type", 3, 22, "items such as 'strip_prefix: module.'");
    refuses("transfer: {mapping: [rename: {match: a, too: b}]}\n", "unknown_key", 3, 41,
            "did you mean 'to'?");
    refuses("transfer: {mapping: [{drop: a, any: true}]}\n", "unknown_key", 3, 22,
            "'any' belongs to strip_prefix");
    checked c;
    const eg_recipe *r =
        accept(&c, HEAD "transfer: {mapping: [strip_prefix: {prefix: m, any: true, optional: true}]}\n");
    assert_true(r->transfer.rules[0].any && r->transfer.rules[0].optional);
    done(&c);
}

static void s2_36_double_quotes_eat_backslashes(void **state)
{
    (void)state;
    refuses("transfer: {skip: \"\\bfc\"}\n", "bad_pattern", 3, 18, "single quotes");
}

static void preprocess_in_both_forms(void **state)
{
    (void)state;
    checked c;
    const eg_recipe *r = accept(&c, full);
    const eg_transform *p = r->data.preprocess.items;
    assert_true(p[0].kind == EG_TRANSFORM_RESIZE && p[0].height == 256 && p[0].width == 0);
    assert_true(p[1].kind == EG_TRANSFORM_CENTER_CROP && p[1].height == 224 && p[1].width == 224);
    assert_true(p[2].kind == EG_TRANSFORM_NORMALIZE && p[2].channels == 3 && p[2].std[2] == 0.4);
    done(&c);
    r = accept(
        &c, HEAD
        "data:\n  train: d\n  preprocess:\n    - resize: {size: [300, 200], interpolation: bicubic}\n"
        "    - center_crop: 224\n    - normalize: {mean: [0.5], std: 0.25}\n  augment: [horizontal_flip]\n");
    p = r->data.preprocess.items;
    assert_true(p[0].height == 300 && p[0].width == 200 && p[0].interpolation == EG_BICUBIC);
    assert_true(p[2].channels == 1 && p[2].std[0] == 0.25);
    assert_true(r->data.augment.items[0].p == 0.5);
    done(&c);
    r = accept(&c, HEAD "data: {train: d, preprocess: {size: 28}}\n");
    assert_true(r->data.preprocess.count == 2 && r->data.preprocess.items[0].height == 28);
    done(&c);
    r = accept(&c, HEAD "source: {checkpoint: a, preprocess: [resize: 9]}\ndata: {train: d}\n");
    assert_int_equal(r->data.preprocess.count, 1);
    done(&c);
}

static void steps_are_checked(void **state)
{
    (void)state;
    refuses("data: {train: d, preprocess: inherit}\n", "missing_key", 3, 30,
            "'source.preprocess', which is not given");
    refuses("data: {train: d, preprocess: [horizontal_flip]}\n", "misplaced_step", 3, 31,
            "belongs under 'augment'");
    refuses("data: {train: d, augment: [resize: 3]}\n", "misplaced_step", 3, 28,
            "belongs under 'preprocess'");
    refuses("data: {train: d, augment: [horizontal_flipp]}\n", "wrong_type", 3, 28,
            "did you mean 'horizontal_flip'?");
    refuses("data: {train: d, augment: [horizontal_flip: {p: 2}]}\n", "out_of_range", 3, 49, "'p' is 2");
    refuses("data: {train: d, preprocess: [resize: 0]}\n", "out_of_range", 3, 39, "between 1 and");
    refuses("data: {train: d, preprocess: [resize]}\n", "missing_key", 3, 31,
            "'size' is missing in 'resize'");
    refuses("data: {train: d, preprocess: [normalize: {mean: [1, 2], std: [1]}]}\n", "wrong_type", 3, 62,
            "'std' has 1 values, but 'mean' has 2");
    refuses("data: {train: d, preprocess: [normalize: {mean: 0, std: 0}]}\n", "wrong_type", 3, 57, "above 0");
    refuses("data: {train: d, preprocess: {mean: 0.5}}\n", "missing_key", 3, 30, "given together");
    refuses("data: {train: d, augment: [random_resized_crop: {scale: [1, 0.5]}]}\n", "out_of_range", 3, 57,
            "low <= high");
    refuses("data: {train: d, preprocess: [{resize: 1, center_crop: 2}]}\n", "wrong_type", 3, 31,
            "a mapping of one name");
    refuses("data: {train: d, preprocess: {size: 2, channel_order: bgr}}\n", "unsupported", 3, 55, "bgr");
}

static void trainings_are_checked_as_a_whole(void **state)
{
    (void)state;
    static const char head[] = HEAD TAIL_TRAIN "train: {epochs: 1, lr: 1, ";
    static const struct {
        const char *rest, *code, *words;
    } cases[] = {
        {"lr_scheduler: plateau}\n", "missing_key", "watches val/loss, and there is no data.val"},
        {"early_stopping: {monitor: val/macro_f1}}\n", "missing_key",
         "watches val/macro_f1, and there is no"},
        {"lr_scheduler: one_cycle}\n", "no_momentum", "'cycle_momentum: false'"},
        {"lr_scheduler: {name: exponential}}\n", "missing_key", "'gamma' is missing"},
        {"lr_scheduler: {name: cosine, warmup_epochs: 1, warmup_steps: 5}}\n", "two_lengths", "not both"},
        {"phases: [{name: a}, {name: a}]}\n", "duplicate", "two phases are named 'a'"},
        {"phases: [{layer_decay: 0.5}]}\n", "missing_key", "there are no train.groups"},
        {"groups: {a: '.*'}, phases: [{lr: {a: 1}, layer_decay: 0.5}]}\n", "two_rates", "not both"},
        {"groups: {a: '.*'}, phases: [{lr: {b: 1}}]}\n", "unknown_group", "no group 'b'"},
        {"loss: {class_weights: heavy}}\n", "wrong_type", "'balanced', or one number a class"},
        {"loss: {name: bce, label_smoothing: 0.1}}\n", "unknown_key", "no meaning for name 'bce'"},
        {"ema: {}}\n", "missing_key", "'decay' is missing"},
        {"seed: 1}\noutput: {weights: [raw, ema]}\n", "missing_key", "train has no 'ema"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        checked c;
        char text[1024];
        snprintf(text, sizeof text, "%s%s", head, cases[i].rest);
        check(&c, text);
        bool found = false;
        for (size_t k = 0; k < c.problems.count; k++)
            found = found || (strcmp(c.problems.items[k].code, cases[i].code) == 0 &&
                              strstr(c.problems.items[k].message, cases[i].words));
        if (!found) print_error("%s", cases[i].rest);
        assert_true(found);
        done(&c);
    }
}

static void sections_are_checked_as_a_whole(void **state)
{
    (void)state;
    refuses("data: {train: {}}\n", "missing_key", 3, 15,
            "exactly one of 'folder', 'idx', 'csv' and 'jsonl', found none");
    refuses("data: {train: {folder: a, idx: {images: i, labels: l}}}\n", "missing_key", 3, 15,
            "found several");
    refuses("data: {train: {idx: {images: i}}}\n", "missing_key", 3, 21, "'labels' is missing in 'idx'");
    refuses("data: {train: {folder: a, classes: [x, x]}}\n", "duplicate", 3, 40, "'x' stands twice");
    refuses(TAIL_TRAIN "train: {epochs: 1, lr: 1, optimizer: {nesterov: true}}\n", "out_of_range", 4, 49,
            "momentum above 0");
    refuses(TAIL_TRAIN "train: {epochs: 1, lr: 1, lr_scheduler: step}\n", "missing_key", 4, 41,
            "exactly one of 'step_size'");
    refuses(TAIL_TRAIN "train: {epochs: 1, lr: 1, lr_scheduler: {name: step, milestones: [3, 3]}}\n",
            "out_of_range", 4, 70, "must ascend");
    refuses(TAIL_TRAIN "train: {lr: 1}\n", "missing_key", 4, 8, "'epochs' is missing in 'train'");
    refuses("source: {checkpoint: a, sha256: abc}\n", "wrong_type", 3, 33, "64 hexadecimal digits");
    refuses("param_groups: [{match: a, lr: 1, lr_mult: 2}]\n", "two_rates", 3, 16, "not both");
    refuses("init: [{match: a, init: uniform, low: 2}]\n", "out_of_range", 3, 8,
            "'low' is 2, but 'high' is 1");
    refuses("freeze: [~]\n", "wrong_type", 3, 10, "a pattern or a mapping with 'match'");
    checked c;
    check(&c, "recipe: 1\ntarget: {arch: a, num_classes: 3, classes: [x, y]}\n");
    assert_true(has(&c, "class_count", 2, 32, "'num_classes' is 3, but 'classes' has 2 names"));
    done(&c);
    check(&c, "");
    assert_true(has(&c, "wrong_type", 1, 1, "the recipe is empty"));
    done(&c);
    check(&c, "[1]");
    assert_true(has(&c, "wrong_type", 1, 1, "'recipe' expects a mapping"));
    done(&c);
}

static void groups_may_give_all_rates(void **state)
{
    (void)state;
    checked c;
    accept(&c,
           HEAD TAIL_TRAIN "train: {epochs: 1}\nparam_groups: [{match: a, lr: 1}, {match: '.*', lr: 2}]\n");
    assert_true(c.recipe->train.lr == 2);
    done(&c);
    refuses(TAIL_TRAIN "train: {epochs: 1}\nparam_groups: [{match: a, lr: 1}, {match: 'b', lr: 2}]\n",
            "missing_key", 4, 8, "'lr' is missing");
}

/* The resolved text reads back to the same recipe and is its own resolved text. */
static void the_resolved_text_is_a_fixed_point(void **state)
{
    (void)state;
    static const char *const texts[] = {
        full, HEAD, HEAD "source: a\n" TAIL_TRAIN "train: {epochs: 1, lr: 2, optimizer: adamw}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        checked a, b;
        const char *text = eg_recipe_text(&a.arena, accept(&a, texts[i]));
        const char *again = eg_recipe_text(&b.arena, accept(&b, text));
        assert_string_equal(text, again);
        assert_string_equal(a.recipe->name, b.recipe->name);
        assert_string_equal(a.recipe->output.dir, b.recipe->output.dir);
        done(&a);
        done(&b);
    }
    checked c;
    const char *text = eg_recipe_text(&c.arena, accept(&c, texts[2]));
    assert_non_null(strstr(text, "batch_size: 32"));
    assert_non_null(strstr(text, "weight_decay: 1e-2"));
    assert_non_null(strstr(text, "name: r\n"));
    assert_non_null(strstr(text, "dir: runs/r\n"));
    assert_null(strstr(text, "momentum"));
    assert_null(strstr(text, "-1"));
    done(&c);
}

static void a_name_leads_to_no_other_folder(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a", "runs/a"}, {"../../etc", "runs/-.-..-etc"}, {"s3://x/y", "runs/s3---x-y"}, {".", "runs/-"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        checked c, again;
        const char *lines = "recipe: 1\ntarget: {arch: lenet}\nname: '";
        char text[200];
        snprintf(text, sizeof text, "%s%s'\n", lines, rows[i][0]);
        const eg_recipe *recipe = accept(&c, text);
        if (!strstr(recipe->output.dir, rows[i][1])) print_message("%s\n", recipe->output.dir);
        assert_non_null(strstr(recipe->output.dir, rows[i][1]));
        accept(&again, eg_recipe_text(&c.arena, recipe)); /* the resolved text is a recipe */
        assert_string_equal(again.recipe->output.dir, recipe->output.dir);
        done(&again);
        done(&c);
    }
}

static void reads_files(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    assert_null(eg_recipe_read(&arena, "/nonexistent.yaml", NULL, 0, &problems, &err));
    assert_int_equal(err.code, EG_SYSTEM);

    char path[] = "/tmp/engraft-recipe-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char text[] = "recipe: 1\ntarget: x\nrecipe: 1\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    err = (eg_error){0};
    assert_null(eg_recipe_read(&arena, path, NULL, 0, &problems, &err));
    assert_int_equal(err.code, EG_RECIPE);
    assert_string_equal(err.file, path);
    assert_int_equal(problems.errors, 1);
    assert_int_equal(problems.items[0].place.line, 3);
    unlink(path);
    eg_arena_clear(&arena);
}

static void verbs_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *code, *words;
    } rows[] = {
        {"concat: {match: 'a(b)', order: [b], to: x}", "missing_key", "'group' is missing in 'concat'"},
        {"concat: {match: 'a(b)', group: 2, order: [b], to: x}", "bad_template", "has no group '2'"},
        {"concat: {match: 'a(b)', group: 1, order: [b], to: '\\2'}", "bad_template", "2"},
        {"concat: {match: 'a(b)', group: 1, order: [b], to: x, dims: 1}", "unknown_key",
         "did you mean 'dim'?"},
        {"stack: {match: 'a(b)', index: 1, to: [x, y]}", "wrong_type", "'to' expects one name"},
        {"split: {match: a, to: x}", "wrong_type", "two names or more"},
        {"split: {match: a, to: [x, y], sizes: [1]}", "bad_split",
         "'sizes' has 1 sizes, but 'to' has 2 names"},
        {"split: {match: a, to: [x, y], sizes: [1, 0]}", "wrong_type", "'equal', or a list of sizes"},
        {"transform: {match: a, ops: [{reshape: 1}]}", "wrong_type", "there are unsqueeze"},
        {"transform: {match: a, ops: [{transpose: 1}]}", "wrong_type", "'transpose' expects two dims"},
        {"shift: {match: 'a.*', by: 1}", "wrong_type", "a pattern with a group"},
        {"use: nothing", "wrong_type", "a dialect with its version"},
        {"use: torchvision-vg@1", "unknown_dialect", "did you mean 'torchvision-vgg'?"},
        {"use: torchvision-vgg@7", "dialect_version", "asks for version 7, and the dialect is version 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        checked c;
        char text[512];
        snprintf(text, sizeof text, HEAD "transfer:\n  mapping:\n    - %s\n", rows[i].rule);
        check(&c, text);
        const eg_problem *p = c.problems.items;
        bool right = c.problems.errors == 1 && strcmp(p->code, rows[i].code) == 0 && p->place.line == 5 &&
                     strstr(p->message, rows[i].words);
        if (!right) {
            print_message("%s:\n", rows[i].rule);
            eg_problems_print(&c.problems, stdout, false);
        }
        assert_true(right);
        done(&c);
    }
}

static void source_classes_are_names_or_a_number(void **state)
{
    (void)state;
    checked c;
    assert_int_equal(accept(&c, HEAD "source: {checkpoint: x, classes: 1000}\n")->source.class_count, 1000);
    done(&c);
    assert_int_equal(accept(&c, HEAD "source: {checkpoint: x, classes: imagenet1k}\n")->source.class_count,
                     1000);
    done(&c);
    const eg_recipe *recipe = accept(&c, HEAD "source: {checkpoint: x, classes: [a, b], arch: vgg16}\n");
    assert_string_equal(recipe->source.classes[1], "b");
    assert_string_equal(recipe->source.arch, "vgg16");
    done(&c);
    refuses("source: {checkpoint: x, classes: [a, a]}\n", "duplicate", 3, 38, "'a' stands twice");
    refuses("source: {checkpoint: x, classes: no.txt}\n", "no_file", 3, 34, "cannot read");
    refuses("output: {format: onnx}\n", "wrong_type", 3, 18, "one of pth, pth-legacy, safetensors, npz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_source_target_and_transfer),
        cmocka_unit_test(reads_init_freeze_and_groups),
        cmocka_unit_test(reads_data_train_and_output),
        cmocka_unit_test(a_short_recipe_has_pytorch_defaults),
        cmocka_unit_test(skip_as_a_single_text),
        cmocka_unit_test(s2_10_globs_and_exact_names),
        cmocka_unit_test(s2_11_patterns_match_whole_names),
        cmocka_unit_test(s2_09_templates_are_checked),
        cmocka_unit_test(s2_12_prefixes_are_whole_segments),
        cmocka_unit_test(mapping_items_have_one_verb),
        cmocka_unit_test(s2_36_double_quotes_eat_backslashes),
        cmocka_unit_test(preprocess_in_both_forms),
        cmocka_unit_test(steps_are_checked),
        cmocka_unit_test(trainings_are_checked_as_a_whole),
        cmocka_unit_test(sections_are_checked_as_a_whole),
        cmocka_unit_test(groups_may_give_all_rates),
        cmocka_unit_test(the_resolved_text_is_a_fixed_point),
        cmocka_unit_test(a_name_leads_to_no_other_folder),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(verbs_are_checked),
        cmocka_unit_test(source_classes_are_names_or_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
