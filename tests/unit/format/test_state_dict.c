/* Finding the state dict in what people save. Cases A18, A23, A24 of the format notes. */
#include "make_torch.h"

static const float ramp[8] = {0, 1, 2, 3, 4, 5, 6, 7};

static void put_number(eg_buf *p, int at)
{
    put_tensor(p, &(tensor_spec){.class = "FloatStorage", .key = "0", .numel = 8, .offset = at});
}

/* name: {w: element number at} */
static void put_state(eg_buf *p, const char *name, int at)
{
    put_text(p, name);
    OP(p, "ccollections\nOrderedDict\n)R");
    put_text(p, "w");
    put_number(p, at);
    OP(p, "s");
}

static eg_buf file_of(eg_buf *pickle)
{
    eg_buf zip = {0};
    put_torch_zip(&zip, pickle, ramp, sizeof ramp);
    eg_buf_clear(pickle);
    return zip;
}

static eg_checkpoint *open_path(eg_buf *zip, const char *state_dict, eg_error *err)
{
    return open_with(zip, &(eg_checkpoint_options){.state_dict = state_dict}, err);
}

static const char *value_text(const eg_checkpoint *file, const char *name, const char *type)
{
    for (size_t i = 0; i < file->value_count; i++) {
        if (strcmp(file->values[i].name, name) != 0) continue;
        assert_string_equal(file->values[i].type, type);
        return file->values[i].text;
    }
    fail_msg("no value '%s'", name);
    return "";
}

