/* TorchScript archives. Cases C01 and C02 of the format notes, and real files. */
#include "real_torch.h"

static const float ramp[6] = {0, 1, 2, 3, 4, 5};

static void put_attribute(eg_buf *p, const char *name, const char *key, int64_t numel)
{
    put_text(p, name);
    put_tensor(
        p, &(tensor_spec){
               .class = "FloatStorage", .key = key, .numel = numel, .rank = 1, .size = {2}, .stride = {1}});
}

static void begin_object(eg_buf *p, const char *package, const char *class)
{
    put_global(p, package, class);
    OP(p, ")\x81}(");
}

/* Net {plain, mean (buffer), weight (parameter), none, list, child: Sub {bias}}: attributes in no good order.
 */
static void put_net(eg_buf *p)
{
    OP(p, "\x80\x02");
    begin_object(p, "__torch__.net", "Net");
    put_text(p, "child");
    begin_object(p, "__torch__.sub.___torch_mangle_1", "Sub");
    put_attribute(p, "bias", "0", 6);
    OP(p, "ub");
    put_attribute(p, "plain", "0", 6);
    put_attribute(p, "mean", "0", 6);
    put_attribute(p, "weight", "constants/0", 2);
    put_text(p, "none");
    OP(p, "N");
    put_text(p, "sizes");
    put_global(p, "torch.jit._pickle", "build_intlist");
    OP(p, "(](K\x01K\x02"
          "etR");
    put_text(p, "again");
    put_global(p, "__torch__.unknown", "Mystery");
    OP(p, ")\x81}(");
    put_attribute(p, "w", "0", 6);
    OP(p, "ub");
    OP(p, "ub.");
}

static const char net_code[] = "class Net(Module):\n  __parameters__ = [\"weight\", ]\n"
                               "  __buffers__ = [\"mean\", ]\n  plain : Tensor\n"
                               "  def forward(self) -> Tensor:\n    return self.plain\n";
static const char sub_code[] =
    "op_version_set = 1\nclass Sub(Module):\n  __parameters__ = [\"bias\", ]\n  __buffers__ = []\n";

static void put_script(eg_buf *zip, const eg_buf *pickle, const char *version)
{
    const record records[] = {
        {.name = "net/data.pkl", .bytes = pickle->data, .size = pickle->length},
        {.name = "net/data/0", .bytes = ramp, .size = sizeof ramp},
        {.name = "net/constants/0", .bytes = ramp + 4, .size = 8},
        {.name = "net/code/__torch__/net.py",
         .bytes = net_code,
         .size = sizeof net_code - 1,
         .deflate = true},
        {.name = "net/code/__torch__/net.py.debug_pkl", .bytes = "x", .size = 1},
        {.name = "net/code/__torch__/sub/___torch_mangle_1.py",
         .bytes = sub_code,
         .size = sizeof sub_code - 1},
        {.name = "net/constants.pkl", .bytes = "\x80\x02).", .size = 4},
        {.name = "net/version", .bytes = version, .size = strlen(version)},
    };
    put_zip(zip, records, sizeof records / sizeof *records);
}

/* Parameters, then buffers, then submodules; neither plain tensors nor lists. */
static void c01_state_dict(void **state)
{
    static const char *const versions[] = {"3\n", "10"}, *const names[] = {"weight", "mean", "child.bias",
                                                                           "again.w"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        eg_buf p = {0}, zip = {0};
        put_net(&p);
        put_script(&zip, &p, versions[i]);
        eg_checkpoint *file = open_good(&zip);
        assert_string_equal(file->format, "torchscript");
        assert_int_equal(file->store.count, 4);
        for (int n = 0; n < 4; n++) assert_string_equal(file->store.entries[n].name, names[n]);
        expect_floats(file, "weight", ramp + 4, 2);
        expect_floats(file, "child.bias", ramp, 2);
        assert_int_equal(file->reference_count, 0);
        assert_int_equal(file->warning_count, 1); /* plain */
        eg_checkpoint_close(file);
        eg_buf_clear(&p), eg_buf_clear(&zip);
    }
}

