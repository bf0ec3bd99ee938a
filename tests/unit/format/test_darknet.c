/* Darknet's weights beside a .cfg: small networks built here, whose numbers count up from 0 in the file. */
#include "make_torch.h"

static char folder[256];

static const char *path_of(const char *name)
{
    static char paths[2][300];
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static int make_folder(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/engraft-darknet-XXXXXX", base ? base : "/tmp");
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path_of("net.cfg"));
    unlink(path_of("net.weights"));
    return rmdir(folder);
}

/* Opens `numbers` floats (0, 1, 2, …) and `rest` bytes behind a header of that version; cfg NULL: there is
 * none. */
static eg_checkpoint *open_net(const char *cfg, uint32_t major, uint32_t minor, size_t numbers, size_t rest,
                               eg_error *err)
{
    eg_buf f = {0};
    eg_error why = {0};
    put(&f, major, 4);
    put(&f, minor, 4);
    put(&f, 0, 4);
    put(&f, 32013312, major * 10 + minor >= 2 && major <= 1000 && minor <= 1000 ? 8 : 4);
    for (size_t i = 0; i < numbers; i++) eg_buf_add(&f, &(float){(float)i}, 4);
    put(&f, 0, (unsigned)rest);
    unlink(path_of("net.cfg"));
    if (cfg) assert_true(eg_file_write(path_of("net.cfg"), cfg, strlen(cfg), &why));
    assert_true(eg_file_write(path_of("net.weights"), f.data, f.length, &why));
    eg_buf_clear(&f);
    *err = (eg_error){0};
    return eg_checkpoint_open(path_of("net.weights"), NULL, err);
}

static eg_checkpoint *open_good_net(const char *cfg, uint32_t minor, size_t numbers)
{
    eg_error err;
    eg_checkpoint *file = open_net(cfg, 0, minor, numbers, 0, &err);
    if (!file) fail_msg("%s: %s", err.id, err.text);
    return file;
}

/* The named tensor counts up from `first`. */
static void expect_count(const eg_checkpoint *file, const char *name, size_t count, float first)
{
    float expected[1024];
    for (size_t i = 0; i < count; i++) expected[i] = first + (float)i;
    expect_floats(file, name, expected, count);
}

static void expect_shape(const eg_checkpoint *file, const char *name, const int64_t *dims, uint32_t rank)
{
    const eg_entry *entry = eg_store_find(&file->store, name);
    assert_non_null(entry);
    assert_true(eg_shape_equal(entry->shape, (eg_shape){rank, dims}));
}

static const char small[] = "[net]\n"
                            "# input\n"
                            "height = 8\r\n"
                            "width=8\nchannels=3\n"
                            "\n"
                            "[convolutional]\n"
                            "batch_normalize=1\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=leaky\n"
                            "[maxpool]\nsize=2\nstride=2\n"
                            "[convolutional]\nfilters=2\nsize=1\ngroups = 2\n"
                            "[connected]\noutput=3\n"; /* 2 * 4 * 4 numbers come in */

enum { SMALL = 4 * 4 + 4 * 27 + 2 + 2 * 2 + 3 + 3 * 32 };

static void tensors_are_named_and_ordered_as_in_pytorch(void **state)
{
    static const char *const names[] = {
        "layers.0.conv.weight",     "layers.0.bn.weight",      "layers.0.bn.bias",
        "layers.0.bn.running_mean", "layers.0.bn.running_var", "layers.2.conv.weight",
        "layers.2.conv.bias",       "layers.3.linear.weight",  "layers.3.linear.bias"};
    (void)state;
    eg_checkpoint *file = open_good_net(small, 2, SMALL);
    assert_string_equal(file->format, "darknet");
    assert_int_equal(file->store.count, 9);
    for (size_t i = 0; i < 9; i++) assert_string_equal(file->store.entries[i].name, names[i]);
    expect_shape(file, names[0], (const int64_t[]){4, 3, 3, 3}, 4);
    expect_shape(file, names[5], (const int64_t[]){2, 2, 1, 1}, 4);
    expect_shape(file, names[7], (const int64_t[]){3, 32}, 2);
    expect_count(file, "layers.0.bn.bias", 4, 0);
    expect_count(file, "layers.0.bn.weight", 4, 4);
    expect_count(file, "layers.0.bn.running_mean", 4, 8);
    expect_count(file, "layers.0.bn.running_var", 4, 12);
    expect_count(file, "layers.0.conv.weight", 108, 16);
    expect_count(file, "layers.2.conv.bias", 2, 124);
    expect_count(file, "layers.2.conv.weight", 4, 126);
    expect_count(file, "layers.3.linear.bias", 3, 130);
    expect_count(file, "layers.3.linear.weight", 96, 133);
    assert_string_equal(file->values[0].text, "0.2.0");
    assert_string_equal(file->values[1].text, "32013312");
    assert_int_equal(file->warning_count, 0);
    eg_checkpoint_close(file);
    file = open_good_net(small, 1, SMALL); /* a shorter header */
    expect_count(file, "layers.0.bn.bias", 4, 0);
    eg_checkpoint_close(file);
}

