/* Recipes learned from examples: whatever mapping made B of A, what is learned makes it again, bit for bit.
 */
#include "helper.h"
#include "net/stored.h"
#include "plan/learn.h"

typedef struct example {
    eg_arena arena;
    eg_entry a[ROOM], b[ROOM];
    eg_store from, to;
    uint64_t random;
    eg_learned learned;
    const char *text;
} example;

static uint32_t draw(example *x, uint32_t below)
{
    x->random = x->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(x->random >> 33) % below;
}

static void start(example *x, uint64_t seed)
{
    *x = (example){.random = seed * 2 + 1};
    x->from.entries = x->a;
    x->to.entries = x->b;
}

static void finish(example *x)
{
    eg_arena_clear(&x->arena);
}

static eg_shape shape(example *x, int64_t d0, int64_t d1)
{
    return eg_shape_copy(&x->arena, (int64_t[]){d0, d1}, d1 ? 2 : 1);
}

static float *random_values(example *x, size_t count)
{
    float *values = EG_NEW_ARRAY(&x->arena, float, count);
    for (size_t i = 0; i < count; i++) values[i] = (float)draw(x, 1 << 20) / 1024 - 300;
    return values;
}

static float *constant_values(example *x, size_t count, float value)
{
    float *values = EG_NEW_ARRAY(&x->arena, float, count);
    for (size_t i = 0; i < count; i++) values[i] = value;
    return values;
}

static void put(example *x, eg_store *store, const char *name, eg_shape dims, const void *values)
{
    eg_entry *list = store == &x->from ? x->a : x->b;
    assert_true(store->count < ROOM);
    list[store->count++] =
        eg_entry_in_memory(&x->arena, eg_arena_string(&x->arena, name), EG_F32, dims, values);
}

static void put_both(example *x, const char *a, const char *b, eg_shape dims, const void *values)
{
    put(x, &x->from, a, dims, values);
    put(x, &x->to, b, dims, values);
}

#define NAME(...) eg_arena_printf(&x->arena, __VA_ARGS__)

static bool same_bytes(const eg_plan *plan, const eg_step *step, const eg_store *to, eg_arena *arena)
{
    const eg_param *param = &plan->net->params[step->param];
    const eg_entry *entry = eg_store_find(to, param->name);
    uint64_t numel = 0;
    eg_error err = {0};
    eg_shape_numel(param->shape, &numel);
    void *made = eg_arena_alloc(arena, numel * 8 + 8), *given = eg_arena_alloc(arena, numel * 8 + 8);
    assert_true(eg_step_apply(plan, step, 0, made, &err) && eg_entry_read(entry, given, &err));
    return memcmp(made, given, numel * eg_dtype_size(param->dtype)) == 0;
}

/* Learns, plans and applies; how many of B's tensors come out as they are in B. */
static size_t learn(example *x)
{
    eg_problems problems = {.arena = &x->arena};
    eg_error err = {0};
    eg_pairing pairing;
    size_t same = 0;
    eg_store_index(&x->from, &x->arena);
    eg_store_index(&x->to, &x->arena);
    const eg_net *net = eg_net_stored(&x->arena, "b", &x->to);
    assert_true(eg_pairing_build(&pairing, &x->arena, &x->from, &x->to, &err));
    assert_true(eg_learn(&x->learned, &x->arena, &pairing, net, false, &err));
    x->text = NAME("recipe: 1\nsource: a\ntarget: {manifest: b}\ntransfer:\n  missing: error\n%s%s%s%s%s%s%s",
                   x->learned.mapping[0] ? "  mapping:\n" : "", x->learned.mapping,
                   x->learned.skip ? "  skip: " : "", x->learned.skip ? x->learned.skip : "", "\n",
                   x->learned.init[0] ? "init:\n" : "", x->learned.init);
    const eg_doc *doc = eg_doc_parse(&x->arena, "r.yaml", x->text, strlen(x->text), &err);
    const eg_recipe *recipe =
        doc ? eg_recipe_check(&x->arena, "r.yaml", doc, NULL, 0, &problems, &err) : NULL;
    const eg_plan *plan = recipe ? eg_plan_build(&x->arena, recipe, net, &x->from, &problems, &err) : NULL;
    if (!plan || !plan->ok) {
        print_message("%s\n%s\n", x->text, err.text);
        eg_problems_print(&problems, stdout, false);
    }
    assert_true(plan && plan->ok);
    for (size_t i = 0; i < plan->step_count; i++)
        same += same_bytes(plan, &plan->steps[i], &x->to, &x->arena);
    return same;
}

