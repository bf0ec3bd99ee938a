#include "format/pixels.h"

#include <string.h>

void eg_pixels_luma(const uint8_t *in, size_t step, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) out[i] = eg_luma(in + i * step);
}

void eg_pixels_rgb(const uint8_t *in, size_t step, size_t n, uint8_t *out)
{
    if (step == 3) {
        memcpy(out, in, 3 * n);
        return;
    }
    for (size_t i = 0; i < n; i++, in += step, out += 3) {
        out[0] = in[0];
        out[1] = in[1];
        out[2] = in[2];
    }
}

void eg_pixels_spread(const uint8_t *gray, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++, out += 3) out[0] = out[1] = out[2] = gray[i];
}

/* a * b / 255, rounded. */
static inline unsigned scale255(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

void eg_pixels_cmyk(const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++, in += 4, out += 3)
        for (int c = 0; c < 3; c++) out[c] = (uint8_t)(in[3] - scale255(255u - in[c], in[3]));
}
