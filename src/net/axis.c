#include "net/axis.h"

int eg_axis_of(const eg_value *value, int64_t dim)
{
    static const int image[] = {2, 0, 1};
    int at = (int)(dim < 0 ? dim + value->rank : dim);
    return value->rank == 3 ? image[at] : at;
}

int eg_axis_find(const eg_value *value, int64_t dim, eg_error *err)
{
    int64_t rank = value->rank;
    if (dim >= -rank && dim < rank) return eg_axis_of(value, dim);
    eg_fail(err, EG_RECIPE, "dim must be between %lld and %lld, not %lld (the batch does not count)",
            (long long)-rank, (long long)rank - 1, (long long)dim);
    return -1;
}

const char *eg_axis_name(const eg_value *value, int axis)
{
    static const char *const names[][3] = {
        {"features"}, {"tokens", "features"}, {"height", "width", "channels"}};
    return names[value->rank - 1][axis];
}

eg_axis eg_axis_view(const eg_value *value, int axis)
{
    eg_axis view = {1, value->dims[axis], 1};
    for (int i = 0; i < axis; i++) view.outer *= value->dims[i];
    for (uint32_t i = (uint32_t)axis + 1; i < value->rank; i++) view.inner *= value->dims[i];
    return view;
}