static void learns_all(example *x)
{
    size_t same = learn(x);
    if (same != x->to.count) print_message("%s\n", x->text);
    assert_int_equal(same, x->to.count);
}

/* ---- one thing at a time ---- */

static void prefixes_become_strip_and_add(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 1);
    for (int i = 0; i < 5; i++)
        put_both(x, NAME("module.net.l%d.weight", i), NAME("l%d.weight", i), shape(x, 3, 2),
                 random_values(x, 6));
    learns_all(x);
    assert_string_equal(x->learned.mapping, "    - strip_prefix: 'module.net.'\n");
    finish(x);
    start(x, 2);
    for (int i = 0; i < 5; i++)
        put_both(x, NAME("l%d.weight", i), NAME("backbone.l%d.weight", i), shape(x, 3, 2),
                 random_values(x, 6));
    learns_all(x);
    assert_string_equal(x->learned.mapping, "    - add_prefix: 'backbone.'\n");
    finish(x);
}

static void a_swap_is_one_simultaneous_rename(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 3);
    put_both(x, "a.weight", "b.weight", shape(x, 3, 2), random_values(x, 6));
    put_both(x, "b.weight", "a.weight", shape(x, 3, 2), random_values(x, 6));
    learns_all(x);
    assert_non_null(strstr(x->learned.mapping, "- rename:\n        - {"));
    finish(x);
}

static void numbers_that_move_become_a_shift(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 4);
    for (int i = 0; i < 6; i++)
        put_both(x, NAME("blocks.%d.w", i + 2), NAME("blocks.%d.w", i), shape(x, 3, 2), random_values(x, 6));
    learns_all(x);
    assert_string_equal(x->learned.mapping, "    - shift: {match: 'blocks\\.(\\d+)\\..*', by: -2}\n");
    finish(x);
}

static void constants_go_where_their_neighbours_go(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 5);
    for (int i = 0; i < 12; i++) {
        put_both(x, NAME("conv%d.kernel", i), NAME("stage.%d.weight", i), shape(x, 3, 2),
                 random_values(x, 6));
        put_both(x, NAME("norm%d.gamma", i), NAME("stage.%d.scale", i), shape(x, 3, 0),
                 constant_values(x, 3, 1));
        put_both(x, NAME("norm%d.beta", i), NAME("stage.%d.shift", i), shape(x, 3, 0),
                 constant_values(x, 3, 0));
    }
    learns_all(x);
    assert_true(x->learned.rules <= 4);
    assert_null(strstr(x->learned.mapping, "stage.3"));
    finish(x);
}

static void transposes_and_casts_are_found(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 6);
    for (int i = 0; i < 3; i++) {
        float *values = random_values(x, 12), *other = EG_NEW_ARRAY(&x->arena, float, 12);
        double *wide = EG_NEW_ARRAY(&x->arena, double, 12);
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 4; c++) other[c * 3 + r] = values[r * 4 + c];
        for (int e = 0; e < 12; e++) wide[e] = (double)values[e] * 2;
        put(x, &x->from, NAME("l%d.kernel", i), shape(x, 3, 4), values);
        put(x, &x->to, NAME("l%d.weight", i), shape(x, 4, 3), other);
        put(x, &x->from, NAME("l%d.wide", i), shape(x, 3, 4), wide);
        x->a[x->from.count - 1].dtype = EG_F64;
        x->a[x->from.count - 1].storage->size *= 2;
        float *narrow = EG_NEW_ARRAY(&x->arena, float, 12);
        for (int e = 0; e < 12; e++) narrow[e] = values[e] * 2;
        put(x, &x->to, NAME("l%d.wide", i), shape(x, 3, 4), narrow);
    }
    learns_all(x);
    assert_non_null(
        strstr(x->learned.mapping, "- transform: {match: '.*\\.kernel', ops: [{transpose: [0, 1]}]}"));
    finish(x);
}

