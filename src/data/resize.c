#include "data/resize.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/memory.h"
#include "kernel/cpu.h"

enum { PRECISION = 22, HALF = 1 << (PRECISION - 1), BLOCK = 32 };

/* ---- filters ---- */
static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic convolution with a = -0.5. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static const struct filter {
    double (*weight)(double x);
    double support;
} filters[EG_INTERPOLATION_COUNT] = {[EG_BILINEAR] = {triangle, 1.0}, [EG_BICUBIC] = {cubic, 2.0}};

/* What one axis needs: output i is the sum of count[i] inputs from first[i] on, times weights[i * size …]. */
typedef struct taps {
    int size;
    int *first, *count;
    int32_t *weights; /* 22 bits after the point */
} taps;

static int32_t to_fixed(double weight)
{
    return (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << PRECISION));
}

static taps taps_new(int in, int out, const struct filter *filter, eg_scratch *scratch)
{
    double scale = (double)in / out, stretch = scale < 1.0 ? 1.0 : scale, support = filter->support * stretch;
    double inverse = 1.0 / stretch;
    taps t = {.size = (int)ceil(support) * 2 + 1};
    double *exact = eg_scratch_new(scratch, eg_size_product((size_t)t.size, sizeof *exact));
    t.first = eg_scratch_new(scratch, eg_size_product((size_t)out, 2 * sizeof *t.first));
    t.count = t.first + out;
    t.weights = eg_scratch_new(
        scratch, eg_size_product(eg_size_product((size_t)out, (size_t)t.size), sizeof *t.weights));
    for (int i = 0; i < out; i++) {
        double center = (i + 0.5) * scale, sum = 0.0;
        int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
        if (low < 0) low = 0;
        if (high > in) high = in;
        for (int x = 0; x < high - low; x++) {
            exact[x] = filter->weight((x + low - center + 0.5) * inverse);
            sum += exact[x];
        }
        for (int x = 0; x < high - low; x++)
            t.weights[(size_t)i * (size_t)t.size + (size_t)x] =
                to_fixed(sum != 0.0 ? exact[x] / sum : exact[x]);
        t.first[i] = low;
        t.count[i] = high - low;
    }
    eg_scratch_free(scratch, exact);
    return t;
}

static void taps_free(taps *t, const eg_scratch *scratch)
{
    eg_scratch_free(scratch, t->first);
    eg_scratch_free(scratch, t->weights);
}

/* ---- passes ----
 * Written once and compiled twice; the results are integers, so that both forms agree by nature. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE uint8_t clip(int32_t sum)
{
    int32_t v = sum >> PRECISION;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One row of gray. */
ALWAYS_INLINE void across1(const uint8_t *in, const taps *t, int width, uint8_t *out)
{
    for (int i = 0; i < width; i++) {
        const int32_t *weights = t->weights + (size_t)i * (size_t)t->size;
        const uint8_t *p = in + t->first[i];
        int32_t sum = HALF;
        for (int x = 0; x < t->count[i]; x++) sum += p[x] * weights[x];
        out[i] = clip(sum);
    }
}

/* One row of RGB. */
static void across3(const uint8_t *in, const taps *t, int width, uint8_t *out)
{
    for (int i = 0; i < width; i++, out += 3) {
        const int32_t *weights = t->weights + (size_t)i * (size_t)t->size;
        const uint8_t *p = in + (size_t)t->first[i] * 3;
        int32_t red = HALF, green = HALF, blue = HALF;
        for (int x = 0; x < t->count[i]; x++, p += 3) {
            red += p[0] * weights[x];
            green += p[1] * weights[x];
            blue += p[2] * weights[x];
        }
        out[0] = clip(red);
        out[1] = clip(green);
        out[2] = clip(blue);
    }
}

#if defined(__x86_64__)
/* The same, one pixel a vector: the compiler does not find this form by itself, and it is four times as fast.
 * The fourth lane does nothing; one byte behind the row is read for it. */
__attribute__((target("avx2"))) static void across3_avx2(const uint8_t *in, const taps *t, int width,
                                                         uint8_t *out)
{
    for (int i = 0; i < width; i++, out += 3) {
        const int32_t *weights = t->weights + (size_t)i * (size_t)t->size;
        const uint8_t *p = in + (size_t)t->first[i] * 3;
        __m128i sum = _mm_set1_epi32(HALF);
        for (int x = 0; x < t->count[i]; x++, p += 3) {
            int32_t bytes;
            memcpy(&bytes, p, sizeof bytes);
            __m128i pixel = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
            sum = _mm_add_epi32(sum, _mm_mullo_epi32(pixel, _mm_set1_epi32(weights[x])));
        }
        __m128i narrow = _mm_packs_epi32(_mm_srai_epi32(sum, PRECISION), sum);
        int32_t rgb = _mm_cvtsi128_si32(_mm_packus_epi16(narrow, narrow));
        memcpy(out, &rgb, 3);
    }
}
#endif

/* One output row: the weighted sum of `count` rows of n bytes. */
ALWAYS_INLINE void down(const uint8_t *in, size_t stride, int count, const int32_t *weights, size_t n,
                        uint8_t *out)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        int32_t sum[BLOCK];
        for (int j = 0; j < BLOCK; j++) sum[j] = HALF;
        for (int y = 0; y < count; y++) {
            const uint8_t *p = in + (size_t)y * stride + i;
            for (int j = 0; j < BLOCK; j++) sum[j] += p[j] * weights[y];
        }
        for (int j = 0; j < BLOCK; j++) out[i + (size_t)j] = clip(sum[j]);
    }
    for (; i < n; i++) {
        int32_t sum = HALF;
        for (int y = 0; y < count; y++) sum += in[(size_t)y * stride + i] * weights[y];
        out[i] = clip(sum);
    }
}

