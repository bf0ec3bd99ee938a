/* Folder sets: classes sorted by byte, torchvision's order of files, what is skipped and counted, the choice
 * of classes, limits, and every sentence. The folders are made by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "data/dataset.h"
#include "data/folder.h"

typedef struct fixture {
    eg_arena arena;
    char root[64];
} fixture;

static void touch(fixture *f, const char *path)
{
    eg_error err = {0};
    const char *whole = eg_arena_printf(&f->arena, "%s/%s", f->root, path);
    assert_true(eg_folder_make(eg_path_folder(&f->arena, whole), &err));
    assert_true(eg_file_write(whole, "x", 1, &err));
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->root, "/tmp/engraft-folder-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    *state = f;
    return 0;
}

static void remove_all(const char *path)
{
    eg_arena arena = {0};
    const char *const *names;
    size_t count;
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        assert_true(eg_folder_list(&arena, path, &names, &count, NULL));
        for (size_t i = 0; i < count; i++) remove_all(eg_arena_printf(&arena, "%s/%s", path, names[i]));
    }
    remove(path);
    eg_arena_clear(&arena);
}

static int teardown(void **state)
{
    fixture *f = *state;
    remove_all(f->root);
    eg_arena_clear(&f->arena);
    free(f);
    return 0;
}

static eg_data_set spec_of(const fixture *f)
{
    return (eg_data_set){.kind = EG_DATA_FOLDER, .folder = f->root, .place = {"r.yaml", 4, 9}};
}

/* "label:file label:file …", files without the root. */
static const char *listing(fixture *f, const eg_dataset *set)
{
    eg_buf buf = {0};
    for (size_t i = 0; i < set->count; i++)
        eg_buf_printf(&buf, "%s%d:%s", i ? " " : "", set->samples[i].label,
                      set->samples[i].file + strlen(f->root) + 1);
    return eg_buf_take(&buf, &f->arena);
}