/* The channels that come into the last convolution say what the layers between do to a shape. */
static void shapes_go_through_every_kind_of_layer(void **state)
{
    static const struct {
        const char *layers; /* behind a convolution of 4 filters on 8x8 */
        int64_t channels;   /* that come out of them */
        int64_t side;
    } cases[] = {
        {"", 4, 8},
        {"[maxpool]\nsize=2\nstride=1\n", 4, 8},
        {"[maxpool]\nstride=2\n", 4, 4},
        {"[avgpool]\n", 4, 1},
        {"[upsample]\nstride=2\n", 4, 16},
        {"[upsample]\n", 4, 16},
        {"[reorg]\nstride=2\n", 16, 4},
        {"[reorg]\nstride=2\nreverse=1\n", 1, 16},
        {"[dropout]\n[activation]\n[softmax]\n", 4, 8},
        {"[shortcut]\nfrom=-1\nactivation=linear\n", 4, 8},
        {"[shortcut]\nfrom=-1\nweights_type=none\n", 4, 8},
        {"[maxpool]\nstride=2\n[route]\nlayers=-2\n", 4, 8},
        {"[dropout]\n[route]\nlayers = -1, 0\n", 8, 8},
        {"[route]\nlayers=0\ngroups=2\ngroup_id=1\n", 2, 8},
        {"[avgpool]\n[scale_channels]\nfrom=0\n", 4, 8},
        {"[crop]\ncrop_height=5\ncrop_width=5\n", 4, 5},
        {"[yolo]\n[route]\nlayers=-2\n", 4, 8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char cfg[512], name[64];
        size_t layer = 1;
        for (const char *c = cases[i].layers; *c; c++) layer += *c == '[';
        snprintf(cfg, sizeof cfg,
                 "[net]\nheight=8\nwidth=8\nchannels=1\n[conv]\nfilters=4\n%s[conv]\n[route]\nlayers=-2\n["
                 "connected]\n",
                 cases[i].layers);
        size_t linear = (size_t)(cases[i].channels * cases[i].side * cases[i].side);
        eg_checkpoint *file = open_good_net(cfg, 2, 8 + 1 + (size_t)cases[i].channels + 1 + linear);
        snprintf(name, sizeof name, "layers.%zu.conv.weight", layer);
        expect_shape(file, name, (const int64_t[]){1, cases[i].channels, 1, 1}, 4);
        snprintf(name, sizeof name, "layers.%zu.linear.weight", layer + 2);
        expect_shape(file, name, (const int64_t[]){1, (int64_t)linear}, 2);
        eg_checkpoint_close(file);
    }
}

static void transposed_weights(void **state)
{
    eg_error err;
    (void)state;
    eg_checkpoint *file =
        open_good_net("[net]\nheight=1\nwidth=1\nchannels=2\n[conv]\nfilters=3\nflipped=1\n", 2, 9);
    expect_floats(file, "layers.0.conv.weight", (const float[]){3, 6, 4, 7, 5, 8}, 6);
    eg_checkpoint_close(file);
    file = open_net("[net]\ninputs=2\nheight=1\nwidth=1\n[connected]\noutput=3\nbatch_normalize=1\n", 0, 1001,
                    18, 0, &err);
    assert_non_null(file);
    expect_floats(file, "layers.0.linear.weight", (const float[]){3, 6, 4, 7, 5, 8}, 6);
    expect_count(file, "layers.0.bn.bias", 3, 0);
    expect_count(file, "layers.0.bn.weight", 3, 9); /* behind the weights */
    expect_count(file, "layers.0.bn.running_var", 3, 15);
    eg_checkpoint_close(file);
}

static void a_backbone_ends_behind_a_layer(void **state)
{
    (void)state;
    eg_checkpoint *file = open_good_net(small, 2, 124);
    assert_int_equal(file->store.count, 5);
    assert_int_equal(file->warning_count, 1);
    assert_non_null(strstr(file->warnings[0], "before layer 2 of 'net.cfg'"));
    eg_checkpoint_close(file);
}

static void wrong_sizes(void **state)
{
    static const struct {
        size_t numbers, rest;
        const char *says;
    } cases[] = {
        {SMALL + 1, 0, "4 bytes remain behind the last layer of 'net.cfg'"},
        {SMALL, 1, "1 bytes remain"},
        {SMALL - 1, 0, "layer 3 of 'net.cfg' needs 96 numbers and 380 bytes remain"},
        {125, 0, "layer 2 of 'net.cfg' needs 2 numbers and 4 bytes remain"},
        {0, 0, "layer 0 of 'net.cfg' needs 4 numbers and 0 bytes remain"},
    };
    eg_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(open_net(small, 0, 2, cases[i].numbers, cases[i].rest, &err));
        assert_string_equal(err.id, "DKN-002");
        assert_int_equal(err.code, EG_MALFORMED);
        if (!strstr(err.text, cases[i].says)) fail_msg("expected '%s', got '%s'", cases[i].says, err.text);
    }
    assert_null(open_net(NULL, 0, 2, 4, 0, &err));
    assert_string_equal(err.id, "DKN-001");
    assert_non_null(strstr(err.text, "'net.cfg'"));
    assert_null(open_net(small, 70000, 2, 4, 0, &err)); /* no version of Darknet */
    assert_string_equal(err.id, "FMT-001");
    assert_null(open_net("[net]\nheight=8\nwidth=8\nchannels=3\n[maxpool]\n", 0, 2, 0, 0, &err));
    assert_string_equal(err.id, "SEL-002");
}

