/* The pickle machine: every opcode kind, every limit, nothing executed. Cases D03, D05 to D10, D13 of the
 * format notes. */
#include "make_torch.h"

#include "format/pickle.h"
#include "format/pickle_value.h"

static eg_arena arena;
static eg_error err;

static const eg_pickle *parse(const void *bytes, size_t size)
{
    err = (eg_error){0};
    return eg_pickle_parse(&arena, bytes, size, NULL, &err);
}

#define PARSE(literal) parse(literal, sizeof literal - 1)

static void refused(const void *bytes, size_t size, const char *id)
{
    if (parse(bytes, size)) fail_msg("parsed, expected %s", id);
    if (strcmp(err.id, id) != 0) fail_msg("expected %s, got %s: %s", id, err.id, err.text);
    assert_int_equal(err.code, EG_MALFORMED);
}

#define REFUSED(literal, id) refused(literal, sizeof literal - 1, id)

static int teardown(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

static int64_t int_of(const eg_pickle *p)
{
    int64_t value = 0;
    assert_non_null(p);
    assert_true(eg_py_int(p, p->root, &value));
    return value;
}

static void integers_of_every_width(void **state)
{
    (void)state;
    assert_int_equal(int_of(PARSE("\x80\x02K\xff.")), 255);
    assert_int_equal(int_of(PARSE("\x80\x02M\xff\xff.")), 65535);
    assert_int_equal(int_of(PARSE("\x80\x02J\xff\xff\xff\xff.")), -1);
    assert_int_equal(int_of(PARSE("\x80\x02\x8a\x00.")), 0);
    assert_int_equal(int_of(PARSE("\x80\x02\x8a\x01\xff.")), -1);
    assert_int_equal(int_of(PARSE("\x80\x02\x8a\x02\x00\x80.")), -32768);
    assert_int_equal(int_of(PARSE("\x80\x02\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.")), INT64_MAX);
    assert_int_equal(int_of(PARSE("\x80\x02\x8a\x0a\x05\0\0\0\0\0\0\0\0\0.")), 5);
    assert_int_equal(int_of(PARSE("\x80\x02I-42\n.")), -42);
    assert_int_equal(int_of(PARSE("\x80\x02L9223372036854775807L\n.")), INT64_MAX);
    const eg_pickle *p = PARSE("\x80\x02\x8a\x09\0\0\0\0\0\0\0\0\x01."); /* 2**64 */
    assert_int_equal(eg_pickle_node(p, p->root)->kind, EG_PY_BIGINT);
    p = PARSE("\x80\x02I01\n.");
    assert_int_equal(eg_pickle_node(p, p->root)->kind, EG_PY_BOOL);
}

static void texts_of_every_opcode(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x80\x02X\x02\0\0\0hi.", 10},
        {"\x80\x02U\x02hi.", 7},
        {"\x80\x02T\x02\0\0\0hi.", 10},
        {"\x80\x04\x8c\x02hi.", 7},
        {"\x80\x02S'hi'\n.", 9},
        {"\x80\x02Vhi\n.", 7},
        {"\x80\x04\x8d\x02\0\0\0\0\0\0\0hi.", 14},
        {"\x80\x02S'h\\x69'\n.", 12},
        {"\x80\x02V\\u0068i\n.", 12},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const eg_pickle *p = parse(cases[i].bytes, cases[i].size);
        if (!p) fail_msg("case %zu: %s", i, err.text);
        assert_string_equal(eg_py_text(&arena, p, p->root), "hi");
    }
    const eg_pickle *p = PARSE("\x80\x02U\x02\xff\xfe.");
    assert_int_equal(eg_pickle_node(p, p->root)->kind, EG_PY_BYTES); /* Python 2 bytes that are no text */
    p = PARSE("\x80\x02G\x3f\xf8\0\0\0\0\0\0.");
    assert_true(eg_pickle_node(p, p->root)->real == 1.5);
    p = PARSE("\x80\x02"
              "F-2.5\n.");
    assert_true(eg_pickle_node(p, p->root)->real == -2.5);
}

