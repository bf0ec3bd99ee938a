#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "run/proof.h"

static const int64_t dims[] = {5};

static eg_param params[] = {
    {.name = "bn.weight", .shape = {1, dims}, .dtype = EG_F32},
    {.name = "bn.num_batches_tracked", .shape = {0, NULL}, .dtype = EG_I64, .buffer = true},
    {.name = "fc.weight", .shape = {1, dims}, .dtype = EG_F32},
    {.name = "fc.bias", .shape = {1, dims}, .dtype = EG_F32},
};
static const eg_net net = {.params = params, .param_count = 4};
static const bool frozen[] = {true, true, false, true};

/* Only what is frozen must stay, to the last bit: -0 is not 0. */
static void one_changed_bit_is_found(void **state)
{
    (void)state;
    float weight[5] = {1, 2, 3, 4, 5}, head[5] = {0}, bias[5] = {0};
    int64_t count = 7;
    void *data[] = {weight, &count, head, bias};
    const eg_weights weights = {.net = &net, .data = data};
    eg_proof proof;
    eg_error err = {0};
    assert_true(eg_proof_init(&proof, &net, frozen, &weights, &err));
    assert_int_equal(proof.tensors, 3);
    head[2] = 9;
    assert_true(eg_proof_check(&proof, &weights, &err));
    bias[4] = -0.0f;
    assert_false(eg_proof_check(&proof, &weights, &err));
    assert_int_equal(err.code, EG_MISMATCH);
    assert_non_null(strstr(err.text, "'fc.bias'"));
    assert_non_null(strstr(err.text, "element 4"));
    bias[4] = 0;
    count = 8;
    err = (eg_error){0};
    assert_false(eg_proof_check(&proof, &weights, &err));
    assert_non_null(strstr(err.text, "'bn.num_batches_tracked'"));
    eg_proof_clear(&proof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_changed_bit_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
