/*
 * Optimizers: how a step moves a parameter w by its gradient g.
 *
 * The kinds of bp_optimizer_kind, with what each remembers of a parameter from step to step (its state, zero at first):
 *
 *   sgd       -           w = fma(-learning_rate, g, w)
 *   momentum  v           v = fma(momentum, v, g);  w = fma(-learning_rate, v, w)
 *   nesterov  v           v = fma(momentum, v, g);  w = fma(-learning_rate, fma(momentum, v, g), w)
 *   adagrad   s           s = fma(g, g, s);  w = fma(-learning_rate, g / (sqrt(s) + epsilon), w)
 *   rmsprop   s           s = fma(beta2, s, (1 - beta2) * (g * g))
 *                         w = fma(-learning_rate, g / (sqrt(s) + epsilon), w)
 *   adam      m, v        m = fma(beta1, m, (1 - beta1) * g);  v = fma(beta2, v, (1 - beta2) * (g * g))
 *   adamw     m, v        w = fma(-rate_t, m / fma(sqrt(v), correction_t, epsilon), w)
 *   lion      m           c = fma(beta1, m, (1 - beta1) * g);  w = fma(-learning_rate, sign(c), w)
 *                         m = fma(beta2, m, (1 - beta2) * g)
 *   rprop     g', d       d = d <= 0 ? learning_rate : d;  q = sign(g) * sign(g')
 *                         q > 0: d = d * grow, step_max if that is less
 *                         q < 0: d = d * shrink, step_min if that is more;  g = +0
 *                         w = fma(-d, sign(g), w);  g' = g
 *
 * Each operation is IEEE binary32 and rounds once, division and square root too; 1 - beta is computed in binary32;
 * sign(x) = x > 0 ? 1 : x < 0 ? -1 : x. In step t, counted from 1, Adam and AdamW correct the bias of their state by
 *
 *   rate_t = learning_rate / (1 - beta1^t)     correction_t = 1 / sqrt(1 - beta2^t)
 *
 * computed in binary64 and rounded to binary32, where power = b^t is: power = 1; while t > 0: if t is odd,
 * power = power * b; b = b * b; t = t / 2, rounded down.
 *
 * Before it, in this order, each only where it is asked for:
 *
 *   clip_norm     g = g * factor, of networks alone: see bp_network_config
 *   clip          g = g < -clip ? -clip : g > clip ? clip : g
 *   weight_decay  L2: g = fma(weight_decay, w, g)
 *                 decoupled: w = w * (1 - learning_rate * weight_decay), whose last factor is computed in binary64 and
 *                 rounded to binary32. It applies to all parameters, biases, gains and shifts too, or with
 *                 BP_DECAY_SCOPE_WEIGHTS to weights alone.
 *
 * and after it
 *
 *   ema_decay     a = fma(ema_decay, a, (1 - ema_decay) * w): the moving average of the weights
 *
 * A NaN in g, w or the state goes into all that is computed from it; clipping leaves it a NaN.
 *
 * Sources: momentum, B. T. Polyak, 1964, in the form of I. Sutskever et al., "On the importance of initialization and
 * momentum in deep learning", 2013, as PyTorch has it; Adagrad, J. Duchi et al., 2011; RMSprop, T. Tieleman, G. Hinton,
 * Coursera lecture 6.5, 2012; Adam, D. P. Kingma, J. Ba, 2015; AdamW, I. Loshchilov, F. Hutter, "Decoupled weight decay
 * regularization", 2019; Lion, X. Chen et al., "Symbolic discovery of optimization algorithms", 2023; RPROP in the
 * variant iRprop- of C. Igel, M. Huesken, "Improving the Rprop learning algorithm", 2000, for gradients of all samples.
 */
#ifndef BACKPROP_OPTIMIZER_H
#define BACKPROP_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_optimizer_kind {
    BP_OPTIMIZER_SGD = 0,
    BP_OPTIMIZER_MOMENTUM,
    BP_OPTIMIZER_NESTEROV,
    BP_OPTIMIZER_ADAGRAD,
    BP_OPTIMIZER_RMSPROP,
    BP_OPTIMIZER_ADAM,
    BP_OPTIMIZER_ADAMW, /* Adam whose weight decay is decoupled */
    BP_OPTIMIZER_LION,
    BP_OPTIMIZER_RPROP,
} bp_optimizer_kind;

/** Parameters to which weight decay applies. */
typedef enum bp_decay_scope {
    BP_DECAY_SCOPE_ALL = 0,
    BP_DECAY_SCOPE_WEIGHTS, /* of layers alone: their biases, and gains and shifts of layer normalization, are left out
                             */
} bp_decay_scope;

/** The most arrays of state that an optimizer has. */
#define BP_OPTIMIZER_STATES 2