static void protocol_4_frames_and_stack_global(void **state)
{
    (void)state;
    const eg_pickle *p = PARSE("\x80\x04\x95\x1f\0\0\0\0\0\0\0\x8c\x0b"
                               "collections\x94\x8c\x0bOrderedDict\x93\x94.");
    assert_null(p); /* the frame is one byte too long */
    assert_string_equal(err.id, "PKL-003");
    p = PARSE("\x80\x04\x95\x1f\0\0\0\0\0\0\0\x8c\x0b"
              "collections\x94\x8c\x0bOrderedDict\x94\x93\x94.");
    assert_non_null(p);
    assert_true(eg_py_is_global(p, p->root, "collections", "OrderedDict"));
    REFUSED("\x80\x04\x95\x02\0\0\0\0\0\0\0\x8c\x02hi.", "PKL-009"); /* the frame cuts an opcode */
    REFUSED("\x80\x04\x95\x0b\0\0\0\0\0\0\0\x95\x01\0\0\0\0\0\0\0N.", "PKL-009"); /* nested */
    REFUSED("\x80\x04\x95\xff\0\0\0\0\0\0\0N.", "PKL-003");
    REFUSED("\x80\x04\x95\x03\0\0\0\0\0\0\0N.N", "PKL-009"); /* ends before its frame */
}

static void dicts_keep_places_and_last_values(void **state)
{
    const eg_py_pair *pairs;
    uint32_t count;
    int64_t value = 0;
    (void)state;
    const eg_pickle *p = PARSE("\x80\x02}(X\x01\0\0\0aK\x01X\x01\0\0\0bK\x02X\x01\0\0\0aK\x03u(u.");
    assert_non_null(p);
    assert_true(eg_py_pairs(&arena, p, p->root, &pairs, &count));
    assert_int_equal(count, 2);
    assert_string_equal(pairs[0].key, "a");
    assert_true(eg_py_int(p, pairs[0].value, &value));
    assert_int_equal(value, 3);
    assert_true(eg_py_int(p, eg_py_get(p, p->root, "a"), &value));
    assert_int_equal(value, 3);
}

static void d03_refused_opcodes(void **state)
{
    (void)state;
    REFUSED("\x80\x02(iposix\nsystem\n.", "PKL-002");
    REFUSED("\x80\x02(cposix\nsystem\no.", "PKL-002");
    REFUSED("\x80\x02\x82\x01.", "PKL-002");
    REFUSED("\x80\x02\x83\x01\x00.", "PKL-002");
    REFUSED("\x80\x02\x84\x01\0\0\0.", "PKL-002");
    REFUSED("\x80\x05\x97.", "PKL-002");
    REFUSED("\x80\x05\x98.", "PKL-002");
    REFUSED("\x80\x02P0\n.", "PKL-002");
    REFUSED("\x80\x02\xff.", "PKL-001");
}

/* One million of the same opcode. */
static void d06_depth(void **state)
{
    enum { N = 1000 * 1000 };
    (void)state;
    eg_buf p = {0};
    OP(&p, "\x80\x02)");
    for (int i = 0; i < N; i++) OP(&p, "\x85");
    OP(&p, ".");
    refused(p.data, p.length, "PKL-010");
    eg_buf_clear(&p);
    OP(&p, "\x80\x02");
    for (int i = 0; i < N; i++) OP(&p, "]");
    for (int i = 0; i < N - 1; i++) OP(&p, "a");
    OP(&p, ".");
    refused(p.data, p.length, "PKL-010");
    eg_buf_clear(&p);
}

static void d07_cycles(void **state)
{
    (void)state;
    assert_non_null(PARSE("\x80\x02]q\x00h\x00"
                          "a."));
    assert_non_null(PARSE("\x80\x02}q\x00X\x01\0\0\0ah\x00s."));
    REFUSED("\x80\x02}q\x00h\x00K\x01s.", "PKL-006");
    REFUSED("\x80\x02}]K\x01s.", "PKL-006");
}

