#include "net/columns.h"

#include "kernel/norm.h"
#include "net/range.h"

int64_t eg_column_rows(int64_t c)
{
    return eg_clamp(EG_GRAIN / c, 16, 4096);
}

int64_t eg_column_blocks(int64_t rows, int64_t c)
{
    return eg_div_up(rows, eg_column_rows(c));
}

void eg_column_combine(int64_t count, int64_t c, const double *blocks, double *sum)
{
    for (int64_t i = 0; i < c; i++) sum[i] = blocks[i];
    for (int64_t block = 1; block < count; block++)
        for (int64_t i = 0; i < c; i++) sum[i] += blocks[block * c + i];
}

size_t eg_columns_scratch(int64_t rows, int64_t c)
{
    return (size_t)((eg_column_blocks(rows, c) + 1) * c) * sizeof(double);
}

typedef struct job {
    int64_t c;
    const float *x;
    double *blocks;
} job;

static void sum_block(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    eg_column_sum(end - begin, j->c, j->x + begin * j->c, j->blocks + begin / eg_column_rows(j->c) * j->c);
}

void eg_columns_sum(eg_pool *pool, int64_t rows, int64_t c, const float *x, void *scratch, float *out,
                    bool accumulate)
{
    double *sum = scratch;
    job j = {c, x, sum + c};
    eg_range_run(pool, rows, eg_column_rows(c), sum_block, &j);
    eg_column_combine(eg_column_blocks(rows, c), c, j.blocks, sum);
    for (int64_t i = 0; i < c; i++) out[i] = accumulate ? out[i] + (float)sum[i] : (float)sum[i];
}
