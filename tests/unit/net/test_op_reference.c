/* Every operator against PyTorch: outputs, gradients of inputs and parameters, and buffers after the call,
 * for the cases of tests/data/ops (tests/oracle/ops.py writes them and says what is in them); each on 1, 2, 3
 * and 7 threads, with the same bits. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "kernel/gemm.h"
#include "make_net.h"

/* ---- the file ---- */
typedef struct tensor {
    char name[48];
    uint32_t rank;
    int64_t dims[4];
    size_t numel;
    const float *data;
} tensor;

typedef struct reference {
    char op[256], args[256], settings[256];
    tensor tensors[32];
    uint32_t count;
} reference;

static uint32_t read_u32(const uint8_t **at)
{
    uint32_t value;
    memcpy(&value, *at, sizeof value);
    *at += sizeof value;
    return value;
}

static void read_text(const uint8_t **at, char *out, size_t size)
{
    uint32_t length = read_u32(at);
    assert_true(length < size);
    memcpy(out, *at, length);
    out[length] = 0;
    *at += length;
}

static void read_tensor(const uint8_t **at, tensor *t, eg_arena *arena)
{
    read_text(at, t->name, sizeof t->name);
    t->rank = read_u32(at);
    assert_true(t->rank <= 4);
    t->numel = 1;
    for (uint32_t i = 0; i < t->rank; i++) t->numel *= (size_t)(t->dims[i] = read_u32(at));
    t->data = eg_arena_copy(arena, *at, t->numel * sizeof(float));
    *at += t->numel * sizeof(float);
}

static void read_case(const uint8_t **at, reference *ref, eg_arena *arena)
{
    char title[256];
    read_text(at, title, sizeof title);
    char *bar = strstr(title, " | "), *space = strchr(title, ' ');
    snprintf(ref->settings, sizeof ref->settings, "%s", bar + 3);
    *bar = 0;
    snprintf(ref->args, sizeof ref->args, "%s", space && space < bar ? space + 1 : "");
    if (space) *space = 0;
    snprintf(ref->op, sizeof ref->op, "%s", title);
    ref->count = read_u32(at);
    assert_true(ref->count <= 32);
    for (uint32_t i = 0; i < ref->count; i++) read_tensor(at, &ref->tensors[i], arena);
}

static const tensor *find(const reference *ref, const char *prefix, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    for (uint32_t i = 0; i < ref->count; i++)
        if (strcmp(ref->tensors[i].name, full) == 0) return &ref->tensors[i];
    return NULL;
}

static const tensor *find_input(const reference *ref, const char *prefix, int i)
{
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    return find(ref, prefix, name);
}

static long setting(const reference *ref, const char *name)
{
    return strtol(strstr(ref->settings, name) + strlen(name) + 1, NULL, 10);
}

/* ---- one call ---- */
typedef struct run {
    maker m;
    eg_weights weights;
    eg_call call;
    bool add[EG_NODE_PARAMS];
    float *y, *dx[EG_OP_INPUTS], *grads[EG_NODE_PARAMS];
} run;

/* A constant buffer's content is what initialisation writes. */
static void check_content(const eg_param *param, const tensor *t)
{
    int64_t *filled = malloc(t->numel * sizeof *filled);
    eg_init_fill(param, &param->init, 1, filled);
    for (size_t i = 0; i < t->numel; i++) assert_int_equal(filled[i], (int64_t)t->data[i]);
    free(filled);
}

static void build(run *r, const reference *ref)
{
    const eg_op *op = eg_op_find(ref->op);
    eg_error err = {0};
    int32_t inputs[EG_OP_INPUTS], count = 0;
    assert_non_null(op);
    *r = (run){0};
    make_start(&r->m, &(eg_value){0});
    r->m.net.value_count = 0;
    for (const tensor *x; (x = find_input(ref, "x", count)); count++) {
        eg_value *value = &r->m.net.values[r->m.net.value_count++];
        value->rank = x->rank - 1;
        for (uint32_t d = 0; d < value->rank; d++) value->dims[d] = x->dims[d + 1];
        inputs[count] = count;
    }
    if (make_try(&r->m, op, "node", ref->args, inputs, count, &err) < 0)
        fail_msg("%s %s: %s", ref->op, ref->args, err.text);
    assert_true(eg_weights_init(&r->weights, &r->m.arena, &r->m.net, NULL));
    for (int32_t i = 0; i < r->m.net.param_count; i++) {
        const tensor *t = find(ref, "", r->m.net.params[i].name + strlen("node."));
        uint64_t numel = 0;
        assert_non_null(t);
        assert_true(eg_shape_numel(r->m.net.params[i].shape, &numel) && numel == t->numel);
        if (r->m.net.params[i].content) check_content(&r->m.net.params[i], t);
        if (r->m.net.params[i].dtype == EG_I64)
            for (size_t k = 0; k < t->numel; k++) ((int64_t *)r->weights.data[i])[k] = (int64_t)t->data[k];
        else
            memcpy(r->weights.data[i], t->data, t->numel * sizeof(float));
    }
}

