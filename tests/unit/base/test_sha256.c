#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"

/* FIPS 180-2, appendix B. */
static void known_answers(void **state)
{
    (void)state;
    char hex[65];
    eg_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    eg_sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void pieces_give_the_whole(void **state)
{
    (void)state;
    char hex[65];
    eg_sha256 *sha = eg_sha256_new();
    for (int i = 0; i < 1000; i++) eg_sha256_add(sha, "aaaaaaaaaa", 10);
    eg_sha256_finish(sha, hex);
    assert_string_equal(hex, "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers),
                                       cmocka_unit_test(pieces_give_the_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
