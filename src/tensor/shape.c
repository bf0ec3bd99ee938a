#include <string.h>

#include "base/str.h"
#include "engraft/tensor.h"

bool eg_shape_equal(eg_shape a, eg_shape b)
{
    if (a.rank != b.rank) return false;
    for (uint32_t i = 0; i < a.rank; i++)
        if (a.dims[i] != b.dims[i]) return false;
    return true;
}

bool eg_shape_numel(eg_shape shape, uint64_t *numel)
{
    int64_t product = 1;
    bool empty = false, overflow = false;
    for (uint32_t i = 0; i < shape.rank; i++) {
        if (shape.dims[i] < 0) return false;
        empty |= shape.dims[i] == 0;
        overflow |= __builtin_mul_overflow(product, shape.dims[i], &product);
    }
    *numel = empty ? 0 : (uint64_t)product;
    return empty || !overflow;
}

const char *eg_shape_text(eg_arena *arena, eg_shape shape)
{
    eg_buf buf = {0};
    eg_buf_puts(&buf, "[");
    for (uint32_t i = 0; i < shape.rank; i++)
        eg_buf_printf(&buf, "%s%lld", i ? ", " : "", (long long)shape.dims[i]);
    eg_buf_puts(&buf, "]");
    return eg_buf_take(&buf, arena);
}

eg_shape eg_shape_copy(eg_arena *arena, const int64_t *dims, uint32_t rank)
{
    return (eg_shape){rank, eg_arena_copy(arena, dims, rank * sizeof *dims)};
}