/* Rows first … first+rows-1 to `width` pixels. padded holds one row and one byte. */
ALWAYS_INLINE void pass_across(const eg_raster *in, int first, int rows, const taps *t, int width,
                               uint8_t *padded, uint8_t *out,
                               void (*colour)(const uint8_t *in, const taps *t, int width, uint8_t *out))
{
    size_t in_size = (size_t)in->width * (size_t)in->channels,
           out_size = (size_t)width * (size_t)in->channels;
    padded[in_size] = 0;
    for (int y = 0; y < rows; y++) {
        memcpy(padded, in->pixels + (size_t)(first + y) * in->stride, in_size);
        if (in->channels == 1)
            across1(padded, t, width, out + (size_t)y * out_size);
        else
            colour(padded, t, width, out + (size_t)y * out_size);
    }
}

/* in's row 0 is the image's row `first`. */
ALWAYS_INLINE void pass_down(const uint8_t *in, size_t stride, int first, const taps *t, int height,
                             size_t row, uint8_t *out)
{
    for (int y = 0; y < height; y++)
        down(in + (size_t)(t->first[y] - first) * stride, stride, t->count[y],
             t->weights + (size_t)y * (size_t)t->size, row, out + (size_t)y * row);
}

typedef struct passes {
    void (*across)(const eg_raster *in, int first, int rows, const taps *t, int width, uint8_t *padded,
                   uint8_t *out);
    void (*down)(const uint8_t *in, size_t stride, int first, const taps *t, int height, size_t row,
                 uint8_t *out);
} passes;

static void across_portable(const eg_raster *in, int first, int rows, const taps *t, int width,
                            uint8_t *padded, uint8_t *out)
{
    pass_across(in, first, rows, t, width, padded, out, across3);
}

static void down_portable(const uint8_t *in, size_t stride, int first, const taps *t, int height, size_t row,
                          uint8_t *out)
{
    pass_down(in, stride, first, t, height, row, out);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void
across_avx2(const eg_raster *in, int first, int rows, const taps *t, int width, uint8_t *padded, uint8_t *out)
{
    pass_across(in, first, rows, t, width, padded, out, across3_avx2);
}

__attribute__((target("avx2"))) static void down_avx2(const uint8_t *in, size_t stride, int first,
                                                      const taps *t, int height, size_t row, uint8_t *out)
{
    pass_down(in, stride, first, t, height, row, out);
}
#endif

static passes choose_passes(void)
{
#if defined(__x86_64__)
    if (eg_cpu_best() >= EG_CPU_AVX2) return (passes){across_avx2, down_avx2};
#endif
    return (passes){across_portable, down_portable};
}

/* Only the rows that the second pass looks at are resized in the first one. */
static void resample(const eg_raster *in, int width, int height, const struct filter *filter,
                     eg_scratch *scratch, uint8_t *out)
{
    passes pass = choose_passes();
    size_t row = (size_t)width * (size_t)in->channels, stride = in->stride;
    const uint8_t *pixels = in->pixels;
    uint8_t *middle = NULL;
    bool down = height != in->height;
    taps rows = taps_new(in->height, height, filter, scratch);
    int first = down ? rows.first[0] : 0;
    int used = down ? rows.first[height - 1] + rows.count[height - 1] - first : height;
    if (width != in->width) {
        taps columns = taps_new(in->width, width, filter, scratch);
        uint8_t *padded =
            eg_scratch_new(scratch, eg_size_product((size_t)in->width, (size_t)in->channels) + 1);
        if (down) middle = eg_scratch_new(scratch, eg_size_product(row, (size_t)used));
        pass.across(in, first, used, &columns, width, padded, down ? middle : out);
        pixels = middle;
        stride = row;
        eg_scratch_free(scratch, padded);
        taps_free(&columns, scratch);
    } else {
        first = 0;
    }
    if (down) pass.down(pixels, stride, first, &rows, height, row, out);
    eg_scratch_free(scratch, middle);
    taps_free(&rows, scratch);
}

/* Positions are summed up step by step: the rounding of Pillow's affine transform. */
static void nearest(const eg_raster *in, int width, int height, eg_scratch *scratch, uint8_t *out)
{
    size_t channels = (size_t)in->channels;
    double step_x = (double)in->width / width, step_y = (double)in->height / height;
    int *columns = eg_scratch_new(scratch, eg_size_product((size_t)width, sizeof *columns));
    double at = step_x * 0.5;
    for (int x = 0; x < width; x++, at += step_x) columns[x] = at < in->width ? (int)at : -1;
    at = step_y * 0.5;
    for (int y = 0; y < height; y++, at += step_y)
        for (int x = 0; x < width; x++, out += channels) {
            if (at < in->height && columns[x] >= 0)
                memcpy(out, in->pixels + (size_t)at * in->stride + (size_t)columns[x] * channels, channels);
            else
                memset(out, 0, channels);
        }
    eg_scratch_free(scratch, columns);
}

void eg_resize(const eg_raster *in, int width, int height, eg_interpolation how, eg_scratch *scratch,
               uint8_t *out)
{
    assert(width > 0 && height > 0 && in->width > 0 && in->height > 0);
    assert(in->channels == 1 || in->channels == 3);
    size_t row = (size_t)width * (size_t)in->channels;
    if (width == in->width && height == in->height)
        for (int y = 0; y < height; y++)
            memcpy(out + (size_t)y * row, in->pixels + (size_t)y * in->stride, row);
    else if (how == EG_NEAREST)
        nearest(in, width, height, scratch, out);
    else
        resample(in, width, height, &filters[how], scratch, out);
}
