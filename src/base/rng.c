#include "base/rng.h"

#include <math.h>
#include <stddef.h>

typedef struct philox {
    uint32_t v[4];
} philox;

static philox philox_round(philox c, const uint32_t key[2])
{
    uint64_t p0 = (uint64_t)0xD2511F53u * c.v[0], p1 = (uint64_t)0xCD9E8D57u * c.v[2];
    return (philox){{(uint32_t)(p1 >> 32) ^ c.v[1] ^ key[0], (uint32_t)p1,
                     (uint32_t)(p0 >> 32) ^ c.v[3] ^ key[1], (uint32_t)p0}};
}

static philox philox10(philox c, const uint32_t start[2])
{
    uint32_t key[2] = {start[0], start[1]};
    for (int i = 0; i < 10; i++) {
        c = philox_round(c, key);
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return c;
}

/* Four words for block `at`; the stream's own 64 bits are the counter's upper half. */
static philox block(eg_stream s, uint64_t at)
{
    return philox10((philox){{(uint32_t)at, (uint32_t)(at >> 32), s.counter[0], s.counter[1]}}, s.key);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0xff51afd7ed558ccdu; /* the finaliser of MurmurHash3 */
    return (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
}

eg_stream eg_stream_make(uint64_t seed, eg_purpose purpose, uint64_t a, uint64_t b)
{
    uint64_t id = mix(mix(mix(0, (uint64_t)purpose), a), b);
    id ^= id >> 29;
    return (eg_stream){{(uint32_t)seed, (uint32_t)(seed >> 32)}, {(uint32_t)id, (uint32_t)(id >> 32)}};
}

uint32_t eg_draw_bits(eg_stream stream, uint64_t at)
{
    return block(stream, at >> 2).v[at & 3];
}

static double unit(uint32_t high, uint32_t low)
{
    return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53;
}

double eg_draw_uniform(eg_stream stream, uint64_t at)
{
    philox p = block(stream, at);
    return unit(p.v[0], p.v[1]);
}

uint64_t eg_draw_below(eg_stream stream, uint64_t at, uint64_t n)
{
    philox p = block(stream, at);
    uint64_t bits = (uint64_t)p.v[2] << 32 | p.v[3];
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)bits * n >> 64); /* Lemire's multiply-shift; bias below n / 2^64 */
}

double eg_draw_normal(eg_stream stream, uint64_t at)
{
    philox p = block(stream, at);
    double radius = sqrt(-2.0 * log(1.0 - unit(p.v[0], p.v[1]))); /* Box and Muller; 1 - u is never 0 */
    return radius * cos(6.283185307179586476925 * unit(p.v[2], p.v[3]));
}

uint64_t eg_name_key(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) h = (h ^ *c) * 0x100000001b3u;
    return h;
}
