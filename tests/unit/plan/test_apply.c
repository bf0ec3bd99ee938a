/* Applying a plan copies, casts and draws into the parameter block. */
#include "helper.h"
#include "net/weights.h"
#include "plan/exactness.h"
#include "tensor/elements.h"

static void copies_casts_and_draws(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.");
    static const uint16_t halves[] = {0x3C00, 0xC000, 0x3800}; /* 1, -2, 0.5 */
    static const float count = 17;
    size_t bias = source_at(&p, "module.fc.bias"), counter = source_at(&p, "module.bn1.num_batches_tracked");
    p.entries[bias] = eg_entry_in_memory(&p.arena, "module.fc.bias", EG_F16, p.entries[bias].shape, halves);
    p.entries[counter] = eg_entry_in_memory(&p.arena, "module.bn1.num_batches_tracked", EG_F32,
                                            p.entries[counter].shape, &count);
    const eg_plan *plan = accepts(&p, "transfer: {mapping: [strip_prefix: module], skip: ['fc\\.weight']}\n"
                                      "init: [{match: 'fc\\.weight', init: constant, value: 0.25}]\n");
    eg_weights weights;
    assert_true(eg_weights_init(&weights, &p.arena, p.net, &p.err));
    assert_true(eg_plan_apply(plan, 1, &weights, &p.err));
    const float *conv = weights.data[eg_net_param_find(p.net, "conv1.weight")];
    assert_memory_equal(conv, p.entries[0].storage->bytes, 108 * sizeof *conv);
    const float *out = weights.data[eg_net_param_find(p.net, "fc.bias")];
    assert_true(out[0] == 1 && out[1] == -2 && out[2] == 0.5f);
    out = weights.data[eg_net_param_find(p.net, "fc.weight")];
    for (int i = 0; i < 12; i++) assert_true(out[i] == 0.25f);
    const int64_t *batches = weights.data[eg_net_param_find(p.net, "bn1.num_batches_tracked")];
    assert_int_equal(*batches, 17);
    eg_weights_clear(&weights);
    done(&p);
}

static void s2_27_narrowing_is_counted(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    static const double bias[] = {0.5, 0.1, 1e-300};
    static const int64_t scale[] = {1, 16777217, 3, -2}; /* 2^24 + 1 has one digit too many */
    size_t at = source_at(&p, "fc.bias"), other = source_at(&p, "bn1.weight");
    p.entries[at] = eg_entry_in_memory(&p.arena, "fc.bias", EG_F64, p.entries[at].shape, bias);
    p.entries[other] = eg_entry_in_memory(&p.arena, "bn1.weight", EG_I64, p.entries[other].shape, scale);
    const eg_plan *plan = accepts(&p, "");
    eg_exactness exactness;
    assert_true(eg_exactness_measure(plan, &exactness, &p.err));
    assert_int_equal(exactness.tensors, 2);
    assert_int_equal(exactness.values, 7);
    assert_int_equal(exactness.rounded, 3);
    assert_string_equal(exactness.first, "bn1.weight");
    done(&p);
}

/* Without a block: the same tensors, one by one; copies of what the source has in memory are made, too. */
static void a_store_gives_what_applying_gives(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.");
    static const uint16_t halves[] = {0x3C00, 0xC000, 0x3800};
    size_t bias = source_at(&p, "module.fc.bias");
    p.entries[bias] = eg_entry_in_memory(&p.arena, "module.fc.bias", EG_F16, p.entries[bias].shape, halves);
    const eg_plan *plan = accepts(&p, "transfer: {mapping: [strip_prefix: module], skip: ['fc\\.weight']}\n");
    eg_weights weights;
    assert_true(eg_weights_init(&weights, &p.arena, p.net, &p.err));
    assert_true(eg_plan_apply(plan, 5, &weights, &p.err));
    eg_store block = eg_weights_store(&p.arena, &weights, "x."),
             store = eg_plan_store(&p.arena, plan, 5, "x.");
    assert_int_equal(store.count, block.count);
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < store.count; i++) {
            uint8_t a[4096], b[4096];
            uint64_t numel = 0;
            assert_string_equal(store.entries[i].name, block.entries[i].name);
            assert_true(eg_shape_equal(store.entries[i].shape, block.entries[i].shape));
            assert_true(eg_shape_numel(store.entries[i].shape, &numel) && numel <= sizeof a / 8);
            assert_true(eg_entry_read(&store.entries[i], a, &p.err));
            assert_true(eg_entry_read(&block.entries[i], b, &p.err));
            assert_memory_equal(a, b, numel * eg_dtype_size(store.entries[i].dtype));
            eg_storage_unload(store.entries[i].storage);
        }
    }
    eg_weights_clear(&weights);
    done(&p);
}

static void draws_depend_on_seed_and_name_alone(void **state)
{
    (void)state;
    float first[12];
    for (int run = 0; run < 3; run++) {
        planned p;
        begin(&p, "");
        eg_weights weights;
        const eg_plan *plan = accepts(&p, run == 1 ? "transfer: {skip: ['fc\\..*', 'bn1\\..*']}\n"
                                                   : "transfer: {skip: ['fc\\..*']}\n");
        assert_true(eg_weights_init(&weights, &p.arena, p.net, &p.err));
        assert_true(eg_plan_apply(plan, run == 2 ? 8 : 7, &weights, &p.err));
        const float *weight = weights.data[eg_net_param_find(p.net, "fc.weight")];
        if (run == 0) memcpy(first, weight, sizeof first);
        assert_int_equal(memcmp(first, weight, sizeof first) == 0, run < 2);
        eg_weights_clear(&weights);
        done(&p);
    }
}

static bool cannot_load(eg_storage *storage, eg_error *err)
{
    (void)storage;
    return eg_fail(err, EG_MALFORMED, "the record is damaged");
}

static void a_damaged_source_is_an_error(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    p.entries[3].storage->load = cannot_load;
    eg_weights weights;
    const eg_plan *plan = accepts(&p, "");
    assert_true(eg_weights_init(&weights, &p.arena, p.net, &p.err));
    assert_false(eg_plan_apply(plan, 1, &weights, &p.err));
    assert_string_equal(p.err.text, "the record is damaged");
    eg_weights_clear(&weights);
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_casts_and_draws),
        cmocka_unit_test(s2_27_narrowing_is_counted),
        cmocka_unit_test(a_store_gives_what_applying_gives),
        cmocka_unit_test(draws_depend_on_seed_and_name_alone),
        cmocka_unit_test(a_damaged_source_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
