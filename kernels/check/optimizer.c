#include "check/optimizer.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "coefficients.h"
#include "enum_counts.h"
#include "sized.h"

#define KIND(name) (1u << BP_OPTIMIZER_##name)
#define ALL_KINDS (~0u)

/* The range of a number, from `least` to below `end`, where the optimizer's kind has it. */
typedef struct number {
    const char *name, *range;
    size_t offset;
    unsigned kinds;
    float least, end;
} number;

#define BELOW_ONE "from 0 to below 1"
#define FROM_ZERO "finite, 0 or more"

static const number numbers[] = {
    {"momentum", BELOW_ONE, offsetof(bp_optimizer, momentum), KIND(MOMENTUM) | KIND(NESTEROV), 0.0f, 1.0f},
    {"beta1", BELOW_ONE, offsetof(bp_optimizer, beta1), KIND(ADAM) | KIND(ADAMW) | KIND(LION), 0.0f, 1.0f},
    {"beta2", BELOW_ONE, offsetof(bp_optimizer, beta2), KIND(RMSPROP) | KIND(ADAM) | KIND(ADAMW) | KIND(LION), 0.0f,
     1.0f},
    {"epsilon", FROM_ZERO, offsetof(bp_optimizer, epsilon), KIND(ADAGRAD) | KIND(RMSPROP) | KIND(ADAM) | KIND(ADAMW),
     0.0f, INFINITY},
    {"shrink", "above 0 and below 1", offsetof(bp_optimizer, shrink), KIND(RPROP), FLT_TRUE_MIN, 1.0f},
    {"grow", "finite and above 1", offsetof(bp_optimizer, grow), KIND(RPROP), 1.0f + FLT_EPSILON, INFINITY},
    {"step_min", FROM_ZERO, offsetof(bp_optimizer, step_min), KIND(RPROP), 0.0f, INFINITY},
    {"step_max", FROM_ZERO, offsetof(bp_optimizer, step_max), KIND(RPROP), 0.0f, INFINITY},
    {"weight_decay", FROM_ZERO, offsetof(bp_optimizer, weight_decay), ALL_KINDS, 0.0f, INFINITY},
    {"clip", FROM_ZERO, offsetof(bp_optimizer, clip), ALL_KINDS, 0.0f, INFINITY},
    {"clip_norm", FROM_ZERO, offsetof(bp_optimizer, clip_norm), ALL_KINDS, 0.0f, INFINITY},
    {"ema_decay", BELOW_ONE, offsetof(bp_optimizer, ema_decay), ALL_KINDS, 0.0f, 1.0f},
};

static bp_status refuse_number(const number *n, const char *name, const bp_optimizer *o, float value) {
    char text[32];
    bp_number_text(text, (double)value);
    if (n->kinds >> o->kind & 1)
        return bp_fail(BP_ERROR_VALUE, "%s.%s is %s, and must be %s", name, n->name, text, n->range);
    return bp_fail(BP_ERROR_VALUE, "%s.%s is %s, and must be 0: the kind %s has no %s", name, n->name, text,
                   bp_optimizer_name(o->kind), n->name);
}

static bp_status check_numbers(const bp_optimizer *o, const char *name) {
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        const number *n = &numbers[k];
        float value;
        memcpy(&value, (const char *)o + n->offset, sizeof value);
        if (n->kinds >> o->kind & 1 ? !(value >= n->least && value < n->end) : !(value == 0.0f))
            return refuse_number(n, name, o, value);
    }
    if (o->step_max < o->step_min) {
        char most[32], least[32];
        return bp_fail(BP_ERROR_VALUE, "%s.step_max is %s, and must be at least step_min, %s", name,
                       bp_number_text(most, (double)o->step_max), bp_number_text(least, (double)o->step_min));
    }
    return BP_OK;
}

bp_status bp_check_optimizer(const bp_optimizer *given, const char *name, bp_optimizer *optimizer) {
    *optimizer = usual_optimizer(given->kind);
    const bp_status status = sized_read(optimizer, sizeof *optimizer, SIZED_END(bp_optimizer, ema_decay), given, name,
                                        "bp_optimizer_defaults(kind)");
    if (status != BP_OK)
        return status;
    if ((unsigned)optimizer->kind >= OPTIMIZER_COUNT)
        return bp_fail(BP_ERROR_VALUE, "%s.kind is %d, and must be one of bp_optimizer_kind", name,
                       (int)optimizer->kind);
    if ((unsigned)optimizer->decay_scope >= DECAY_SCOPE_COUNT)
        return bp_fail(BP_ERROR_VALUE, "%s.decay_scope is %d, and must be one of bp_decay_scope", name,
                       (int)optimizer->decay_scope);
    return check_numbers(optimizer, name);
}

bp_status bp_check_step(const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    bp_optimizer o;
    const bp_status status = bp_check_optimizer(optimizer, "optimizer", &o);
    if (status != BP_OK)
        return status;
    char text[32];
    if (o.clip_norm > 0.0f)
        return bp_fail(BP_ERROR_VALUE,
                       "optimizer.clip_norm is %s, and must be 0: the norm of all gradients is clipped "
                       "in networks alone",
                       bp_number_text(text, (double)o.clip_norm));
    if (step == 0)
        return bp_fail(BP_ERROR_VALUE, "step is 0, and must be at least 1");
    if (!isfinite(learning_rate))
        return bp_fail(BP_ERROR_VALUE, "learning_rate is %s, and must be finite",
                       bp_number_text(text, (double)learning_rate));
    return BP_OK;
}

bp_status bp_name_parameters(const bp_optimizer *optimizer, const bp_parameters *p, matrix shape,
                             matrix_names shape_names, const char *const arrays[PARAMETER_ARRAYS], matrix *matrices,
                             matrix_names *names, size_t *count) {
    const size_t states = bp_optimizer_states(optimizer->kind);
    const float *const all[PARAMETER_ARRAYS] = {p->values, p->state[0], p->state[1], p->ema};
    const bool wanted[PARAMETER_ARRAYS] = {true, states > 0, states > 1, optimizer->ema_decay > 0.0f};
    for (size_t k = 0; k < PARAMETER_ARRAYS; k++) {
        if (!wanted[k])
            continue;
        if (!all[k])
            return bp_fail(BP_ERROR_NULL, "%s is null, and this optimizer (%s) needs it", arrays[k],
                           bp_optimizer_name(optimizer->kind));
        matrices[*count] = shape;
        matrices[*count].data = all[k];
        names[*count] = shape_names;
        names[(*count)++].data = arrays[k];
    }
    return BP_OK;
}
