/* Sums over the rows of a (rows, c) array: blocks of rows are summed in tasks, then the blocks in order, in
 * double. */
#ifndef ENGRAFT_NET_COLUMNS_H
#define ENGRAFT_NET_COLUMNS_H

#include <stddef.h>

#include "base/pool.h"

/* Rows of a block: enough to be worth a task, few enough to stay in cache. */
int64_t eg_column_rows(int64_t c);
int64_t eg_column_blocks(int64_t rows, int64_t c);
/* blocks (count, c) summed in order into sum (c). */
void eg_column_combine(int64_t count, int64_t c, const double *blocks, double *sum);

/* Bytes of scratch for eg_columns_sum. */
size_t eg_columns_scratch(int64_t rows, int64_t c);
/* out (c) = the sum of x's rows, or += when accumulate: the gradient of a bias. */
void eg_columns_sum(eg_pool *pool, int64_t rows, int64_t c, const float *x, void *scratch, float *out,
                    bool accumulate);

#endif