static void d08_underflow(void **state)
{
    static const char needs_something[] = "0"
                                          "12"
                                          "RQtaebdlsu.q"
                                          "\x81\x85\x86\x87\x90\x91\x92\x93\x94";
    (void)state;
    for (const char *op = needs_something; *op; op++) {
        char bytes[] = {'\x80', '\x04', *op, '\0', '.'};
        refused(bytes, sizeof bytes, "PKL-004");
    }
    REFUSED("\x80\x02(.", "PKL-004");          /* a mark is not a value */
    REFUSED("\x80\x02K\x01(\x85.", "PKL-004"); /* nor can what is below it be taken */
    assert_non_null(PARSE("\x80\x02K\x01(0."));
}

static void d09_d10_lengths_beyond_the_end(void **state)
{
    (void)state;
    REFUSED("\x80\x02X\xff\xff\xff\xff"
            "abcde",
            "PKL-003");
    REFUSED("\x80\x04\x8d\0\0\0\0\0\0\0\x80.", "PKL-003");
    REFUSED("\x80\x04\x8e\0\0\0\0\0\0\0\x80.", "PKL-003");
    REFUSED("\x80\x05\x96\0\0\0\0\0\0\0\x80.", "PKL-003");
    REFUSED("\x80\x02\x8b\xff\xff\xff\xff.", "PKL-003");
    REFUSED("\x80\x02T\xff\xff\xff\xff.", "PKL-003");
    REFUSED("\x80\x02"
            "cposix\nsystem",
            "PKL-003");
    REFUSED("\x80\x02N", "PKL-003");
}

static void d13_protocols(void **state)
{
    (void)state;
    REFUSED("\x80\x06N.", "PKL-008");
    REFUSED("N.", "PKL-008");
    REFUSED("", "PKL-008");
    REFUSED("\x80\x02\x80\x02N.", "PKL-001");
    REFUSED("\x80\x02N.N", "PKL-012");
}

static void items_only_where_they_belong(void **state)
{
    (void)state;
    REFUSED("\x80\x02]X\x01\0\0\0aK\x01s.", "PKL-006");
    REFUSED("\x80\x02}K\x01"
            "a.",
            "PKL-006");
    REFUSED("\x80\x02}(K\x01u.", "PKL-007");
    REFUSED("\x80\x02"
            "ctorch._utils\n_rebuild_tensor_v2\n)RK\x01K\x02s.",
            "PKL-006"); /* CVE-2026-24747 */
    REFUSED("\x80\x02K\x01)R.", "PKL-006");
    REFUSED("\x80\x02"
            "ccollections\nOrderedDict\nK\x01R.",
            "PKL-006");
    REFUSED("\x80\x02]}b.", "PKL-006");
    REFUSED("\x80\x02h\x05.", "PKL-005");
    REFUSED("\x80\x02j\xff\xff\xff\xff.", "PKL-005");
    assert_non_null(PARSE("\x80\x02Nr\xff\xff\xff\xff"
                          "0j\xff\xff\xff\xff.")); /* a far memo index costs nothing */
}

/* No prefix of a good pickle is one. */
static void every_truncation_is_refused(void **state)
{
    static const char good[] = "\x80\x04\x8c\x01"
                               "a\x94]\x94(K\x01h\x00\x85\x94"
                               "eccollections\nOrderedDict\n)R}b.";
    (void)state;
    assert_non_null(PARSE(good));
    for (size_t n = 0; n < sizeof good - 1; n++) assert_null(parse(good, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(integers_of_every_width, teardown),
        cmocka_unit_test_teardown(texts_of_every_opcode, teardown),
        cmocka_unit_test_teardown(protocol_4_frames_and_stack_global, teardown),
        cmocka_unit_test_teardown(dicts_keep_places_and_last_values, teardown),
        cmocka_unit_test_teardown(d03_refused_opcodes, teardown),
        cmocka_unit_test_teardown(d06_depth, teardown),
        cmocka_unit_test_teardown(d07_cycles, teardown),
        cmocka_unit_test_teardown(d08_underflow, teardown),
        cmocka_unit_test_teardown(d09_d10_lengths_beyond_the_end, teardown),
        cmocka_unit_test_teardown(d13_protocols, teardown),
        cmocka_unit_test_teardown(items_only_where_they_belong, teardown),
        cmocka_unit_test_teardown(every_truncation_is_refused, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