static void descriptions_that_are_refused(void **state)
{
#define NET "[net]\nheight=8\nwidth=8\nchannels=3\n"
    static const struct {
        const char *cfg;
        uint32_t line;
        const char *says;
    } cases[] = {
        {"", 1, "expected [net] first"},
        {"filters=1\n", 1, "expected [net] before"},
        {"[conv]\n", 1, "expected [net] first"},
        {"[net\n", 1, "ends in ']'"},
        {NET "what\n", 5, "expected [section] or key=value"},
        {NET "[lstm]\noutput=3\n", 5, "[lstm] layers are not supported"},
        {NET "[batchnorm]\n", 5, "[batchnorm] layers are not supported"},
        {NET "[conv]\nfilters=none\n", 6, "filters is 'none'; expected a number from 1"},
        {NET "[conv]\nfilters=0\n", 6, "filters is '0'"},
        {NET "[conv]\nsize=99999999999999999999\n", 6, "size is '99999999999999999999'"},
        {NET "[conv]\nfilters=4\ngroups=2\n", 5, "3 channels in and 4 out are not divided by 2 groups"},
        {NET "[conv]\nantialiasing=1\n", 6, "antialiasing=1 is not supported"},
        {NET "[conv]\n[shortcut]\nfrom=-1\nweights_type=per_feature\n", 8, "weights_type=per_feature"},
        {NET "[route]\nlayers=-1\n", 6, "layer -1 does not come before layer 0"},
        {NET "[conv]\n[route]\nlayers=1\n", 7, "layer 1 does not come before layer 1"},
        {NET "[conv]\n[route]\nlayers=a\n", 7, "expected layer numbers"},
        {NET "[conv]\n[route]\n", 6, "layers= is missing"},
        {NET "[conv]\n[sam]\n", 6, "from= is missing"},
        {NET "[upsample]\nstride=16777216\n", 5, "too large"},
        {"[net]\n[conv]\n", 2, "0 channels in"},
        {"[net]\n[connected]\n", 2, "nothing comes into this layer"},
        {NET "[conv]\nsize=16777216\nfilters=16777216\n", 0, "size overflows"},
    };
    eg_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(open_net(cases[i].cfg, 0, 2, 16, 0, &err));
        assert_int_equal(err.code, EG_MALFORMED);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%zu: expected '%s', got '%s'", i, cases[i].says, err.text);
        assert_int_equal(err.line, cases[i].line);
        if (cases[i].line) assert_non_null(strstr(err.file, "net.cfg"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_named_and_ordered_as_in_pytorch),
        cmocka_unit_test(shapes_go_through_every_kind_of_layer),
        cmocka_unit_test(transposed_weights),
        cmocka_unit_test(a_backbone_ends_behind_a_layer),
        cmocka_unit_test(wrong_sizes),
        cmocka_unit_test(descriptions_that_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
