/* Recipes laid over each other, and variables. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "helper.h"

/* Files in a folder of their own. */
typedef struct folder {
    char path[64];
    eg_arena arena;
} folder;

static void open_folder(folder *f)
{
    *f = (folder){.path = "/tmp/engraft-extends-XXXXXX"};
    assert_non_null(mkdtemp(f->path));
}

static void write_file(folder *f, const char *name, const char *text)
{
    const char *path = eg_path_join(&f->arena, f->path, name);
    assert_true(eg_folder_make(eg_path_folder(&f->arena, path), NULL));
    assert_true(eg_file_write(path, text, strlen(text), NULL));
}

static void close_folder(folder *f)
{
    const char *command = eg_arena_printf(&f->arena, "rm -r '%s'", f->path);
    assert_int_equal(system(command), 0);
    eg_arena_clear(&f->arena);
}

static void read_recipe(checked *c, folder *f, const char *const *overrides, size_t count)
{
    *c = (checked){0};
    c->problems.arena = &c->arena;
    c->recipe = eg_recipe_read(&c->arena, eg_path_join(&f->arena, f->path, "r.yaml"), overrides, count,
                               &c->problems, &c->err);
}

static void later_wins_lists_replace(void **state)
{
    (void)state;
    folder f;
    checked c;
    open_folder(&f);
    write_file(&f, "base/a.yaml",
               "recipe: 1\nsource: w/x.pth\ntarget: {arch: resnet18, num_classes: 2}\n"
               "transfer: {skip: [a, b], missing: init}\nfreeze: [c]\n");
    write_file(&f, "base/b.yaml", "transfer: {skip: [d]}\nname: b\n");
    write_file(&f, "r.yaml",
               "extends: [base/a.yaml, base/b.yaml]\ntransfer: {+skip: [e], unexpected: ignore}\n"
               "-freeze:\ntarget: {num_classes: 3}\n");
    read_recipe(&c, &f, NULL, 0);
    if (!c.recipe) eg_problems_print(&c.problems, stdout, false);
    assert_non_null(c.recipe);
    assert_string_equal(c.recipe->name, "b");
    assert_string_equal(c.recipe->target.arch, "resnet18");
    assert_string_equal(eg_doc_find(c.recipe->target.args, "num_classes")->text, "3");
    assert_int_equal(c.recipe->transfer.skip.count, 2);
    assert_string_equal(c.recipe->transfer.skip.items[0].text, "d");
    assert_string_equal(c.recipe->transfer.skip.items[1].text, "e");
    assert_int_equal(c.recipe->transfer.missing, EG_POLICY_INIT);
    assert_int_equal(c.recipe->transfer.unexpected, EG_POLICY_IGNORE);
    assert_int_equal(c.recipe->freeze_count, 0);
    const char *weights = eg_path_join(&f.arena, f.path, "base/w/x.pth");
    assert_string_equal(c.recipe->source.checkpoint, weights);
    done(&c);
    close_folder(&f);
}

static void refused(const char *other, const char *recipe, const char *code, unsigned line, const char *words)
{
    folder f;
    checked c;
    open_folder(&f);
    write_file(&f, "other.yaml", other);
    write_file(&f, "r.yaml", recipe);
    read_recipe(&c, &f, NULL, 0);
    assert_null(c.recipe);
    assert_int_equal(c.err.code, EG_RECIPE);
    const eg_problem *p = &c.problems.items[0];
    if (strcmp(p->code, code) != 0 || !strstr(p->message, words))
        eg_problems_print(&c.problems, stdout, false);
    assert_string_equal(p->code, code);
    assert_int_equal(p->place.line, line);
    assert_non_null(strstr(p->message, words));
    done(&c);
    close_folder(&f);
}

