/* torch.nn.init's distributions. Element i uses draw i of the stream keyed by the tensor's name, whatever the
 * kind. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "net/weights.h"

/* What a draw becomes. */
typedef struct shape {
    enum { CONSTANT, UNIFORM, NORMAL, TRUNCATED } kind;
    double a, b; /* value; low, high; mean, std */
} shape;

static shape kaiming_shape(const eg_param *param, const eg_init *init, bool uniform)
{
    double fan = (double)(init->fan_out ? param->fan_out : param->fan_in);
    double std = sqrt(2 / (1 + init->a * init->a)) / sqrt(fan), bound = sqrt(3.0) * std;
    return uniform ? (shape){UNIFORM, -bound, bound} : (shape){NORMAL, 0, std};
}

static shape xavier_shape(const eg_param *param, const eg_init *init, bool uniform)
{
    double std = init->gain * sqrt(2.0 / (double)(param->fan_in + param->fan_out)), bound = sqrt(3.0) * std;
    return uniform ? (shape){UNIFORM, -bound, bound} : (shape){NORMAL, 0, std};
}

static shape find_shape(const eg_param *param, const eg_init *init)
{
    switch (init->kind) {
    case EG_INIT_ZEROS: return (shape){CONSTANT, 0, 0};
    case EG_INIT_ONES: return (shape){CONSTANT, 1, 0};
    case EG_INIT_CONSTANT: return (shape){CONSTANT, init->value, 0};
    case EG_INIT_NORMAL: return (shape){NORMAL, init->mean, init->std};
    case EG_INIT_TRUNC_NORMAL: return (shape){TRUNCATED, init->mean, init->std};
    case EG_INIT_UNIFORM: return (shape){UNIFORM, init->low, init->high};
    case EG_INIT_XAVIER_UNIFORM: return xavier_shape(param, init, true);
    case EG_INIT_XAVIER_NORMAL: return xavier_shape(param, init, false);
    case EG_INIT_KAIMING_UNIFORM: return kaiming_shape(param, init, true);
    case EG_INIT_KAIMING_NORMAL: return kaiming_shape(param, init, false);
    case EG_INIT_DEFAULT:
    case EG_INIT_COUNT: break;
    }
    assert(!"an initialisation without a distribution");
    return (shape){CONSTANT, 0, 0};
}

/* The x with erf(x) = y for |y| <= erf(sqrt(2)): Winitzki's approximation, then Newton's steps. */
static double inverse_erf(double y)
{
    double l = log(1 - y * y), k = 2 / (M_PI * 0.147) + l / 2;
    double x = copysign(sqrt(sqrt(k * k - l / 0.147) - k), y);
    for (int i = 0; i < 4; i++) x -= (erf(x) - y) * (sqrt(M_PI) / 2) * exp(x * x);
    return x;
}

/* A standard normal cut at +-2, from a uniform number, as torch.nn.init.trunc_normal_ does it. */
static double truncated(double uniform)
{
    double edge = erf(M_SQRT2); /* 2 / sqrt(2) */
    double z = M_SQRT2 * inverse_erf(edge * (2 * uniform - 1));
    return z < -2 ? -2 : z > 2 ? 2 : z;
}

static double draw(const shape *s, eg_stream stream, uint64_t at)
{
    switch (s->kind) {
    case UNIFORM: return s->a + (s->b - s->a) * eg_draw_uniform(stream, at);
    case NORMAL: return s->a + s->b * eg_draw_normal(stream, at);
    case TRUNCATED: return s->a + s->b * truncated(eg_draw_uniform(stream, at));
    case CONSTANT: break;
    }
    return s->a;
}

static bool can_draw(eg_dtype dtype)
{
    return dtype == EG_F32 || dtype == EG_I64;
}

bool eg_init_check(const eg_param *param, const eg_init *init, eg_error *err)
{
    bool fans = init->kind == EG_INIT_XAVIER_UNIFORM || init->kind == EG_INIT_XAVIER_NORMAL ||
                init->kind == EG_INIT_KAIMING_UNIFORM || init->kind == EG_INIT_KAIMING_NORMAL;
    if (fans && (param->fan_in <= 0 || param->fan_out <= 0))
        return eg_fail(err, EG_RECIPE,
                       "%s has no fan for kaiming or xavier to scale by; use normal, uniform or constant",
                       param->name);
    if (!can_draw(param->dtype) && init->kind != EG_INIT_ZEROS)
        return eg_fail(err, EG_RECIPE, "%s is %s, which can only be zeros", param->name,
                       eg_dtype_name(param->dtype));
    return true;
}

void eg_init_fill(const eg_param *param, const eg_init *init, uint64_t seed, void *out)
{
    eg_stream stream = eg_stream_make(seed, EG_DRAW_INIT, eg_name_key(param->name), 0);
    shape s = find_shape(param, init);
    uint64_t numel = 0;
    eg_shape_numel(param->shape, &numel);
    assert(can_draw(param->dtype) || init->kind == EG_INIT_ZEROS);
    if (param->content) {
        memcpy(out, param->content, numel * sizeof *param->content);
        return;
    }
    if (!can_draw(param->dtype)) memset(out, 0, numel * eg_dtype_size(param->dtype));
    for (uint64_t i = 0; i < numel && can_draw(param->dtype); i++) {
        double value = draw(&s, stream, i);
        if (param->dtype == EG_I64)
            ((int64_t *)out)[i] = (int64_t)value;
        else
            ((float *)out)[i] = (float)value;
    }
}
