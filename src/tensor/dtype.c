#include <string.h>

#include "engraft/tensor.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[EG_DTYPE_COUNT] = {
    [EG_F32] = {"F32", 4},
    [EG_F64] = {"F64", 8},
    [EG_F16] = {"F16", 2},
    [EG_BF16] = {"BF16", 2},
    [EG_I64] = {"I64", 8},
    [EG_I32] = {"I32", 4},
    [EG_I16] = {"I16", 2},
    [EG_I8] = {"I8", 1},
    [EG_U64] = {"U64", 8},
    [EG_U32] = {"U32", 4},
    [EG_U16] = {"U16", 2},
    [EG_U8] = {"U8", 1},
    [EG_BOOL] = {"BOOL", 1},
    [EG_F8_E4M3] = {"F8_E4M3", 1},
    [EG_F8_E5M2] = {"F8_E5M2", 1},
    [EG_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 1},
    [EG_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 1},
    [EG_F8_E8M0] = {"F8_E8M0", 1},
    [EG_C64] = {"C64", 8},
    [EG_C128] = {"C128", 16},
    [EG_QI8] = {"QI8", 1},
    [EG_QU8] = {"QU8", 1},
    [EG_QI32] = {"QI32", 4},
};

const char *eg_dtype_name(eg_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t eg_dtype_size(eg_dtype dtype)
{
    return dtypes[dtype].size;
}

eg_dtype eg_dtype_find(const char *name)
{
    eg_dtype dtype = 0;
    while (dtype < EG_DTYPE_COUNT && strcmp(dtypes[dtype].name, name) != 0) dtype++;
    return dtype;
}
