/* Exported programs (pt2). Case C05 of the format notes; the archives are built here. */
#include "make_torch.h"

static const float ramp[6] = {0, 1, 2, 3, 4, 5};

/* Numbers of torch's schema: dtype 7 is float, 5 long, 12 bool; layout 7 is strided. */
#define N(n) "{\"as_int\":" n "}"
#define META(dtype, sizes, strides, offset, layout)                                                          \
    "\"tensor_meta\":{\"dtype\":" dtype ",\"sizes\":[" sizes "],\"requires_grad\":false,\"device\":"         \
    "{\"type\":\"cpu\",\"index\":null},\"strides\":[" strides                                                \
    "],\"storage_offset\":" N(offset) ",\"layout\":" layout "}"
#define WEIGHT(path, pickle, meta)                                                                           \
    "{\"path_name\":\"" path "\",\"is_param\":true,\"use_pickle\":" pickle "," meta "}"

/* Two tensors over one storage, and a boolean of its own. */
#define WEIGHT_TENSOR                                                                                        \
    "\"fc.weight\":" WEIGHT("weight_0", "false", META("7", N("2") "," N("2"), N("1") "," N("2"), "0", "7"))
#define BIAS_TENSOR ",\"fc.bias\":" WEIGHT("weight_0", "false", META("7", N("2"), N("1"), "4", "7"))
#define FLAG_TENSOR ",\"flag\":" WEIGHT("weight_1", "false", META("12", "", "", "0", "7"))
#define PICKLED     ",\"sub\":" WEIGHT("weight_1", "true", META("7", N("2"), N("1"), "0", "7"))
#define SOUND       WEIGHT_TENSOR BIAS_TENSOR FLAG_TENSOR

static const float lifted[2] = {7, 8};

/* constants: their description, or NULL. */
static eg_buf archive_with(const char *config_name, const char *config, bool twice, const char *constants)
{
    char first[128], second[128];
    eg_buf zip = {0};
    snprintf(first, sizeof first, "package/data/weights/model%s", config_name);
    snprintf(second, sizeof second, "package/data/weights/other%s", config_name);
    const record records[] = {
        {.name = "package/archive_format", .bytes = "pt2", .size = 3},
        {.name = "package/byteorder", .bytes = "little", .size = 6},
        {.name = "package/models/model.json", .bytes = "{}", .size = 2},
        {.name = "package/data/weights/weight_0", .bytes = ramp, .size = sizeof ramp},
        {.name = "package/data/weights/weight_1", .bytes = "\2", .size = 1},
        {.name = "package/data/aotinductor/model/evil.so",
         .bytes = "\x7f"
                  "ELF",
         .size = 4},
        {.name = "package/.data/version", .bytes = "6\n", .size = 2},
        {.name = first, .bytes = config, .size = strlen(config)},
        {.name = "package/data/constants/tensor_0", .bytes = lifted, .size = sizeof lifted},
        {.name = "package/data/constants/custom_obj_0", .bytes = "\x80\x02N.", .size = 4},
        {.name = constants ? "package/data/constants/model_constants_config.json" : second,
         .bytes = constants ? constants : config,
         .size = strlen(constants ? constants : config)},
    };
    put_zip(&zip, records, twice || constants ? 11 : 10);
    return zip;
}

static eg_buf archive(const char *config_name, const char *config, bool twice)
{
    return archive_with(config_name, config, twice, NULL);
}

static void expect_sound(const eg_buf *zip, const char *state_dict)
{
    eg_error err;
    eg_checkpoint *file = open_with(zip, &(eg_checkpoint_options){.state_dict = state_dict}, &err);
    if (!file) fail_msg("%s: %s", err.id, err.text);
    assert_string_equal(file->format, "pt2");
    assert_int_equal(file->store.count, 3);
    assert_string_equal(file->store.entries[1].name, "fc.bias");
    expect_floats(file, "fc.weight", (const float[]){0, 2, 1, 3}, 4);
    expect_floats(file, "fc.bias", (const float[]){4, 5}, 2);
    expect_floats(file, "flag", (const float[]){1}, 1);
    assert_ptr_equal(file->store.entries[0].storage, file->store.entries[1].storage);
    eg_checkpoint_close(file);
}

