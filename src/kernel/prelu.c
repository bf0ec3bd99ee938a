#include "kernel/prelu.h"

#include "kernel/mathf.h"
#include "kernel/norm.h"

EG_CLONES void eg_prelu_forward(int64_t rows, int64_t c, const float *restrict x, const float *restrict slope,
                                float *restrict y)
{
    for (int64_t row = 0; row < rows; row++, x += c, y += c)
        for (int64_t i = 0; i < c; i++) y[i] = eg_f32_select(x[i] > 0, x[i], x[i] * slope[i]);
}

EG_CLONES void eg_prelu_input_grad(int64_t rows, int64_t c, const float *restrict x, const float *restrict dy,
                                   const float *restrict slope, float *restrict dx)
{
    for (int64_t row = 0; row < rows; row++, x += c, dy += c, dx += c)
        for (int64_t i = 0; i < c; i++) dx[i] = eg_f32_select(x[i] > 0, dy[i], dy[i] * slope[i]);
}

EG_CLONES void eg_prelu_slope_sums(int64_t rows, int64_t c, const float *restrict x, const float *restrict dy,
                                   double *restrict sum)
{
    for (int64_t at = 0; at < c; at += EG_LANES) {
        int64_t width = c - at < EG_LANES ? c - at : EG_LANES;
        for (int64_t i = 0; i < width; i++) sum[at + i] = 0;
        for (int64_t row = 0; row < rows;) {
            float part[EG_LANES] = {0};
            int64_t end = row + EG_SUM_RUN < rows ? row + EG_SUM_RUN : rows;
            for (; row < end; row++)
                for (int64_t i = 0; i < width; i++) {
                    float v = x[row * c + at + i];
                    part[i] += eg_f32_select(v > 0, 0, v * dy[row * c + at + i]);
                }
            for (int64_t i = 0; i < width; i++) sum[at + i] += (double)part[i];
        }
    }
}