/* A parameter or buffer after the call, as floats. */
static const float *read_param(const run *r, int32_t param, size_t numel, eg_arena *arena)
{
    const void *data = r->weights.data[param];
    if (r->m.net.params[param].dtype != EG_I64) return data;
    float *out = EG_NEW_ARRAY(arena, float, numel);
    for (size_t i = 0; i < numel; i++) out[i] = (float)((const int64_t *)data)[i];
    return out;
}

static float *garbage(eg_arena *arena, size_t count)
{
    float *out = EG_NEW_ARRAY(arena, float, count);
    for (size_t i = 0; i < count; i++) out[i] = 12345.0F; /* everything must be overwritten */
    return out;
}

static void execute(run *r, const reference *ref, eg_pool *pool)
{
    eg_net *net = &r->m.net;
    const eg_node *node = &net->nodes[0];
    int64_t batch = setting(ref, "batch");
    eg_op_memory memory = {0};
    const tensor *y = find(ref, "", "y");
    if (node->op->memory) node->op->memory(net, node, batch, true, &memory);
    r->y = garbage(&r->m.arena, y->numel);
    r->call = (eg_call){.net = net,
                        .node = node,
                        .pool = pool,
                        .batch = batch,
                        .training = setting(ref, "training") != 0,
                        .batch_norm = (eg_bn_mode)setting(ref, "bn"),
                        .y = r->y,
                        .dy = find(ref, "", "dy")->data,
                        .add_grads = r->add,
                        .worker_stride = (memory.worker + 63) / 64 * 64};
    if (memory.saved) r->call.saved = eg_arena_alloc(&r->m.arena, memory.saved);
    if (memory.scratch) r->call.scratch = eg_arena_alloc(&r->m.arena, memory.scratch);
    if (memory.worker)
        r->call.worker_scratch =
            eg_arena_alloc(&r->m.arena, r->call.worker_stride * (size_t)eg_pool_threads(pool));
    for (int i = 0; i < node->input_count; i++) {
        r->call.x[i] = find_input(ref, "x", i)->data;
        r->call.dx[i] = r->dx[i] = garbage(&r->m.arena, find_input(ref, "x", i)->numel);
    }
    for (int i = 0; i < node->param_count; i++) {
        if (node->params[i] < 0) continue;
        const tensor *grad = find(ref, "grad.", net->params[node->params[i]].name + strlen("node."));
        r->call.params[i] = r->weights.data[node->params[i]];
        if (grad) r->call.grads[i] = r->grads[i] = garbage(&r->m.arena, grad->numel);
    }
    node->op->forward(&r->call);
    if (memory.scratch) memset(r->call.scratch, 0xff, memory.scratch); /* NaN: nothing may be left there */
    node->op->backward(&r->call);
}

static void finish(run *r)
{
    eg_weights_clear(&r->weights);
    make_clear(&r->m);
}

/* PyTorch sums in another order: each element is a float sum of at most a few hundred products, so it is off
 * by some tens of roundings (6e-8) of the largest element at most. */
static void compare(const reference *ref, const char *what, const float *got, const tensor *want)
{
    float largest = 1e-3F;
    for (size_t i = 0; i < want->numel; i++) largest = fmaxf(largest, fabsf(want->data[i]));
    for (size_t i = 0; i < want->numel; i++)
        if (!(fabsf(got[i] - want->data[i]) <= 1e-5F * largest))
            fail_msg("%s %s (%s): %s[%zu] is %.9g, PyTorch has %.9g", ref->op, ref->args, ref->settings, what,
                     i, (double)got[i], (double)want->data[i]);
}

static void compare_all(run *r, const reference *ref)
{
    const eg_node *node = &r->m.net.nodes[0];
    const eg_value *out = eg_node_output(&r->m.net, node);
    const tensor *y = find(ref, "", "y");
    assert_int_equal(out->rank + 1, y->rank);
    for (uint32_t d = 0; d < out->rank; d++) assert_int_equal(out->dims[d], y->dims[d + 1]);
    compare(ref, "y", r->y, y);
    for (int i = 0; i < node->input_count; i++) compare(ref, "dx", r->dx[i], find_input(ref, "dx", i));
    for (int i = 0; i < node->param_count; i++) {
        if (node->params[i] < 0) continue;
        const char *name = r->m.net.params[node->params[i]].name + strlen("node.");
        const tensor *after = find(ref, "after.", name);
        if (r->grads[i]) compare(ref, name, r->grads[i], find(ref, "grad.", name));
        if (after) compare(ref, name, read_param(r, node->params[i], after->numel, &r->m.arena), after);
    }
}

