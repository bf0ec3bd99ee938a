#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "data/colour.h"
#include "format/image.h"

enum { WIDTH = 37, HEIGHT = 29, JPEG = EG_COLOUR_COUNT };

/* The image and the cases of tests/oracle/colour.py. */
static void colours_and_jpegs_equal_pillow_to_the_bit(void **state)
{
    (void)state;
    char path[4096], expected[65], digest[65];
    int kind, channels, cases = 0;
    double factor;
    snprintf(path, sizeof path, "%s/tests/data/colour.txt", getenv("ENGRAFT_TEST_ROOT"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fscanf(file, "%d %d %lf %64s", &kind, &channels, &factor, expected) == 4) {
        uint8_t pixels[WIDTH * HEIGHT * 3];
        size_t size = (size_t)(WIDTH * HEIGHT * channels);
        for (size_t i = 0; i < size; i++) pixels[i] = (uint8_t)(7 * i * i + 13 * i);
        eg_image image = {WIDTH, HEIGHT, channels, pixels, NULL};
        if (kind == JPEG)
            assert_true(eg_image_rejpeg(&image, (int)factor, NULL));
        else
            eg_colour_apply((eg_colour)kind, pixels, WIDTH * HEIGHT, channels, factor);
        eg_sha256_hex(pixels, size, digest);
        if (strcmp(digest, expected) != 0) print_error("kind %d, %d channels, %g\n", kind, channels, factor);
        assert_string_equal(digest, expected);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(colours_and_jpegs_equal_pillow_to_the_bit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
