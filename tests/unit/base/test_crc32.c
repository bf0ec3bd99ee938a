/* The CRC of zip: libdeflate's agrees with zlib's polynomial, and halves join to the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc32.h"

/* One bit at a time. */
static uint32_t reference(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

static void it_is_the_crc_of_zip(void **state)
{
    uint8_t bytes[3000];
    (void)state;
    assert_int_equal(eg_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(eg_crc32(0, bytes, 0), 0);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i >> 3);
    for (size_t size = 1; size < sizeof bytes; size += 37)
        assert_int_equal(eg_crc32(0, bytes + size % 7, size - size % 7),
                         reference(bytes + size % 7, size - size % 7));
}

static void parts_continue_and_join(void **state)
{
    uint8_t bytes[1000];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + (i >> 5));
    for (size_t cut = 0; cut <= sizeof bytes; cut += 125) {
        uint32_t first = eg_crc32(0, bytes, cut), second = eg_crc32(0, bytes + cut, sizeof bytes - cut);
        assert_int_equal(eg_crc32(first, bytes + cut, sizeof bytes - cut), reference(bytes, sizeof bytes));
        assert_int_equal(eg_crc32_join(first, second, sizeof bytes - cut), reference(bytes, sizeof bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_crc_of_zip),
        cmocka_unit_test(parts_continue_and_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
