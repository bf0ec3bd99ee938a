#include "net/gradcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

typedef struct check {
    eg_exec *exec;
    eg_weights *weights;
    const float *input;
    int64_t n;
    bool training;
    uint64_t seed;
    size_t input_count, output_count;
    void *before;    /* the weights at the start, buffers too: batch statistics change them */
    float *gradient; /* of the parameter under test: later forward passes do not touch it */
} check;

enum { FACTORS = -1 }; /* the stream of L's factors; parameters have their own by position */

static double factor(const check *c, int64_t which, size_t at)
{
    return 2 * eg_draw_uniform(eg_stream_make(c->seed, EG_DRAW_INIT, (uint64_t)which, 2), at) - 1;
}

static double loss(const check *c)
{
    double sum = 0;
    memcpy(eg_exec_input(c->exec), c->input, c->input_count * sizeof(float));
    eg_exec_forward(c->exec, c->n, c->training, 0);
    const float *y = eg_exec_output(c->exec);
    for (size_t i = 0; i < c->output_count; i++) sum += (double)y[i] * factor(c, FACTORS, i);
    return sum;
}

static void backward(const check *c)
{
    loss(c);
    float *dy = eg_exec_output_grad(c->exec);
    for (size_t i = 0; i < c->output_count; i++) dy[i] = (float)factor(c, FACTORS, i);
    eg_exec_backward(c->exec);
}

static double root_mean_square(const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum / (double)count);
}

/* L at w + h u, and what the gradient says of it: its product with the step that float arithmetic really
 * took. */
static double loss_at(const check *c, int32_t param, size_t count, double h, double *predicted)
{
    float *w = c->weights->data[param];
    memcpy(c->weights->block, c->before, c->weights->size);
    *predicted = 0;
    for (size_t i = 0; i < count; i++) {
        float old = w[i];
        w[i] = (float)((double)old + h * factor(c, param, i));
        *predicted += (double)c->gradient[i] * ((double)w[i] - (double)old);
    }
    return loss(c);
}

static void check_param(const check *c, int32_t param, double step, eg_gradcheck *worst)
{
    uint64_t count = 0;
    eg_shape_numel(c->weights->net->params[param].shape, &count);
    memcpy(c->weights->block, c->before, c->weights->size);
    backward(c);
    memcpy(c->gradient, eg_exec_grad(c->exec, param), count * sizeof(float));
    double size = root_mean_square(c->weights->data[param], count), h = step * (size > 0 ? size : 1);
    double up, down, high = loss_at(c, param, count, h, &up), low = loss_at(c, param, count, -h, &down);
    double numeric = (high - low) / (2 * h), analytic = (up - down) / (2 * h);
    /* The standard deviation of the product of the gradient and a direction of uniform numbers in [-1, 1). */
    double usual = root_mean_square(c->gradient, count) * sqrt((double)count / 3.0);
    double error = fabs(numeric - analytic) / (usual > 0 ? usual : 1);
    if (!worst->param || !(error <= worst->error))
        *worst = (eg_gradcheck){c->weights->net->params[param].name, numeric, analytic, error};
}

bool eg_gradcheck_run(const eg_net *net, eg_weights *weights, const eg_exec_options *options,
                      const float *input, int64_t n, bool training, double step, eg_gradcheck *worst,
                      eg_error *err)
{
    size_t samples = (size_t)n;
    check c = {.exec = eg_exec_new(net, weights, options, err),
               .weights = weights,
               .input = input,
               .n = n,
               .training = training,
               .seed = options->seed};
    if (!c.exec) return false;
    c.input_count = samples * (size_t)eg_value_numel(&net->values[0]);
    c.output_count = samples * (size_t)eg_value_numel(&net->values[net->output]);
    c.before = eg_malloc(weights->size);
    c.gradient = eg_malloc(weights->size); /* larger than any one parameter */
    memcpy(c.before, weights->block, weights->size);
    *worst = (eg_gradcheck){0};
    for (int32_t i = 0; i < net->param_count; i++)
        if (options->trainable[i]) check_param(&c, i, step, worst);
    memcpy(weights->block, c.before, weights->size);
    free(c.before);
    free(c.gradient);
    eg_exec_free(c.exec);
    return true;
}