static void cycles_and_lost_files_are_refused(void **state)
{
    (void)state;
    refused("extends: r.yaml\n", HEAD "extends: other.yaml\n", "cycle", 1, "'r.yaml' extends itself");
    refused("", HEAD "extends: r.yaml\n", "cycle", 3, "'r.yaml' extends itself");
    refused("", HEAD "extends: [no.yaml]\n", "no_file", 3, "no.yaml");
    refused("a: [\n", HEAD "extends: other.yaml\n", "yaml", 2, "");
    refused("", HEAD "-freeze:\n", "unknown_key", 3, "nothing to remove: there is no 'freeze'");
    refused("zzz: 1\n", HEAD "extends: other.yaml\n", "unknown_key", 1, "unknown key 'zzz'");
}

static void paths_start_where_they_stand(void **state)
{
    (void)state;
    folder f;
    checked c;
    open_folder(&f);
    write_file(&f, "deep/base.yaml",
               "source: {checkpoint: w/x.pth, classes: names.txt}\ntarget: {arch: net.yaml}\n"
               "output: {dir: out}\n");
    write_file(&f, "deep/names.txt", "a\nb\n");
    write_file(&f, "r.yaml", "recipe: 1\nextends: deep/base.yaml\noutput: {checkpoint: m.pth}\n");
    read_recipe(&c, &f, NULL, 0);
    assert_non_null(c.recipe);
    assert_string_equal(c.recipe->source.checkpoint, eg_path_join(&c.arena, f.path, "deep/w/x.pth"));
    assert_string_equal(c.recipe->target.arch, eg_path_join(&c.arena, f.path, "deep/net.yaml"));
    assert_string_equal(c.recipe->output.checkpoint, eg_path_join(&c.arena, f.path, "m.pth"));
    const char *text = eg_recipe_text(&c.arena, c.recipe);
    static const char *const lines[] = {"checkpoint: deep/w/x.pth\n", "classes: deep/names.txt\n",
                                        "arch: deep/net.yaml\n", "dir: deep/out\n", "checkpoint: m.pth\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!strstr(text, lines[i])) print_message("%s\n", text);
        assert_non_null(strstr(text, lines[i]));
    }
    write_file(&f, "again.yaml", text); /* the resolved recipe means the same files */
    checked again = {0};
    again.problems.arena = &again.arena;
    again.recipe = eg_recipe_read(&again.arena, eg_path_join(&f.arena, f.path, "again.yaml"), NULL, 0,
                                  &again.problems, &again.err);
    assert_non_null(again.recipe);
    assert_string_equal(again.recipe->source.checkpoint, c.recipe->source.checkpoint);
    assert_string_equal(again.recipe->target.arch, c.recipe->target.arch);
    done(&again);
    done(&c);
    close_folder(&f);
}

static void variables_are_filled_in(void **state)
{
    (void)state;
    checked c;
    const char *text =
        "recipe: 1\nvars: {n: 2, names: [a, b], stem: run, full: '${stem}-${n}'}\nname: ${full}\n"
        "target: {arch: resnet18, num_classes: '${n}', classes: '${names}'}\n";
    const eg_recipe *recipe = accept(&c, text);
    assert_string_equal(recipe->name, "run-2");
    assert_int_equal(recipe->target.class_count, 2);
    assert_null(strstr(eg_recipe_text(&c.arena, recipe), "vars"));
    done(&c);
    const char *const overrides[] = {"vars.stem=walk"};
    check_with(&c, text, overrides, 1);
    assert_string_equal(c.recipe->name, "walk-2");
    done(&c);
}

static void unknown_variables_are_refused(void **state)
{
    (void)state;
    refuses("vars: {classes: 2}\nname: 'x${clases}'\n", "unknown_variable", 4, 7,
            "there is no variable 'clases' in 'vars'; did you mean 'classes'?");
    refuses("name: 'x${n}'\n", "unknown_variable", 3, 7, "there is no variable 'n'");
    refuses("vars: {l: [1]}\nname: 'x${l}'\n", "wrong_type", 4, 7, "cannot stand inside a text");
    refuses("vars: [1]\n", "wrong_type", 3, 7, "'vars' expects a mapping");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_wins_lists_replace),      cmocka_unit_test(cycles_and_lost_files_are_refused),
        cmocka_unit_test(paths_start_where_they_stand),  cmocka_unit_test(variables_are_filled_in),
        cmocka_unit_test(unknown_variables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
