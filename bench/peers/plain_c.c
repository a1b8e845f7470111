/* No library: the loops that one writes first, compiled for this machine. The best there is for nets of a few neurons,
 * where any library call costs more than the arithmetic. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

typedef struct layer {
    size_t in, out;
    float *w, *b, *a, *delta;
    float *state; /* for Adam: gradient, m and v of the weights, then of the biases */
} layer;

typedef struct trainer {
    bp_activation hidden;
    bp_loss_kind loss;
    bp_optimizer optimizer;
    size_t batch, layers, steps;
    layer layer[];
} trainer;

static const char *version(void) {
    return __VERSION__;
}

static const char *refusal(const peer_net *net, size_t threads) {
    const double flop_max = 1e8;
    double flop = 0;
    for (size_t l = 0; l < net->layers; l++)
        flop += 6.0 * (double)net->batch * (double)net->sizes[l] * (double)net->sizes[l + 1];
    if (threads > 1)
        return "it has one thread";
    return flop > flop_max ? "plain loops would take too long" : NULL;
}

static float *copy_of(const float *values, size_t count) {
    float *copy = malloc(count * sizeof *copy);
    if (copy && values)
        memcpy(copy, values, count * sizeof *copy);
    return copy;
}

static void destroy(void *handle) {
    trainer *t = handle;
    for (size_t l = 0; l < t->layers; l++) {
        free(t->layer[l].w);
        free(t->layer[l].b);
        free(t->layer[l].a);
        free(t->layer[l].delta);
        free(t->layer[l].state);
    }
    free(t);
}

static void *create(const peer_net *net, const peer_layer *initial, size_t threads) {
    (void)threads;
    trainer *t = calloc(1, sizeof *t + net->layers * sizeof *t->layer);
    if (!t)
        return NULL;
    t->hidden = net->hidden;
    t->loss = net->loss;
    t->optimizer = net->optimizer;
    t->batch = net->batch;
    t->layers = net->layers;
    for (size_t l = 0; l < net->layers; l++) {
        layer *own = &t->layer[l];
        own->in = net->sizes[l];
        own->out = net->sizes[l + 1];
        own->w = copy_of(initial[l].weights, own->in * own->out);
        own->b = copy_of(initial[l].biases, own->out);
        own->a = copy_of(NULL, net->batch * own->out);
        own->delta = copy_of(NULL, net->batch * own->out);
        own->state = calloc(3 * (own->in + 1) * own->out, sizeof *own->state);
        if (!own->w || !own->b || !own->a || !own->delta || !own->state) {
            destroy(t);
            return NULL;
        }
    }
    return t;
}

static void activate(float *a, size_t count, bp_activation f) {
    switch (f.kind) {
    case BP_ACTIVATION_RELU:
    case BP_ACTIVATION_LEAKY_RELU:
        for (size_t k = 0; k < count; k++)
            a[k] = a[k] > 0 ? a[k] : f.parameter * a[k];
        break;
    case BP_ACTIVATION_SIGMOID:
        for (size_t k = 0; k < count; k++)
            a[k] = 1 / (1 + expf(-a[k]));
        break;
    case BP_ACTIVATION_TANH:
        for (size_t k = 0; k < count; k++)
            a[k] = tanhf(a[k]);
        break;
    default:
        break;
    }
}

static void times_slope(float *restrict delta, const float *restrict a, size_t count, bp_activation f) {
    switch (f.kind) {
    case BP_ACTIVATION_RELU:
    case BP_ACTIVATION_LEAKY_RELU:
        for (size_t k = 0; k < count; k++)
            delta[k] *= a[k] > 0 ? 1 : f.parameter;
        break;
    case BP_ACTIVATION_SIGMOID:
        for (size_t k = 0; k < count; k++)
            delta[k] *= a[k] - a[k] * a[k];
        break;
    case BP_ACTIVATION_TANH:
        for (size_t k = 0; k < count; k++)
            delta[k] *= 1 - a[k] * a[k];
        break;
    default:
        break;
    }
}

/* a = x W + b */
static void forward(const layer *own, const float *restrict x, float *restrict a, size_t rows) {
    const size_t in = own->in, out = own->out;
    const float *restrict w = own->w;
    for (size_t n = 0; n < rows; n++, x += in, a += out) {
        for (size_t j = 0; j < out; j++)
            a[j] = own->b[j];
        for (size_t i = 0; i < in; i++)
            for (size_t j = 0; j < out; j++)
                a[j] += x[i] * w[i * out + j];
    }
}

