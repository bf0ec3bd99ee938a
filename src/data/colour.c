#include "data/colour.h"

#include <math.h>

static uint8_t luma(const uint8_t *p, int channels)
{
    if (channels == 1) return p[0];
    return (uint8_t)((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
}

/* Cut off, not rounded; in float. */
static uint8_t blend(uint8_t from, uint8_t to, float factor)
{
    float mixed = (float)from + factor * (float)(to - from);
    return mixed <= 0 ? 0 : mixed >= 255 ? 255 : (uint8_t)mixed;
}

static void brightness(uint8_t *pixels, size_t count, int channels, double factor)
{
    for (size_t i = 0; i < count * (size_t)channels; i++) pixels[i] = blend(0, pixels[i], (float)factor);
}

static void contrast(uint8_t *pixels, size_t count, int channels, double factor)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += luma(pixels + i * (size_t)channels, channels);
    uint8_t mean = (uint8_t)((double)sum / (double)count + 0.5);
    for (size_t i = 0; i < count * (size_t)channels; i++) pixels[i] = blend(mean, pixels[i], (float)factor);
}

static void saturation(uint8_t *pixels, size_t count, int channels, double factor)
{
    for (size_t i = 0; i < count; i++, pixels += channels) {
        uint8_t gray = luma(pixels, channels);
        for (int c = 0; c < channels; c++) pixels[c] = blend(gray, pixels[c], (float)factor);
    }
}

static uint8_t most(const uint8_t *p)
{
    uint8_t m = p[0] > p[1] ? p[0] : p[1];
    return m > p[2] ? m : p[2];
}

static uint8_t least(const uint8_t *p)
{
    uint8_t m = p[0] < p[1] ? p[0] : p[1];
    return m < p[2] ? m : p[2];
}

static uint8_t clip(int value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)value;
}

/* Float and double exactly where Pillow has them. */
static void to_hsv(const uint8_t *p, uint8_t hsv[3])
{
    uint8_t max = most(p), min = least(p);
    hsv[0] = hsv[1] = 0;
    hsv[2] = max;
    if (max == min) return;
    float range = (float)(max - min), s = range / (float)max, h;
    float rc = (float)(max - p[0]) / range, gc = (float)(max - p[1]) / range,
          bc = (float)(max - p[2]) / range;
    if (p[0] == max)
        h = bc - gc;
    else if (p[1] == max)
        h = (float)(2.0 + rc - bc);
    else
        h = (float)(4.0 + gc - rc);
    h = (float)fmod(h / 6.0 + 1.0, 1.0);
    hsv[0] = clip((int)(h * 255.0));
    hsv[1] = clip((int)(s * 255.0));
}

static void to_rgb(const uint8_t hsv[3], uint8_t *p)
{
    uint8_t v = hsv[2];
    if (hsv[1] == 0) {
        p[0] = p[1] = p[2] = v;
        return;
    }
    int sector = (int)floor((float)hsv[0] * 6.0 / 255.0);
    float f = (float)((float)hsv[0] * 6.0 / 255.0 - (float)sector), s = (float)((float)hsv[1] / 255.0);
    uint8_t a = clip((int)(float)round((float)v * (1.0 - s)));
    uint8_t q = clip((int)(float)round((float)v * (1.0 - s * f)));
    uint8_t t = clip((int)(float)round((float)v * (1.0 - s * (1.0 - f))));
    const uint8_t by_sector[6][3] = {{v, t, a}, {q, v, a}, {a, v, t}, {a, q, v}, {t, a, v}, {v, a, q}};
    for (int c = 0; c < 3; c++) p[c] = by_sector[sector % 6][c];
}

/* The turn is cut to a whole number of 255ths, and wraps. */
static void hue(uint8_t *pixels, size_t count, int channels, double factor)
{
    uint8_t turn = (uint8_t)(int)(factor * 255), hsv[3];
    for (size_t i = 0; channels == 3 && i < count; i++, pixels += 3) {
        to_hsv(pixels, hsv);
        hsv[0] = (uint8_t)(hsv[0] + turn);
        to_rgb(hsv, pixels);
    }
}

void eg_colour_apply(eg_colour kind, uint8_t *pixels, size_t count, int channels, double factor)
{
    static void (*const apply[EG_COLOUR_COUNT])(uint8_t *, size_t, int, double) = {
        [EG_COLOUR_BRIGHTNESS] = brightness,
        [EG_COLOUR_CONTRAST] = contrast,
        [EG_COLOUR_SATURATION] = saturation,
        [EG_COLOUR_HUE] = hue,
    };
    apply[kind](pixels, count, channels, factor);
}