/**
 * An optimizer with its numbers. Make one by bp_optimizer_defaults, which sets the usual numbers of its kind, then
 * change what you like: zero means zero. All numbers are finite.
 *
 *   number        kinds              usual   range
 *   momentum      momentum, nesterov 0.9     0 to below 1
 *   beta1         adam, adamw, lion  0.9     0 to below 1
 *   beta2         adam, adamw        0.999   0 to below 1
 *                 rmsprop, lion      0.99    0 to below 1
 *   epsilon       adam, adamw        1e-8    0 or more
 *                 rmsprop            1e-8    0 or more
 *                 adagrad            1e-10   0 or more
 *   shrink        rprop              0.5     above 0, below 1
 *   grow          rprop              1.2     above 1
 *   step_min      rprop              1e-6    0 or more
 *   step_max      rprop              50      step_min or more
 *   weight_decay  all                0       0 or more
 *   clip          all                0       0 or more
 *   clip_norm     all                0       0 or more
 *   ema_decay     all                0       0 to below 1
 *
 * A number that the kind does not have must be 0: sgd with a momentum is an error, for that is BP_OPTIMIZER_MOMENTUM.
 * With an epsilon of 0 a parameter whose gradients were all 0 becomes a NaN, 0 / 0.
 */
typedef struct bp_optimizer {
    size_t struct_size; /* sizeof(bp_optimizer), set by bp_optimizer_defaults */
    bp_optimizer_kind kind;
    float momentum;
    float beta1, beta2;
    float epsilon;
    float shrink, grow;
    float step_min, step_max;
    float weight_decay; /* 0: none */
    bool decoupled;     /* the weight decay, else it is an L2 penalty; usual: true for adamw and lion, else false */
    bp_decay_scope decay_scope;
    float clip;      /* largest absolute value of a gradient; 0: any */
    float clip_norm; /* largest norm of all gradients, of networks alone; 0: any */
    float ema_decay; /* decay of the moving average of the weights; 0: there is none */
} bp_optimizer;

/**
 * Sets the usual numbers of a kind, as in the table above, in the first struct_size bytes of a struct; for languages
 * that cannot call bp_optimizer_defaults. A null optimizer is left alone.
 */
BP_API void bp_optimizer_init(bp_optimizer *optimizer, size_t struct_size, bp_optimizer_kind kind);

/** The usual numbers of a kind. */
static inline bp_optimizer bp_optimizer_defaults(bp_optimizer_kind kind) {
    bp_optimizer bp_made;
    bp_optimizer_init(&bp_made, sizeof bp_made, kind);
    return bp_made;
}

/** "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "lion", "rprop"; null for any other value. */
BP_API const char *bp_optimizer_name(bp_optimizer_kind kind);

/** The inverse of bp_optimizer_name. BP_ERROR_NULL; BP_ERROR_VALUE for an unknown name, with *kind unchanged. */
BP_API bp_status bp_optimizer_from_name(const char *name, bp_optimizer_kind *kind);

/** Arrays of state that a kind has, 0 to BP_OPTIMIZER_STATES; 0 for a value outside the enumeration. */
BP_API size_t bp_optimizer_states(bp_optimizer_kind kind);

/** What array `index` of a kind's state holds: "momentum", "squares", "previous_gradient", "step_size"; null if there
 * is none. */
BP_API const char *bp_optimizer_state_name(bp_optimizer_kind kind, size_t index);

/** Parameters with what their optimizer keeps of them: arrays of one shape, and where there are rows, of one stride. */
typedef struct bp_parameters {
    float *values;
    float *state[BP_OPTIMIZER_STATES]; /* in the order of the table above; null beyond bp_optimizer_states */
    float *ema;                        /* null unless the optimizer keeps one */
} bp_parameters;

/**
 * One step in one pass: parameters->values[k] and its state are updated by gradient[k], for k < count.
 *
 * `step` is t, from 1 on; only Adam and AdamW use it. The parameters count as weights: for biases that are to have no
 * weight decay, give an optimizer without it. (bp_dense_gradient_update knows which is which, and is the fused form.)
 * The arrays must not overlap.
 *
 *   BP_ERROR_NULL       an array that the optimizer needs is null
 *   BP_ERROR_SIZE       count is 0
 *   BP_ERROR_OVERFLOW   an array does not fit into the address range
 *   BP_ERROR_OVERLAP    two arrays overlap
 *   BP_ERROR_ALIGNMENT  an array is not aligned to float
 *   BP_ERROR_VALUE      a number of the optimizer is out of its range, clip_norm is not 0, learning_rate is not finite,
 *                       or step is 0
 *   those of bp_cpu_active
 *
 * On error nothing is written.
 */
BP_API bp_status bp_optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                                   const bp_optimizer *optimizer, uint64_t step, float learning_rate);

/**
 * Stochastic gradient descent: parameters[k] = fma(-learning_rate, gradient[k], parameters[k]) for k < count.
 *
 * The arrays must not overlap. BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT,
 * and those of bp_cpu_active. On error nothing is written. The fused form is bp_dense_gradient_sgd.
 */
BP_API bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float learning_rate);

BP_END_DECLS

#endif