static void old_kernels_get_their_dims_back(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 7);
    for (int i = 1; i < 5; i++) {
        float *values = random_values(x, 12);
        const char *depthwise = NAME("block%d.rep.0.conv1.weight", i);
        put_both(x, depthwise, depthwise, eg_shape_copy(&x->arena, (int64_t[]){3, 1, 3, 3}, 4),
                 random_values(x, 27));
        put(x, &x->from, NAME("block%d.rep.0.pointwise.weight", i), shape(x, 4, 3), values);
        put(x, &x->to, NAME("block%d.rep.0.pointwise.weight", i),
            eg_shape_copy(&x->arena, (int64_t[]){4, 3, 1, 1}, 4), values);
    }
    put_both(x, "fc.weight", "last_linear.weight", shape(x, 2, 3), random_values(x, 6));
    put_both(x, "fc.bias", "last_linear.bias", shape(x, 2, 0), random_values(x, 2));
    learns_all(x);
    assert_string_equal(
        x->learned.mapping,
        "    - transform: {match: '.*\\.pointwise\\.weight', ops: [{unsqueeze: 2}, {unsqueeze: 3}]}\n"
        "    - rename: {match: 'fc\\.(.*)', to: 'last_linear.\\1'}\n");
    finish(x);
}

static void what_is_in_one_file_alone_is_dropped_or_drawn(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 8);
    for (int i = 0; i < 4; i++)
        put_both(x, NAME("l%d.weight", i), NAME("l%d.weight", i), shape(x, 3, 2), random_values(x, 6));
    put(x, &x->from, "optimizer.step", shape(x, 5, 0), random_values(x, 5));
    put(x, &x->from, "optimizer.rate", shape(x, 5, 0), random_values(x, 5));
    put(x, &x->to, "new.weight", shape(x, 2, 2), random_values(x, 4));
    put(x, &x->to, "new.bias", shape(x, 2, 0), constant_values(x, 2, 1));
    assert_int_equal(learn(x), 5); /* the bias is drawn as ones, which it is */
    assert_string_equal(x->learned.mapping, "    - drop: ['optimizer\\..*']\n");
    assert_string_equal(x->learned.skip, "['new\\..*']");
    assert_int_equal(x->learned.fresh_count, 2);
    assert_int_equal(x->learned.dropped_count, 2);
    finish(x);
}

static void one_tensor_becomes_two(void **state)
{
    (void)state;
    example one, *x = &one;
    start(x, 9);
    float *words = random_values(x, 20);
    put_both(x, "embed.weight", "wte.weight", shape(x, 5, 4), words);
    put(x, &x->to, "lm_head.weight", shape(x, 5, 4), words);
    put_both(x, "norm.weight", "norm.weight", shape(x, 4, 0), random_values(x, 4));
    learns_all(x);
    assert_non_null(strstr(x->learned.mapping, "- copy: {match: "));
    assert_null(strstr(x->learned.mapping, "tie: true"));
    finish(x);
}

/* ---- any mapping ---- */

/* What the names of one example are made with. */
typedef struct style {
    const char *prefix, *blocks, *inner, *weight;
    uint32_t first; /* block number */
} style;

static style draw_style(example *x)
{
    static const char *const prefixes[] = {"", "module.", "model.encoder.", "backbone."};
    static const char *const blocks[] = {"layer", "blocks.", "h.", "stage.unit"};
    static const char *const inner[] = {"attn", "attention.self", "mixer"};
    static const char *const weights[] = {"weight", "kernel", "w"};
    return (style){prefixes[draw(x, 4)], blocks[draw(x, 4)], inner[draw(x, 3)], weights[draw(x, 3)],
                   draw(x, 3)};
}

