#include "plan/undo.h"

#include <inttypes.h>

#include "base/str.h"

static int64_t settled(int64_t dim, uint32_t rank)
{
    return dim < 0 ? dim + rank : dim;
}

/* The operation that undoes one on a tensor of shape `before`; NULL: none does. */
static const char *undo(eg_arena *arena, const eg_reshape *op, eg_shape before)
{
    eg_buf out = {0};
    int64_t dim = op->args[0];
    switch (op->kind) {
    case EG_RESHAPE_UNSQUEEZE: return eg_arena_printf(arena, "{squeeze: %" PRId64 "}", dim);
    case EG_RESHAPE_SQUEEZE: return eg_arena_printf(arena, "{unsqueeze: %" PRId64 "}", dim);
    case EG_RESHAPE_TRANSPOSE:
        return eg_arena_printf(arena, "{transpose: [%" PRId64 ", %" PRId64 "]}", dim, op->args[1]);
    case EG_RESHAPE_PERMUTE:
        for (size_t d = 0; d < op->count; d++)
            for (size_t i = 0; i < op->count; i++)
                if (settled(op->args[i], before.rank) == (int64_t)d)
                    eg_buf_printf(&out, "%s%zu", d ? ", " : "{permute: [", i);
        break;
    case EG_RESHAPE_FLATTEN:
        dim = settled(dim, before.rank);
        eg_buf_printf(&out, "{unflatten: [%" PRId64, dim);
        for (int64_t d = dim; d < before.rank; d++) eg_buf_printf(&out, ", %" PRId64, before.dims[d]);
        break;
    case EG_RESHAPE_UNFLATTEN:
        dim = settled(dim, before.rank);
        if (dim + 1 != before.rank) return NULL; /* flatten takes all dims behind, too */
        return eg_arena_printf(arena, "{flatten: %" PRId64 "}", dim);
    case EG_RESHAPE_COUNT: break;
    }
    eg_buf_puts(&out, "]}");
    return eg_buf_take(&out, arena);
}

/* The shape that the operation leaves, as far as undoing the next one needs it. */
static eg_shape reshaped(eg_arena *arena, const eg_reshape *op, eg_shape shape)
{
    int64_t dims[128] = {0}, dim = settled(op->args[0], shape.rank + (op->kind == EG_RESHAPE_UNSQUEEZE));
    uint32_t rank = 0;
    for (int64_t d = 0; d <= shape.rank; d++) {
        if (op->kind == EG_RESHAPE_UNSQUEEZE && d == dim) dims[rank++] = 1;
        if (d == shape.rank || (op->kind == EG_RESHAPE_SQUEEZE && d == dim)) continue;
        if (op->kind == EG_RESHAPE_UNFLATTEN && d == dim)
            for (size_t i = 1; i < op->count; i++) dims[rank++] = op->args[i];
        else if (op->kind == EG_RESHAPE_FLATTEN && d > dim)
            dims[rank - 1] *= shape.dims[d];
        else if (op->kind == EG_RESHAPE_PERMUTE)
            dims[rank++] = shape.dims[settled(op->args[d], shape.rank)];
        else
            dims[rank++] = shape.dims[d];
    }
    if (op->kind == EG_RESHAPE_TRANSPOSE) {
        int64_t other = settled(op->args[1], shape.rank), old = dims[dim];
        dims[dim] = dims[other];
        dims[other] = old;
    }
    return eg_shape_copy(arena, dims, rank);
}

const char *eg_undo(eg_arena *arena, const eg_rule *rule, eg_shape shape)
{
    const char *all = "";
    for (size_t i = 0; i < rule->op_count; i++) {
        const char *one = undo(arena, &rule->ops[i], shape);
        if (!one) return NULL;
        all = all[0] ? eg_arena_printf(arena, "%s, %s", one, all) : one;
        shape = reshaped(arena, &rule->ops[i], shape);
    }
    return all;
}
