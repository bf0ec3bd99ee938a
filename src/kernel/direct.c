#include "kernel/direct.h"

#include <assert.h>
#include <string.h>

#include "kernel/direct_forms.h"

static const eg_direct *const forms[EG_CPU_COUNT] = {
    [EG_CPU_PORTABLE] = &eg_direct_portable,
#if defined(__x86_64__)
    [EG_CPU_AVX2] = &eg_direct_avx2,
    [EG_CPU_AVX512] = &eg_direct_avx512,
#endif
};

const eg_direct *eg_direct_forms(eg_cpu cpu)
{
    assert(forms[cpu]);
    return forms[cpu];
}

/* Columns of a panel that exist. */
static int64_t width_of(const eg_direct *form, int64_t panel, int64_t total)
{
    int64_t rest = total - panel * form->panel;
    return rest < form->panel ? rest : form->panel;
}

/* Neighbours in the panel's rows are 9 floats apart in the weights, neighbours in its columns 9 * c: some
 * channels at a time, so that the lines of both stay in cache. */
enum { TOGETHER = 8 };

void eg_direct_pack(const eg_direct *form, int64_t panel, int64_t k, int64_t c, int64_t r, int64_t s,
                    const eg_direct_taps *taps, const float *weight, float *packed)
{
    int64_t depth = taps->turned ? k : c, first = panel * form->panel, t = r * s;
    int64_t width = width_of(form, panel, taps->turned ? c : k);
    int64_t inner = taps->turned ? c * t : t, outer = taps->turned ? t : c * t;
    if (width < form->panel)
        memset(packed, 0, (size_t)(taps->count[0] * taps->count[1] * depth * form->panel) * sizeof *packed);
    for (int64_t from = 0; from < depth; from += TOGETHER)
        for (int64_t tap = 0; tap < taps->count[0] * taps->count[1]; tap++) {
            int64_t row = taps->first[0] + tap / taps->count[1] * taps->step[0];
            int64_t column = taps->first[1] + tap % taps->count[1] * taps->step[1];
            for (int64_t i = from; i < from + TOGETHER && i < depth; i++) {
                const float *w = weight + first * outer + i * inner + row * s + column;
                float *to = packed + (tap * depth + i) * form->panel;
                for (int64_t at = 0; at < width; at++) to[at] = w[at * outer];
            }
        }
}

void eg_direct_copy(const float *map, int64_t h, int64_t w, int64_t c, int64_t row, int64_t column,
                    int64_t rows, int64_t columns, float *out)
{
    int64_t first = column < 0 ? -column : 0, end = column + columns > w ? w - column : columns;
    if (first > columns) first = columns;
    if (end < first) end = first;
    for (int64_t i = row; i < row + rows; i++, out += columns * c) {
        if (i < 0 || i >= h || end == first) {
            memset(out, 0, (size_t)(columns * c) * sizeof *out);
            continue;
        }
        memset(out, 0, (size_t)(first * c) * sizeof *out);
        memcpy(out + first * c, map + (i * w + column + first) * c,
               (size_t)((end - first) * c) * sizeof *out);
        memset(out + end * c, 0, (size_t)((columns - end) * c) * sizeof *out);
    }
}

void eg_direct_unpack(const eg_direct *form, int64_t panel, int64_t k, int64_t c, int64_t t, int64_t parts,
                      int64_t part_size, const float *sums, float *out, bool accumulate)
{
    int64_t width = width_of(form, panel, k), first = panel * form->panel;
    for (int64_t channel = 0; channel < c; channel++)
        for (int64_t at = 0; at < width; at++) {
            float *to = out + ((first + at) * c + channel) * t;
            for (int64_t tap = 0; tap < t; tap++) {
                const float *from = sums + (tap * c + channel) * form->panel + at;
                float sum = *from;
                for (int64_t part = 1; part < parts; part++) sum += from[part * part_size];
                to[tap] = accumulate ? to[tap] + sum : sum;
            }
        }
}