static void compare_bits(const run *a, const run *b, const reference *ref)
{
    const eg_node *node = &a->m.net.nodes[0];
    assert_memory_equal(a->y, b->y, find(ref, "", "y")->numel * sizeof(float));
    for (int i = 0; i < node->input_count; i++)
        assert_memory_equal(a->dx[i], b->dx[i], find_input(ref, "x", i)->numel * sizeof(float));
    for (int i = 0; i < node->param_count; i++) {
        if (!a->grads[i]) continue;
        const tensor *grad = find(ref, "grad.", a->m.net.params[node->params[i]].name + strlen("node."));
        assert_memory_equal(a->grads[i], b->grads[i], grad->numel * sizeof(float));
    }
    assert_memory_equal(a->weights.block, b->weights.block, a->weights.size);
}

/* A parameter used twice: its gradient is added. */
static void check_adding(run *r, const reference *ref)
{
    const eg_node *node = &r->m.net.nodes[0];
    for (int i = 0; i < node->param_count; i++) {
        if (!r->grads[i]) continue;
        const tensor *grad = find(ref, "grad.", r->m.net.params[node->params[i]].name + strlen("node."));
        for (size_t k = 0; k < grad->numel; k++) r->grads[i][k] = 100 + (float)k;
        r->add[i] = true;
    }
    node->op->backward(&r->call);
    for (int i = 0; i < node->param_count; i++) {
        if (!r->grads[i]) continue;
        const tensor *grad = find(ref, "grad.", r->m.net.params[node->params[i]].name + strlen("node."));
        for (size_t k = 0; k < grad->numel; k++)
            assert_float_equal(r->grads[i][k], 100 + (float)k + grad->data[k], 1e-4F * (100 + (float)k));
    }
}

static void check_case(const reference *ref)
{
    static const int threads[] = {1, 2, 3, 7};
    run first;
    for (int i = 0; i < 4; i++) {
        run other;
        run *r = i == 0 ? &first : &other;
        eg_pool *pool = eg_pool_new(threads[i], NULL);
        build(r, ref);
        execute(r, ref, pool);
        compare_all(r, ref);
        if (i > 0) compare_bits(&first, r, ref);
        check_adding(r, ref);
        for (int k = 0; i == 0 && k < EG_NODE_PARAMS; k++) first.add[k] = false;
        if (i == 0) first.m.net.nodes[0].op->backward(&first.call);
        eg_pool_free(pool);
        if (i > 0) finish(r);
    }
    finish(&first);
}

static void test_file(const char *name)
{
    eg_arena arena = {0};
    const char *root = getenv("ENGRAFT_TEST_ROOT");
    eg_mapping file;
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/data/ops/%s.bin", root ? root : ".", name);
    assert_true(eg_mapping_open(&file, path, NULL));
    const uint8_t *at = file.bytes, *end = file.bytes + file.size;
    int cases = 0;
    eg_gemm_setup();
    for (; at < end; cases++) {
        reference ref;
        read_case(&at, &ref, &arena);
        check_case(&ref);
    }
    assert_true(cases >= 4);
    eg_mapping_close(&file);
    eg_arena_clear(&arena);
}

static void test_convs(void **state)
{
    (void)state;
    test_file("convs");
}

static void test_linears(void **state)
{
    (void)state;
    test_file("linears");
}

static void test_norms(void **state)
{
    (void)state;
    test_file("norms");
}

static void test_activations(void **state)
{
    (void)state;
    test_file("activations");
}

static void test_pools(void **state)
{
    (void)state;
    test_file("pools");
}

static void test_shapes(void **state)
{
    (void)state;
    test_file("shapes");
}

static void test_smooth(void **state)
{
    (void)state;
    test_file("smooth");
}

static void test_layers(void **state)
{
    (void)state;
    test_file("layers");
}

static void test_attention(void **state)
{
    (void)state;
    test_file("attention");
}

static void test_layouts(void **state)
{
    (void)state;
    test_file("layouts");
}

static void test_quotients(void **state)
{
    (void)state;
    test_file("quotients");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convs),     cmocka_unit_test(test_linears),
        cmocka_unit_test(test_norms),     cmocka_unit_test(test_activations),
        cmocka_unit_test(test_pools),     cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_smooth),    cmocka_unit_test(test_layers),
        cmocka_unit_test(test_attention), cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_quotients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