static void c01_versions(void **state)
{
    eg_buf p = {0}, zip = {0};
    (void)state;
    put_net(&p);
    put_script(&zip, &p, "11\n");
    expect_error(&zip, "ZIP-013", EG_MALFORMED);
    eg_buf_clear(&p), eg_buf_clear(&zip);
}

/* A frozen module has no state; its weights are constants, listed as values. */
static void c01_frozen(void **state)
{
    eg_buf p = {0}, constants = {0}, zip = {0};
    (void)state;
    OP(&p, "\x80\x02");
    begin_object(&p, "__torch__.net", "Net");
    put_text(&p, "training");
    OP(&p, "\x89ub.");
    OP(&constants, "\x80\x02(K\x05");
    put_tensor(&constants,
               &(tensor_spec){
                   .class = "FloatStorage", .key = "0", .numel = 2, .rank = 1, .size = {2}, .stride = {1}});
    OP(&constants, "t.");
    const record records[] = {
        {.name = "net/data.pkl", .bytes = p.data, .size = p.length},
        {.name = "net/constants/0", .bytes = ramp, .size = 8},
        {.name = "net/constants.pkl", .bytes = constants.data, .size = constants.length},
        {.name = "net/version", .bytes = "3\n", .size = 2},
    };
    put_zip(&zip, records, 4);
    eg_checkpoint *file = open_good(&zip);
    assert_int_equal(file->store.count, 0);
    assert_int_equal(file->value_count, 1);
    assert_string_equal(file->values[0].name, "CONSTANTS.c1");
    assert_string_equal(file->values[0].text, "F32 [2]");
    eg_checkpoint_close(file);
    eg_buf_clear(&p), eg_buf_clear(&constants), eg_buf_clear(&zip);
}

static void c02_unsupported(void **state)
{
    const record old[] = {{.name = "a/version", .bytes = "1\n", .size = 2},
                          {.name = "a/model.json", .bytes = "{}", .size = 2},
                          {.name = "a/tensors/0", .bytes = "x", .size = 1}};
    eg_buf p = {0}, zip = {0};
    (void)state;
    put_zip(&zip, old, 3);
    expect_error(&zip, "TEN-009", EG_MALFORMED);
    eg_buf_clear(&zip);
    OP(&p, "\x80\x02");
    begin_object(&p, "__torch__.net", "Net");
    put_text(&p, "weight");
    put_global(&p, "torch.jit._pickle", "build_tensor_from_id");
    OP(&p, "(K\x00tRub.");
    put_script(&zip, &p, "3\n");
    expect_error(&zip, "TEN-009", EG_MALFORMED);
    eg_buf_clear(&p), eg_buf_clear(&zip);
}

/* What stands beside the module cannot execute anything either. */
static void dangerous_constants_are_refused(void **state)
{
    static const char evil[] = "\x80\x02"
                               "cposix\nsystem\n(U\x04truetR.";
    eg_buf zip = {0}, p = {0};
    (void)state;
    begin_dict(&p);
    put_attribute(&p, "w", "0", 6);
    end_dict(&p);
    const record records[] = {
        {.name = "a/data.pkl", .bytes = p.data, .size = p.length},
        {.name = "a/constants.pkl", .bytes = evil, .size = sizeof evil - 1},
        {.name = "a/version", .bytes = "3\n", .size = 2},
        {.name = "a/data/0", .bytes = ramp, .size = sizeof ramp},
    };
    put_zip(&zip, records, 4);
    expect_error(&zip, "PKL-013", EG_UNSAFE);
    eg_buf_clear(&zip), eg_buf_clear(&p);
}

static void real_files_read_as_pytorch_reads_them(void **state)
{
    static const char *const files[] = {"torchscript-foo1.pt", "torchscript-l1000_100_10.pt"};
    (void)state;
    expect_real_files(files, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c01_state_dict),
        cmocka_unit_test(c01_versions),
        cmocka_unit_test(c01_frozen),
        cmocka_unit_test(c02_unsupported),
        cmocka_unit_test(dangerous_constants_are_refused),
        cmocka_unit_test(real_files_read_as_pytorch_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
