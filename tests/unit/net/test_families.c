/* Every shipped network has the state dict of its counterpart in PyTorch: names, order, dtypes, shapes, and
 * the versions of its modules. The
 * digests in tests/data/arch/families.txt are written by tests/oracle/arch_keys.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/str.h"
#include "engraft/net.h"
#include "net/library.h"

/* SHA-256 of the lines "name dtype dims…" and "@module version". */
static void digest(const eg_net *net, char hex[65])
{
    eg_sha256 *sha = eg_sha256_new();
    for (int32_t i = 0; i < net->param_count; i++) {
        const eg_param *p = &net->params[i];
        eg_buf line = {0};
        eg_buf_printf(&line, "%s %s", p->name, eg_dtype_name(p->dtype));
        for (uint32_t d = 0; d < p->shape.rank; d++)
            eg_buf_printf(&line, " %lld", (long long)p->shape.dims[d]);
        eg_buf_puts(&line, "\n");
        eg_sha256_add(sha, line.data, strlen(line.data));
        eg_buf_clear(&line);
    }
    for (int32_t i = 0; i < net->module_count; i++) {
        eg_buf line = {0};
        eg_buf_printf(&line, "@%s %lld\n", net->modules[i].path, (long long)net->modules[i].version);
        eg_sha256_add(sha, line.data, strlen(line.data));
        eg_buf_clear(&line);
    }
    eg_sha256_finish(sha, hex);
}

static bool compare(const char *name, int entries, const char *expected)
{
    eg_arena arena = {0};
    eg_error err = {0};
    char found[65] = "";
    const eg_net *net = eg_net_read(&arena, name, NULL, NULL, &err);
    if (net) digest(net, found);
    bool same = net && net->param_count == entries && strcmp(found, expected) == 0;
    if (!same) print_error("%s: %s\n", name, net ? "another state dict" : err.text);
    eg_arena_clear(&arena);
    return same;
}

static void test_families(void **state)
{
    (void)state;
    eg_arena arena = {0};
    const char *path =
        eg_arena_printf(&arena, "%s/tests/data/arch/families.txt", getenv("ENGRAFT_TEST_ROOT"));
    const char *line = eg_file_read(&arena, path, 1 << 20, NULL, NULL);
    assert_non_null(line);
    int count = 0, same = 0;
    for (; *line; line = strchr(line, '\n') + 1, count++) {
        char name[64], hex[65];
        int entries;
        assert_int_equal(sscanf(line, "%63s %d %64s", name, &entries, hex), 3);
        same += compare(name, entries, hex);
    }
    assert_true(count > 80);
    assert_int_equal(same, count);
    eg_arena_clear(&arena);
}

/* Published numbers of trainable parameters. */
static void test_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t parameters;
    } cases[] = {{"xception", 22855952},
                 {"vit_b_16", 86567656},
                 {"swin_t", 28288354},
                 {"convnext_tiny", 28589128},
                 {"efficientnet_b0", 5288548}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_arena arena = {0};
        const eg_net *net = eg_net_read(&arena, cases[i].name, NULL, NULL, NULL);
        uint64_t sum = 0, numel;
        assert_non_null(net);
        for (int32_t p = 0; p < net->param_count; p++)
            if (!net->params[p].buffer && eg_shape_numel(net->params[p].shape, &numel)) sum += numel;
        assert_int_equal(sum, cases[i].parameters);
        eg_arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families), cmocka_unit_test(test_parameters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