/* below = delta W^T */
static void backward(const layer *own, const float *restrict delta, float *restrict below, size_t rows) {
    const size_t in = own->in, out = own->out;
    const float *restrict w = own->w;
    for (size_t n = 0; n < rows; n++, delta += out, below += in)
        for (size_t i = 0; i < in; i++) {
            float sum = 0;
            for (size_t j = 0; j < out; j++)
                sum += delta[j] * w[i * out + j];
            below[i] = sum;
        }
}

/* W = W - rate x^T delta, b = b - rate * (sums of delta) */
static void descend(const layer *own, float *restrict w, float *restrict b, const float *restrict x, size_t rows,
                    float rate) {
    const size_t in = own->in, out = own->out;
    const float *restrict delta = own->delta;
    for (size_t n = 0; n < rows; n++, x += in, delta += out) {
        for (size_t j = 0; j < out; j++)
            b[j] -= rate * delta[j];
        for (size_t i = 0; i < in; i++) {
            const float factor = -rate * x[i];
            for (size_t j = 0; j < out; j++)
                w[i * out + j] += factor * delta[j];
        }
    }
}

static void adam(const trainer *t, float *restrict w, float *restrict state, size_t count, float rate) {
    const bp_optimizer *o = &t->optimizer;
    const float beta1 = o->beta1, beta2 = o->beta2, epsilon = o->epsilon;
    const float factor = (float)(rate / (1 - pow(beta1, (double)t->steps)));
    const float correction = (float)(1 / sqrt(1 - pow(beta2, (double)t->steps)));
    float *restrict g = state, *restrict m = g + count, *restrict v = m + count;
    for (size_t k = 0; k < count; k++) {
        m[k] = beta1 * m[k] + (1 - beta1) * g[k];
        v[k] = beta2 * v[k] + (1 - beta2) * g[k] * g[k];
        w[k] -= factor * m[k] / (sqrtf(v[k]) * correction + epsilon);
        g[k] = 0; /* the next step adds to it */
    }
}

static void update(const trainer *t, const layer *own, const float *x, float rate) {
    if (t->optimizer.kind == BP_OPTIMIZER_SGD) {
        descend(own, own->w, own->b, x, t->batch, rate);
        return;
    }
    const size_t weights = own->in * own->out;
    descend(own, own->state, own->state + 3 * weights, x, t->batch, -1);
    adam(t, own->w, own->state, weights, rate);
    adam(t, own->b, own->state + 3 * weights, own->out, rate);
}

static void mse_delta(const trainer *t, const layer *last, const float *restrict targets) {
    const float scale = 1 / (float)t->batch;
    for (size_t k = 0; k < t->batch * last->out; k++)
        last->delta[k] = (last->a[k] - targets[k]) * scale;
}

static void softmax_delta(const trainer *t, const layer *last, const uint32_t *labels) {
    for (size_t n = 0; n < t->batch; n++) {
        const float *restrict z = last->a + n * last->out;
        float *restrict delta = last->delta + n * last->out, largest = z[0], sum = 0;
        for (size_t j = 0; j < last->out; j++)
            largest = z[j] > largest ? z[j] : largest;
        for (size_t j = 0; j < last->out; j++) {
            delta[j] = expf(z[j] - largest);
            sum += delta[j];
        }
        const float scale = 1 / (float)t->batch;
        for (size_t j = 0; j < last->out; j++)
            delta[j] *= scale / sum;
        delta[labels[n]] -= scale;
    }
}

static void step(void *handle, const peer_batch *batch, float rate) {
    trainer *t = handle;
    const layer *last = &t->layer[t->layers - 1];
    const float *x = batch->inputs;
    t->steps++;
    for (const layer *own = t->layer; own <= last; x = own++->a) {
        forward(own, x, own->a, t->batch);
        if (own != last)
            activate(own->a, t->batch * own->out, t->hidden);
    }
    if (t->loss == BP_LOSS_MSE)
        mse_delta(t, last, batch->targets);
    else
        softmax_delta(t, last, batch->labels);
    for (const layer *own = last; own > t->layer; own--) {
        backward(own, own->delta, own[-1].delta, t->batch);
        times_slope(own[-1].delta, own[-1].a, t->batch * own->in, t->hidden);
        update(t, own, own[-1].a, rate);
    }
    update(t, t->layer, batch->inputs, rate);
}

static void parameters(void *handle, const peer_layer *layers) {
    const trainer *t = handle;
    for (size_t l = 0; l < t->layers; l++) {
        const layer *own = &t->layer[l];
        memcpy(layers[l].weights, own->w, own->in * own->out * sizeof *own->w);
        memcpy(layers[l].biases, own->b, own->out * sizeof *own->b);
    }
}

static const peer plain_c = {"plain-c", PEER_BY_HAND, version, refusal, create, step, parameters, destroy};

const peer *const peer_list[] = {&plain_c, NULL};