static void c05_weights(void **state)
{
    (void)state;
    eg_buf now = archive("_weights_config.json", "{\"config\":{" SOUND "}}", false);
    eg_buf older = archive("_model_param_config.json", "{" SOUND "}", false);
    expect_sound(&now, NULL);
    expect_sound(&older, NULL);
    eg_buf_clear(&now), eg_buf_clear(&older);
}

/* A tensor subclass is a pickle of its own: refused by name, and told of by inspect, which reads the others.
 */
static void c05_pickled(void **state)
{
    eg_buf zip =
        archive("_weights_config.json", "{\"config\":{" WEIGHT_TENSOR BIAS_TENSOR PICKLED "}}", false);
    eg_error err;
    (void)state;
    expect_error(&zip, "TEN-009", EG_MALFORMED);
    eg_checkpoint *file = open_with(&zip, &(eg_checkpoint_options){.inspect = true}, &err);
    assert_non_null(file);
    assert_int_equal(file->store.count, 2);
    assert_int_equal(file->warning_count, 1);
    assert_non_null(strstr(file->warnings[0], "TEN-009: tensor 'sub'"));
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

#define LIFTED "{\"config\":{\"lifted_0\":" WEIGHT("tensor_0", "false", META("7", N("2"), N("1"), "0", "7"))

/* Constants are no part of the state dict: listed, and a store of their own when they are asked for. A
 * pickled object among them is never read. */
static void c05_constants(void **state)
{
    eg_buf zip = archive_with("_weights_config.json", "{\"config\":{" SOUND "}}", false,
                              LIFTED ",\"obj\":{\"path_name\":\"custom_obj_0\",\"is_param\":false,"
                                     "\"use_pickle\":true,\"tensor_meta\":null}}}");
    eg_buf plain = archive_with("_weights_config.json", "{\"config\":{" SOUND "}}", false, LIFTED "}}");
    static const char *const paths[] = {"constants", "model.constants"};
    eg_error err;
    (void)state;
    expect_sound(&zip, NULL);
    eg_checkpoint *file = open_good(&zip);
    assert_int_equal(file->value_count, 2);
    assert_string_equal(file->values[0].name, "constants.lifted_0");
    assert_string_equal(file->values[0].text, "F32 [2]");
    assert_string_equal(file->values[1].type, "pickled");
    eg_checkpoint_close(file);
    for (int i = 0; i < 2; i++) {
        file = open_with(&plain, &(eg_checkpoint_options){.state_dict = paths[i]}, &err);
        if (!file) fail_msg("%s: %s", err.id, err.text);
        assert_int_equal(file->store.count, 1);
        assert_string_equal(file->state_dict, paths[i]);
        expect_floats(file, "lifted_0", lifted, 2);
        eg_checkpoint_close(file);
    }
    assert_null(open_with(&zip, &(eg_checkpoint_options){.state_dict = "constants"}, &err));
    assert_string_equal(err.id, "TEN-009");
    assert_null(open_with(&plain, &(eg_checkpoint_options){.state_dict = "other.constants"}, &err));
    assert_string_equal(err.id, "SEL-003");
    eg_buf_clear(&zip), eg_buf_clear(&plain);
}

/* Constants that lie outside their record are refused, asked for or not. */
static void c05_forged_constants(void **state)
{
    static const struct {
        const char *constants, *id;
    } cases[] = {
        {"{\"x\":" WEIGHT("tensor_0", "false", META("7", N("3"), N("1"), "0", "7")) "}", "TEN-001"},
        {"{\"x\":" WEIGHT("../weights/weight_0", "false", META("7", N("1"), N("1"), "0", "7")) "}",
         "TEN-007"},
        {"{\"x\":" WEIGHT("tensor_0", "false", META("7", N("-1"), N("1"), "0", "7")) "}", "TEN-002"},
        {"{\"x\":3}", "PT2-001"},
        {"[", "PT2-001"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_buf zip = archive_with("_weights_config.json", "{" SOUND "}", false, cases[i].constants);
        expect_error(&zip, cases[i].id, EG_MALFORMED);
        eg_buf_clear(&zip);
    }
    eg_buf zip = archive("_weights_config.json", "{" SOUND "}", false);
    eg_error err;
    assert_null(open_with(&zip, &(eg_checkpoint_options){.state_dict = "constants"}, &err));
    assert_string_equal(err.id, "SEL-003");
    eg_buf_clear(&zip);
}

static void several_models_must_be_chosen(void **state)
{
    eg_buf zip = archive("_weights_config.json", "{\"config\":{" SOUND "}}", true);
    eg_error err;
    (void)state;
    expect_error(&zip, "SEL-001", EG_RECIPE);
    expect_sound(&zip, "other");
    assert_null(open_with(&zip, &(eg_checkpoint_options){.state_dict = "third"}, &err));
    assert_string_equal(err.id, "SEL-003");
    eg_buf_clear(&zip);
}

static void forged_descriptions(void **state)
{
    static const struct {
        const char *config, *id;
    } cases[] = {
        {"[]", "PT2-001"},
        {"{\"x\":", "PT2-001"},
        {"{\"x\":{\"path_name\":7}}", "PT2-001"},
        {"{\"x\":{\"path_name\":\"weight_0\"}}", "PT2-001"},
        {"{\"x\":{\"path_name\":\"weight_0\",\"tensor_meta\":{\"dtype\":7}}}", "PT2-001"},
        {"{\"x\":" WEIGHT("weight_9", "false", META("7", N("1"), N("1"), "0", "7")) "}", "TEN-007"},
        {"{\"x\":" WEIGHT("../byteorder", "false", META("7", N("1"), N("1"), "0", "7")) "}", "TEN-007"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("7", N("7"), N("1"), "0", "7")) "}", "TEN-001"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("7", N("3"), N("1"), "4", "7")) "}", "TEN-001"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("5", N("4"), N("1"), "0", "7")) "}", "TEN-001"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("7", N("-1"), N("1"), "0", "7")) "}", "TEN-002"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("7", N("1"), N("1"), "-4", "7")) "}", "TEN-002"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("7", N("2"), "", "0", "7")) "}", "TEN-003"},
        {"{\"x\":" WEIGHT("weight_0", "false",
                          META("7", N("9223372036854775807") "," N("3"), N("1") "," N("1"), "0", "7")) "}",
         "TEN-004"},
        {"{\"x\":" WEIGHT("weight_0", "false",
                          META("7", N("4194304") "," N("4194304"), N("0") "," N("0"), "0", "7")) "}",
         "TEN-008"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("9", N("1"), N("1"), "0", "7")) "}", "TEN-009"},
        {"{\"x\":" WEIGHT("weight_0", "false", META("7", N("1"), N("1"), "0", "1")) "}", "TEN-009"},
        {"{\"x\":" WEIGHT("weight_0", "false",
                          META("7", "{\"as_expr\":{\"expr_str\":\"s0\"}}", N("1"), "0", "7")) "}",
         "TEN-009"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_buf zip = archive("_weights_config.json", cases[i].config, false);
        expect_error(&zip, cases[i].id, EG_MALFORMED);
        eg_buf_clear(&zip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c05_weights),
        cmocka_unit_test(c05_pickled),
        cmocka_unit_test(c05_constants),
        cmocka_unit_test(c05_forged_constants),
        cmocka_unit_test(several_models_must_be_chosen),
        cmocka_unit_test(forged_descriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