static void a18_training_checkpoint(void **state)
{
    eg_buf p = {0};
    (void)state;
    begin_dict(&p);
    put_text(&p, "epoch");
    put_int(&p, 12);
    put_state(&p, "state_dict", 3);
    put_text(&p, "optimizer");
    OP(&p, "}");
    put_text(&p, "state");
    OP(&p, "}K\x05}");
    put_text(&p, "momentum_buffer");
    put_number(&p, 4);
    OP(&p, "sss");
    put_text(&p, "args");
    OP(&p, "cargparse\nNamespace\n)\x81}");
    put_text(&p, "lr");
    OP(&p, "G\x3f\xb9\x99\x99\x99\x99\x99\x9a"
           "sb");
    put_text(&p, "best_acc");
    OP(&p, "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n");
    put_text(&p, "f4");
    OP(&p, "K\x00K\x01\x87RU\x04"
           "abcd\x86R");
    put_text(&p, "rng");
    put_number(&p, 5);
    put_text(&p, "seed");
    OP(&p, "\x8a\x09\0\0\0\0\0\0\0\0\x01");
    put_text(&p, "optimizer_type");
    OP(&p, "ctorch.optim.adam\nAdam\n");
    end_dict(&p);
    eg_buf zip = file_of(&p);
    eg_checkpoint *file = open_good(&zip);
    assert_string_equal(file->state_dict, "state_dict");
    assert_int_equal(file->store.count, 1);
    expect_floats(file, "w", (const float[]){3}, 1);
    assert_string_equal(value_text(file, "epoch", "int"), "12");
    assert_string_equal(value_text(file, "args.lr", "float"), "0.1");
    assert_string_equal(value_text(file, "rng", "tensor"), "F32 []");
    assert_string_equal(value_text(file, "optimizer_type", "type"), "torch.optim.adam.Adam");
    value_text(file, "seed", "int");
    value_text(file, "best_acc", "numpy.core.multiarray.scalar");
    value_text(file, "optimizer", "dict");
    assert_int_equal(file->reference_count, 1);
    assert_false(file->references[0].dangerous);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

static void a23_lists(void **state)
{
    eg_buf p = {0};
    (void)state;
    OP(&p, "\x80\x02}");
    put_text(&p, "weights");
    OP(&p, "](");
    put_number(&p, 1);
    put_number(&p, 2);
    OP(&p, "}");
    put_text(&p, "b");
    put_number(&p, 3);
    OP(&p, "s\x86"
           "es.");
    eg_buf zip = file_of(&p);
    eg_checkpoint *file = open_good(&zip);
    static const char *const names[] = {"weights.0", "weights.1.0", "weights.1.1.b"};
    assert_int_equal(file->store.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(file->store.entries[i].name, names[i]);
        expect_floats(file, names[i], &(float){(float)(i + 1)}, 1);
    }
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

/* numpy.core.multiarray._reconstruct(…) and its state: a little-endian type, a shape of one number, bytes. */
static void put_array(eg_buf *p, const char *type, int64_t size, bool fields, const char *bytes,
                      size_t length)
{
    put_global(p, "numpy.core.multiarray", "_reconstruct");
    put_global(p, "numpy", "ndarray");
    OP(p, "K\0\x85U\x01"
          "b\x87R(K\1");
    put_int(p, size);
    OP(p, "\x85");
    put_global(p, "numpy", "dtype");
    put_text(p, type);
    OP(p, "\x89\x88\x87R(K\x03U\x01<N");
    OP(p, "N");
    if (fields) OP(p, "}");
    if (!fields) OP(p, "N");
    OP(p, "J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89");
    OP(p, "B");
    put(p, length, 4);
    eg_buf_add(p, bytes, length);
    OP(p, "tb");
}

static eg_buf file_of_array(const char *type, int64_t size, bool fields, const char *bytes, size_t length)
{
    eg_buf p = {0};
    begin_dict(&p);
    put_text(&p, "w");
    put_array(&p, type, size, fields, bytes, length);
    end_dict(&p);
    return file_of(&p);
}

/* Arrays are the state dict of a file without tensors; their descriptions are checked like a tensor's. */
static void numpy_arrays(void **state)
{
    static const struct {
        const char *type;
        int64_t size;
        bool fields;
        size_t length;
        const char *id;
    } cases[] = {
        {"f4", 3, false, 8, "NPY-002"},         {"f4", -1, false, 8, "TEN-002"},
        {"f8", INT64_MAX, false, 8, "TEN-004"}, {"O8", 1, false, 8, "SEL-002"},
        {"f4", 2, true, 8, "SEL-002"},          {"", 2, false, 8, "SEL-002"},
    };
    (void)state;
    eg_buf zip = file_of_array("f4", 2, false, (const char *)&ramp[2], 8);
    eg_checkpoint *file = open_good(&zip);
    expect_floats(file, "w", ramp + 2, 2);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zip =
            file_of_array(cases[i].type, cases[i].size, cases[i].fields, (const char *)ramp, cases[i].length);
        expect_error(&zip, cases[i].id, EG_MALFORMED);
        eg_buf_clear(&zip);
    }
}

/* Beside a tensor an array is a value. */
static void numpy_arrays_beside_tensors(void **state)
{
    eg_buf p = {0};
    (void)state;
    begin_dict(&p);
    put_text(&p, "anchors");
    put_array(&p, "f4", 2, false, (const char *)ramp, 8);
    put_state(&p, "model", 3);
    end_dict(&p);
    eg_buf zip = file_of(&p);
    eg_checkpoint *file = open_good(&zip);
    assert_string_equal(file->state_dict, "model");
    assert_int_equal(file->store.count, 1);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

static void a24_no_tensors(void **state)
{
    eg_buf p = {0};
    eg_error err;
    (void)state;
    begin_dict(&p);
    put_text(&p, "epoch");
    put_int(&p, 1);
    put_text(&p, "name");
    put_text(&p, "net");
    end_dict(&p);
    eg_buf zip = file_of(&p);
    assert_null(open_with(&zip, NULL, &err));
    assert_string_equal(err.id, "SEL-002");
    assert_string_equal(err.text, "no tensors found (top-level keys: epoch, name)");
    eg_buf_clear(&zip);
    OP(&p, "\x80\x02}.");
    expect_pickle_error(&p, 0, "SEL-002", EG_MALFORMED);
    OP(&p, "\x80\x02N.");
    expect_pickle_error(&p, 0, "SEL-002", EG_MALFORMED);
}

static void several_candidates_must_be_chosen(void **state)
{
    eg_buf p = {0};
    eg_error err;
    (void)state;
    begin_dict(&p);
    put_state(&p, "model", 1);
    put_state(&p, "ema", 2);
    end_dict(&p);
    eg_buf zip = file_of(&p);
    assert_null(open_with(&zip, NULL, &err));
    assert_string_equal(err.id, "SEL-001");
    assert_int_equal(err.code, EG_RECIPE);
    assert_string_equal(
        err.text, "several state dicts: model (1 tensor), ema (1 tensor); set `state_dict:` in the recipe");
    eg_checkpoint *file = open_path(&zip, "ema", &err);
    assert_string_equal(file->state_dict, "ema");
    expect_floats(file, "w", (const float[]){2}, 1);
    eg_checkpoint_close(file);
    file = open_path(&zip, ".", &err);
    assert_string_equal(file->state_dict, "");
    expect_floats(file, "ema.w", (const float[]){2}, 1);
    eg_checkpoint_close(file);
    assert_null(open_path(&zip, "emma", &err));
    assert_string_equal(err.id, "SEL-003");
    assert_int_equal(err.code, EG_RECIPE);
    eg_buf_clear(&zip);
}

/* Not among the customary names, but the only dict with tensors; nested; beside the optimizer. */
static void unusual_and_nested_names(void **state)
{
    eg_buf p = {0};
    eg_error err;
    (void)state;
    begin_dict(&p);
    put_state(&p, "my_net", 1);
    put_state(&p, "optimizer", 2);
    end_dict(&p);
    eg_buf zip = file_of(&p);
    eg_checkpoint *file = open_good(&zip);
    assert_string_equal(file->state_dict, "my_net");
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
    begin_dict(&p);
    put_text(&p, "ema");
    OP(&p, "}(");
    put_state(&p, "state_dict", 5);
    put_text(&p, "decay");
    put_int(&p, 1);
    OP(&p, "u");
    end_dict(&p);
    zip = file_of(&p);
    file = open_good(&zip);
    assert_string_equal(file->state_dict, "ema.state_dict");
    expect_floats(file, "w", (const float[]){5}, 1);
    assert_string_equal(value_text(file, "ema.decay", "int"), "1");
    eg_checkpoint_close(file);
    file = open_path(&zip, "ema.state_dict", &err);
    assert_non_null(file);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

/* The same key twice: Python keeps the last value at the first place. */
static void repeated_keys(void **state)
{
    eg_buf p = {0};
    (void)state;
    begin_dict(&p);
    put_text(&p, "a");
    put_number(&p, 1);
    put_text(&p, "b");
    put_number(&p, 2);
    put_text(&p, "a");
    put_number(&p, 3);
    end_dict(&p);
    eg_buf zip = file_of(&p);
    eg_checkpoint *file = open_good(&zip);
    assert_int_equal(file->store.count, 2);
    assert_string_equal(file->store.entries[0].name, "a");
    expect_floats(file, "a", (const float[]){3}, 1);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

/* A module object of class `mine.Name`; the caller adds its parameters, buffers and modules. */
static void begin_module(eg_buf *p)
{
    OP(p, "cmine\nNet\n)\x81}(");
    put_text(p, "_parameters");
    OP(p, "}");
}

/* net{w, b=None; running, scratch (transient); child{w}, child (again, as `again`)}, and a tensor as plain
 * attribute */
static void modules_become_their_state_dict(void **state)
{
    eg_buf p = {0};
    (void)state;
    OP(&p, "\x80\x02");
    begin_module(&p);
    put_text(&p, "w");
    put_number(&p, 1);
    OP(&p, "s");
    put_text(&p, "b");
    OP(&p, "Ns");
    put_text(&p, "_buffers");
    OP(&p, "}(");
    put_text(&p, "running");
    put_number(&p, 2);
    put_text(&p, "scratch");
    put_number(&p, 3);
    OP(&p, "u");
    put_text(&p, "_non_persistent_buffers_set");
    OP(&p, "c__builtin__\nset\n](");
    put_text(&p, "scratch");
    OP(&p, "e\x85R");
    put_text(&p, "_modules");
    OP(&p, "}(");
    put_text(&p, "child");
    begin_module(&p);
    put_text(&p, "w");
    put_number(&p, 4);
    OP(&p, "s");
    put_text(&p, "_buffers");
    OP(&p, "}");
    put_text(&p, "_modules");
    OP(&p, "}uq\x01"
           "b");
    put_text(&p, "again");
    OP(&p, "h\x01u");
    put_text(&p, "anchors");
    put_number(&p, 6);
    OP(&p, "ub.");
    for (size_t i = 0; i + 4 < p.length; i++) /* memoise the child after its BUILD, not its state */
        if (memcmp(p.data + i,
                   "uq\x01"
                   "b",
                   4) == 0)
            memcpy(p.data + i, "ubq\x01", 4);
    eg_buf zip = file_of(&p);
    eg_checkpoint *file = open_good(&zip);
    static const char *const names[] = {"w", "running", "child.w", "again.w"};
    static const float values[] = {1, 2, 4, 4};
    assert_int_equal(file->store.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(file->store.entries[i].name, names[i]);
        expect_floats(file, names[i], &values[i], 1);
    }
    assert_int_equal(file->warning_count, 1); /* anchors */
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

/* What a tensor inside an unknown object means, only its class knows. */
static void objects_that_hide_tensors_are_refused(void **state)
{
    eg_buf p = {0};
    eg_error err;
    (void)state;
    begin_dict(&p);
    put_text(&p, "w");
    put_number(&p, 1);
    put_text(&p, "odd");
    OP(&p, "cmine\nBox\n)\x81}");
    put_text(&p, "inside");
    put_number(&p, 2);
    OP(&p, "sb");
    end_dict(&p);
    eg_buf zip = file_of(&p);
    expect_error(&zip, "PKL-013", EG_UNSAFE);
    eg_checkpoint *file = open_with(&zip, &(eg_checkpoint_options){.inspect = true}, &err);
    assert_int_equal(file->store.count, 1);
    value_text(file, "odd", "mine.Box");
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

/* Names that meet after joining with dots. */
static void equal_names_are_refused(void **state)
{
    eg_buf p = {0};
    eg_error err;
    (void)state;
    begin_dict(&p);
    put_text(&p, "a.b");
    put_number(&p, 1);
    put_text(&p, "a");
    OP(&p, "}");
    put_text(&p, "b");
    put_number(&p, 2);
    OP(&p, "s");
    end_dict(&p);
    eg_buf zip = file_of(&p);
    assert_null(open_with(&zip, NULL, &err));
    assert_int_equal(err.code, EG_MALFORMED);
    assert_string_equal(err.text, "two tensors are named 'a.b'");
    eg_buf_clear(&zip);
}

/* A dict inside itself, beside a tensor. */
static void cycles_end(void **state)
{
    eg_buf p = {0};
    (void)state;
    OP(&p, "\x80\x02}q\x00(");
    put_text(&p, "w");
    put_number(&p, 1);
    put_text(&p, "self");
    OP(&p, "h\x00u.");
    eg_buf zip = file_of(&p);
    eg_checkpoint *file = open_good(&zip);
    assert_int_equal(file->store.count, 1);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a18_training_checkpoint),
        cmocka_unit_test(a23_lists),
        cmocka_unit_test(numpy_arrays),
        cmocka_unit_test(numpy_arrays_beside_tensors),
        cmocka_unit_test(a24_no_tensors),
        cmocka_unit_test(several_candidates_must_be_chosen),
        cmocka_unit_test(unusual_and_nested_names),
        cmocka_unit_test(repeated_keys),
        cmocka_unit_test(modules_become_their_state_dict),
        cmocka_unit_test(objects_that_hide_tensors_are_refused),
        cmocka_unit_test(equal_names_are_refused),
        cmocka_unit_test(cycles_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