static void test_order(void **state)
{
    fixture *f = *state;
    static const char *const files[] = {"b/2.jpg",      "b/10.jpg",         "b/1.PNG",       "b/note.txt",
                                        "b/stray.gif",  "b/.hidden.jpg",    "a/x.jpeg",      "a/in/y.jpg",
                                        "a/in-b/z.jpg", "a/in/c/w.jpg",     "Z/q.jpg",       ".git/o.jpg",
                                        "top.jpg",      "a/in/c/Thumbs.db", "b/.cache/n.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) touch(f, files[i]);
    touch(f, "b/dir.png/inner.png"); /* a folder, whatever its name */
    eg_data_set spec = spec_of(f);
    eg_error err = {0};
    const eg_dataset *set = eg_dataset_open(&f->arena, &spec, NULL, 0, 3, &err);
    assert_non_null(set);
    assert_int_equal(set->class_count, 3);
    assert_string_equal(set->classes[0], "Z");
    assert_string_equal(set->classes[1], "a");
    assert_string_equal(set->classes[2], "b");
    assert_int_equal(set->skipped, 3);
    assert_int_equal(set->channels, 3);
    assert_string_equal(listing(f, set),
                        "0:Z/q.jpg 1:a/x.jpeg 1:a/in/y.jpg 1:a/in-b/z.jpg 1:a/in/c/w.jpg 2:b/1.PNG "
                        "2:b/10.jpg 2:b/2.jpg 2:b/dir.png/inner.png");
}

static void make_classes(fixture *f)
{
    static const char *const files[] = {"ants/1.jpg", "ants/2.jpg",  "ants/3.jpg",  "ants/4.jpg",
                                        "bees/1.jpg", "wasps/1.jpg", "wasps/2.jpg", "wasps/3.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) touch(f, files[i]);
}

static void test_classes(void **state)
{
    fixture *f = *state;
    make_classes(f);
    eg_data_set spec = spec_of(f);
    eg_error err = {0};
    const char *const fixed[] = {"wasps", "ants", "bees"}, *const kept[] = {"wasps", "ants"};
    const eg_dataset *set = eg_dataset_open(&f->arena, &spec, fixed, 3, 3, &err);
    assert_non_null(set);
    assert_int_equal(set->count, 8);
    assert_string_equal(set->classes[0], "wasps");
    assert_int_equal(set->samples[0].label, 0);
    assert_true(eg_ends_with(set->samples[0].file, "wasps/1.jpg"));
    spec.classes = kept;
    spec.class_count = 2;
    set = eg_dataset_open(&f->arena, &spec, NULL, 0, 3, &err);
    assert_non_null(set);
    assert_string_equal(set->classes[0], "wasps");
    assert_int_equal(set->count, 7);
    set = eg_dataset_open(&f->arena, &spec, (const char *const[]){"ants", "wasps"}, 2, 3, &err);
    assert_non_null(set);
    assert_string_equal(set->classes[0], "ants");
    assert_true(eg_ends_with(set->samples[0].file, "ants/1.jpg"));
}

static void test_limit(void **state)
{
    fixture *f = *state;
    make_classes(f);
    eg_data_set spec = spec_of(f);
    static const struct {
        int64_t limit;
        const char *expected;
    } cases[] = {
        {1, "0:ants/1.jpg"},
        {2, "0:ants/1.jpg 1:bees/1.jpg"},
        {4, "0:ants/1.jpg 0:ants/2.jpg 1:bees/1.jpg 2:wasps/1.jpg"},
        {6, "0:ants/1.jpg 0:ants/2.jpg 0:ants/3.jpg 1:bees/1.jpg 2:wasps/1.jpg 2:wasps/2.jpg"},
        {100, "0:ants/1.jpg 0:ants/2.jpg 0:ants/3.jpg 0:ants/4.jpg 1:bees/1.jpg 2:wasps/1.jpg 2:wasps/2.jpg "
              "2:wasps/3.jpg"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_error err = {0};
        spec.limit = cases[i].limit;
        const eg_dataset *set = eg_dataset_open(&f->arena, &spec, NULL, 0, 3, &err);
        assert_non_null(set);
        assert_string_equal(listing(f, set), cases[i].expected);
        assert_int_equal(set->class_count, 3);
    }
}

static void refused(fixture *f, const eg_data_set *spec, const char *const *fixed, size_t count,
                    const char *format)
{
    eg_error err = {0};
    eg_arena arena = {0};
    const char *text = eg_arena_printf(&arena, format, f->root, f->root);
    assert_null(eg_dataset_open(&arena, spec, fixed, count, 3, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(err.code, EG_RECIPE);
    assert_int_equal(err.line, 4);
    eg_arena_clear(&arena);
}

static void test_refused(void **state)
{
    fixture *f = *state;
    eg_data_set spec = spec_of(f);
    eg_error err = {0};
    refused(f, &spec, NULL, 0, "'%s' has no sub-folders, expected one for each class");
    make_classes(f);
    refused(f, &spec, (const char *const[]){"ants", "bees"}, 2,
            "'%s' has a class 'wasps' that is not one of the model's classes (ants, bees): keep only those "
            "with 'classes'");
    refused(f, &spec, (const char *const[]){"ants", "bees", "wasps", "bee"}, 4,
            "there is no class 'bee' in '%s' (did you mean 'bees'?), which has: ants, bees, wasps");
    refused(f, &spec, (const char *const[]){"ants", "bees", "wasps", "ants"}, 4,
            "class 'ants' is listed twice");
    touch(f, "flies/a.gif");
    touch(f, "flies/b.txt");
    refused(f, &spec, NULL, 0,
            "class 'flies' has no images: '%s/flies' holds no .jpg, .jpeg or .png (2 other files)");
    spec.classes = (const char *const[]){"ants", "xyz"};
    spec.class_count = 2;
    refused(f, &spec, NULL, 0, "there is no class 'xyz' in '%s', which has: ants, bees, flies, wasps");
    spec.folder = "/nowhere/at/all";
    assert_null(eg_dataset_open(&f->arena, &spec, NULL, 0, 3, &err));
    assert_int_equal(err.code, EG_SYSTEM);
    assert_string_equal(err.file, "/nowhere/at/all");
}

/* A link back to its own folder ends in a sentence, not in a loop. */
static void test_circle(void **state)
{
    fixture *f = *state;
    touch(f, "a/1.jpg");
    assert_int_equal(symlink(".", eg_arena_printf(&f->arena, "%s/a/back", f->root)), 0);
    eg_file_list list;
    eg_error err = {0};
    assert_false(eg_folder_images(&f->arena, eg_arena_printf(&f->arena, "%s/a", f->root), &list, &err));
    assert_int_equal(err.code, EG_SYSTEM);
    assert_string_equal(err.text, "folders are nested more than 16 deep: does a link lead back?");
}

/* The tutorial's set holds one stray GIF. */
static void test_hymenoptera(void **state)
{
    fixture *f = *state;
    const char *shared = getenv("ENGRAFT_SHARED");
    eg_data_set spec = spec_of(f);
    eg_error err = {0};
    spec.folder = eg_arena_printf(&f->arena, "%s/images/hymenoptera/train", shared ? shared : ".");
    if (!eg_path_is_folder(spec.folder)) {
        print_message("skipped: ENGRAFT_SHARED does not hold hymenoptera\n");
        skip();
    }
    const eg_dataset *set = eg_dataset_open(&f->arena, &spec, NULL, 0, 3, &err);
    assert_non_null(set);
    assert_int_equal(set->count, 123 + 121);
    assert_int_equal(set->skipped, 1);
    eg_image image = {0};
    assert_true(eg_dataset_image(set, 200, &image, &err));
    assert_int_equal(image.channels, 3);
    eg_image_clear(&image);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_order),   WITH_FOLDER(test_classes), WITH_FOLDER(test_limit),
        WITH_FOLDER(test_refused), WITH_FOLDER(test_circle),  WITH_FOLDER(test_hymenoptera),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