static const char *block_name(example *x, const style *s, uint32_t block, const char *rest)
{
    return NAME("%s%s%u.%s", s->prefix, s->blocks, s->first + block, rest);
}

static void put_transposed(example *x, eg_store *store, const char *name, int64_t rows, int64_t columns,
                           const float *values)
{
    float *other = EG_NEW_ARRAY(&x->arena, float, (size_t)(rows * columns));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) other[c * rows + r] = values[r * columns + c];
    put(x, store, name, shape(x, columns, rows), other);
}

/* Three tensors that are one on the other side, which may be the other way round. */
static void put_joined(example *x, const style *a, const style *b, uint32_t block, bool split, bool turned)
{
    static const char *const parts[] = {"q", "k", "v"};
    float *values = random_values(x, 3 * 8);
    eg_store *many = split ? &x->to : &x->from, *whole = split ? &x->from : &x->to;
    const style *m = split ? b : a, *w = split ? a : b;
    for (int i = 0; i < 3; i++)
        put(x, many, block_name(x, m, block, NAME("%s.%s.%s", m->inner, parts[i], m->weight)), shape(x, 2, 4),
            values + 8 * i);
    const char *name = block_name(x, w, block, NAME("%s.qkv.%s", w->inner, w->weight));
    if (turned)
        put_transposed(x, whole, name, 6, 4, values);
    else
        put(x, whole, name, shape(x, 6, 4), values);
}

static void any_mapping_is_learned(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        example one, *x = &one;
        start(x, seed);
        style a = draw_style(x), b = draw_style(x);
        uint32_t blocks = 2 + draw(x, 4);
        bool transposed = draw(x, 2), split = draw(x, 2), head = draw(x, 2), tied = draw(x, 2),
             extra = draw(x, 2), turned = draw(x, 2);
        float *words = random_values(x, 20);
        put_both(x, NAME("%sembed.%s", a.prefix, a.weight), NAME("%sembed.%s", b.prefix, b.weight),
                 shape(x, 5, 4), words);
        if (tied) put(x, &x->to, NAME("%shead.%s", b.prefix, b.weight), shape(x, 5, 4), words);
        for (uint32_t i = 0; i < blocks; i++) {
            float *values = random_values(x, 12);
            put_joined(x, &a, &b, i, split, turned);
            put(x, &x->from, block_name(x, &a, i, NAME("mlp.%s", a.weight)), shape(x, 3, 4), values);
            const char *mlp = block_name(x, &b, i, NAME("mlp.%s", b.weight));
            if (transposed) put_transposed(x, &x->to, mlp, 3, 4, values);
            if (!transposed) put(x, &x->to, mlp, shape(x, 3, 4), values);
            put_both(x, block_name(x, &a, i, NAME("norm.%s", a.weight)),
                     block_name(x, &b, i, NAME("norm.%s", b.weight)), shape(x, 4, 0),
                     constant_values(x, 4, 1));
            put_both(x, block_name(x, &a, i, "norm.bias"), block_name(x, &b, i, "norm.bias"), shape(x, 4, 0),
                     constant_values(x, 4, 0));
        }
        if (head) put(x, &x->from, NAME("%sfc.%s", a.prefix, a.weight), shape(x, 7, 4), random_values(x, 28));
        if (extra) put(x, &x->to, NAME("%snew.bias", b.prefix), shape(x, 9, 0), constant_values(x, 9, 0.25f));
        learns_all(x);
        finish(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_become_strip_and_add),
        cmocka_unit_test(a_swap_is_one_simultaneous_rename),
        cmocka_unit_test(numbers_that_move_become_a_shift),
        cmocka_unit_test(constants_go_where_their_neighbours_go),
        cmocka_unit_test(transposes_and_casts_are_found),
        cmocka_unit_test(old_kernels_get_their_dims_back),
        cmocka_unit_test(what_is_in_one_file_alone_is_dropped_or_drawn),
        cmocka_unit_test(one_tensor_becomes_two),
        cmocka_unit_test(any_mapping_is_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
