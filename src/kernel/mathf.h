/* exp and its relatives in float, without branches or calls, so that a loop over them becomes vector code.
 * The same bits in every instruction set: nothing but IEEE additions, products, quotients and bit patterns in
 * a written order. NaN gives NaN.
 *
 * Largest errors, in units of the result's last place where that is a normal number (test_mathf): exp and
 * expm1 1.1, tanh 1.5, sigmoid 2.5, normal distribution 7 (12 below -2, 70 below -5: the rounding of x*x).
 *
 * Polynomials: least squares, reweighted until the largest error was level, in 40 digits. */
#ifndef ENGRAFT_KERNEL_MATHF_H
#define ENGRAFT_KERNEL_MATHF_H

#include <string.h>

#include "kernel/kernel.h"

EG_INLINE float eg_f32_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

EG_INLINE uint32_t eg_f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

EG_INLINE float eg_f32_abs(float x)
{
    return eg_f32_from_bits(eg_f32_bits(x) & 0x7fffffffU);
}

/* condition ? a : b, by bits: a conditional expression keeps GCC from making vectors, as it counts traps. */
EG_INLINE float eg_f32_select(bool condition, float a, float b)
{
    uint32_t mask = 0U - (uint32_t)condition;
    return eg_f32_from_bits((eg_f32_bits(a) & mask) | (eg_f32_bits(b) & ~mask));
}

/* |x| with the sign of s. */
EG_INLINE float eg_f32_signed(float x, float s)
{
    return eg_f32_from_bits((eg_f32_bits(x) & 0x7fffffffU) | (eg_f32_bits(s) & 0x80000000U));
}

/* x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + q. */
typedef struct eg_exp_parts {
    float q;
    uint32_t n; /* two's complement */
} eg_exp_parts;

EG_INLINE eg_exp_parts eg_exp_split(float x)
{
    const float round = 0x1.8p23F; /* adding it leaves a whole number in the low bits */
    float shifted = x * 1.44269504F + round;
    float n = shifted - round;
    float r = (x - n * 0.693359375F) - n * -2.12194440e-4F; /* ln 2 in two parts, the first with 10 bits */
    float p = 0.0013950653F;
    p = p * r + 0.008369005F;
    p = p * r + 0.041666206F;
    p = p * r + 0.16666518F;
    p = p * r + 0.5F;
    return (eg_exp_parts){p * (r * r) + r, eg_f32_bits(shifted) - eg_f32_bits(round)};
}

/* 2^n for -126 <= n <= 127. */
EG_INLINE float eg_f32_power2(uint32_t n)
{
    return eg_f32_from_bits((n + 127U) << 23);
}

EG_INLINE float eg_expf(float x)
{
    float low = eg_f32_select(x < -104.0F, -104.0F, x), in = eg_f32_select(low > 89.0F, 89.0F, low);
    eg_exp_parts e = eg_exp_split(in);
    uint32_t half = ((e.n + 256U) >> 1) - 128U; /* two factors, as 2^n itself may be too large or too small */
    return (1.0F + e.q) * eg_f32_power2(half) * eg_f32_power2(e.n - half);
}

/* e^x - 1, for x <= 0 (for larger ones, what 0 gives). */
EG_INLINE float eg_expm1f_negative(float x)
{
    float low = eg_f32_select(x < -30.0F, -30.0F, x); /* where the result is -1 */
    float in = eg_f32_select(low > 0, 0, low);
    eg_exp_parts e = eg_exp_split(in);
    float scale = eg_f32_power2(e.n);
    return scale * e.q + (scale - 1.0F);
}

/* 1 / (1 + e^-x) */
EG_INLINE float eg_sigmoidf(float x)
{
    return 1.0F / (1.0F + eg_expf(-x));
}

EG_INLINE float eg_tanhf(float x)
{
    float a = eg_f32_abs(x), s = x * x;
    float p = -0.006282467F;
    p = p * s + 0.021077754F;
    p = p * s + -0.05385386F;
    p = p * s + 0.13332602F;
    p = p * s + -0.3333332F;
    float small = a + a * s * p;
    float large = 1.0F - 2.0F / (eg_expf(a + a) + 1.0F);
    return eg_f32_signed(eg_f32_select(a < 0.55F, small, large), x);
}

/* The standard normal distribution: the probability of less than x, and e^(-x*x/2) on the way. Its tail over
 * e^(-x*x/2) is t times a polynomial in t - 0.75, t = 1 / (1 + 0.3 |x|). */
typedef struct eg_normal_parts {
    float below;
    float bell;
} eg_normal_parts;

EG_INLINE eg_normal_parts eg_normalf(float x)
{
    float all = eg_f32_abs(x), a = eg_f32_select(all > 14.5F, 14.5F, all);
    float t = 1.0F / (1.0F + 0.3F * a), v = t - 0.75F;
    float p = -0.020623552F;
    p = p * v + -0.026772914F;
    p = p * v + 0.028774794F;
    p = p * v + 0.033679865F;
    p = p * v + -0.078074574F;
    p = p * v + -0.07959232F;
    p = p * v + 0.1968367F;
    p = p * v + 0.5102287F;
    p = p * v + 0.54405475F;
    p = p * v + 0.3293991F;
    float bell = eg_expf(a * a * -0.5F);
    float tail = bell * (t * p);
    return (eg_normal_parts){eg_f32_select(x < 0, tail, 1.0F - tail), bell};
}

#endif
