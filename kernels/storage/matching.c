#include "storage/matching.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "storage/listing.h"
#include "storage/names.h"
#include "storage/safetensors.h"

/* ---- Modules by a pattern -------------------------------------------------------------------------------------- */

#define MEMBER "weight"

/* Modules, by the dimensions of their weight. */
enum { LAYER_NORM = 1, LINEAR = 2 };

/* A module that matches the pattern. */
typedef struct candidate {
    const bp_tensor *weight;
    const char *key; /* the text that matches the '*' */
} candidate;

typedef struct candidates {
    candidate *list;
    size_t count;
    char *texts; /* of the keys */
} candidates;

/* The parts of a pattern before and after its '*'. */
typedef struct pattern {
    const char *text;
    char *head, *tail; /* of a copy without wrappers */
} pattern;

/* The text that matches the '*' in a name without wrappers, which is cut to it; null: no match. */
static char *find_key(char *name, const pattern *p) {
    const size_t whole = strlen(name), member = strlen(MEMBER);
    if (whole < member || strcmp(name + whole - member, MEMBER) != 0)
        return NULL;
    size_t length = whole - member; /* of the module and its point; a module without a name has none */
    if (length > 0 && name[--length] != '.')
        return NULL;
    name[length] = '\0';
    const size_t head = strlen(p->head), tail = strlen(p->tail);
    if (length < head + tail || strncmp(name, p->head, head) != 0 || strcmp(name + length - tail, p->tail) != 0)
        return NULL;
    name[length - tail] = '\0';
    return name + head;
}

/* All modules of the file that match the pattern. */
static bp_status list_candidates(candidates *found, const bp_safetensors *file, const pattern *p) {
    const size_t count = bp_safetensors_count(file);
    size_t bytes = 1;
    for (size_t k = 0; k < count; k++)
        bytes += strlen(bp_safetensors_tensor(file, k)->name) + 1;
    found->list = calloc(count + 1, sizeof *found->list);
    found->texts = malloc(bytes);
    if (!found->list || !found->texts)
        return BP_ERROR_MEMORY;
    char *next = found->texts;
    for (size_t k = 0; k < count; k++) {
        const bp_tensor *tensor = bp_safetensors_tensor(file, k);
        bp_names_unwrap(next, tensor->name);
        const size_t length = strlen(next);
        const bool training = strncmp(next, BP_STATE_PREFIX, strlen(BP_STATE_PREFIX)) == 0;
        const char *key = training || tensor->dimensions < 1 || tensor->dimensions > 2 ? NULL : find_key(next, p);
        if (key)
            found->list[found->count++] = (candidate){tensor, key};
        next += length + 1;
    }
    return BP_OK;
}

/* Vectors before matrices, each in the order of the numbers in their names. */
static int compare(const void *a, const void *b) {
    const candidate *left = a, *right = b;
    if (left->weight->dimensions != right->weight->dimensions)
        return left->weight->dimensions < right->weight->dimensions ? -1 : 1;
    return bp_names_compare(left->key, right->key);
}

static bp_module module_of(const bp_tensor *weight) {
    const size_t length = strlen(weight->name), member = sizeof "." MEMBER - 1;
    return (bp_module){weight->name, length > member ? length - member : 0};
}

/* Gives the modules of one kind, which are neighbors, to the network's of that kind: those whose weight has so many
 * dimensions. */
static bp_status assign(const bp_entries *entries, size_t dimensions, const bp_safetensors *file,
                        const candidates *found, const char *text, bp_module *modules, bp_file_error *error) {
    size_t first = 0, count = 0, wanted = 0;
    for (size_t k = 0; k < found->count; k++) {
        first += found->list[k].weight->dimensions < dimensions;
        count += found->list[k].weight->dimensions == dimensions;
    }
    for (size_t k = 0; k < entries->count; k += 2)
        wanted += entries->list[k].tensor.dimensions == dimensions;
    if (wanted == 0)
        return BP_OK;
    if (count != wanted)
        return bp_mismatch(file, error, "the pattern '%.60s' finds %zu %s and the network has %zu", text, count,
                           dimensions == LINEAR ? "Linears" : "LayerNorms", wanted);
    const candidate *list = found->list + first;
    for (size_t k = 1; k < count; k++)
        if (!bp_names_numbered(list[k - 1].key, list[k].key))
            return bp_mismatch(file, error, "no numbers tell the order of '%.60s' and '%.60s': modules can",
                               list[k - 1].weight->name, list[k].weight->name);
    for (size_t k = 0, next = 0; k < entries->count; k += 2)
        if (entries->list[k].tensor.dimensions == dimensions)
            modules[k / 2] = module_of(list[next++].weight);
    return BP_OK;
}

static bp_status find_by(const bp_entries *entries, const bp_safetensors *file, const pattern *p, bp_module *modules,
                         bp_file_error *error) {
    candidates found = {.list = NULL};
    bp_status status = list_candidates(&found, file, p);
    if (status == BP_OK) {
        qsort(found.list, found.count, sizeof *found.list, compare);
        status = assign(entries, LINEAR, file, &found, p->text, modules, error);
        if (status == BP_OK)
            status = assign(entries, LAYER_NORM, file, &found, p->text, modules, error);
    } else {
        bp_file_refuse(error, status);
    }
    free(found.list);
    free(found.texts);
    return status;
}

/* Finds the modules, one for each of the network, whose names match a pattern. */
static bp_status find_by_pattern(const bp_entries *entries, const bp_safetensors *file, const char *text,
                                 bp_module *modules, bp_file_error *error) {
    char *copy = malloc(strlen(text) + 1);
    if (!copy)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    bp_names_unwrap(copy, text);
    char *star = strchr(copy, '*');
    bp_status status;
    if (!star || strchr(star + 1, '*')) {
        status = bp_file_fail(error, BP_ERROR_VALUE, "options.pattern is '%.80s', and must have one '*'", text);
    } else {
        *star = '\0';
        const pattern p = {.text = text, .head = copy, .tail = star + 1};
        status = find_by(entries, file, &p, modules, error);
    }
    free(copy);
    return status;
}

/* ---- Names that the caller gives ------------------------------------------------------------------------------- */

static bp_status check_modules(const bp_entries *entries, const bp_load_options *options, bp_file_error *error) {
    const char *const *modules = options->modules;
    const size_t count = entries->count / 2;
    if (options->module_count != count)
        return bp_file_fail(
            error, BP_ERROR_SIZE,
            "options.module_count is %zu, and the network has %zu modules with parameters: for each layer a "
            "Linear, and a LayerNorm where it is normalized",
            options->module_count, count);
    for (size_t k = 0; k < count; k++) {
        if (!modules[k])
            return bp_file_fail(error, BP_ERROR_NULL, "options.modules[%zu] is null", k);
        for (size_t before = 0; before < k; before++)
            if (bp_names_same(modules[before], modules[k]))
                return bp_file_fail(error, BP_ERROR_VALUE, "options.modules[%zu], '%.80s', is modules[%zu] too", k,
                                    modules[k], before);
    }
    return BP_OK;
}

static bp_status find_modules(const bp_entries *entries, const bp_safetensors *file, const bp_load_options *options,
                              bp_module *modules, bp_file_error *error) {
    if (options->pattern)
        return find_by_pattern(entries, file, options->pattern, modules, error);
    const bp_status status = check_modules(entries, options, error);
    for (size_t k = 0; k < options->module_count && status == BP_OK; k++)
        modules[k] = (bp_module){options->modules[k], strlen(options->modules[k])};
    return status;
}

bp_status bp_entries_name(bp_entries *entries, const bp_safetensors *file, const bp_load_options *options,
                          bp_file_error *error) {
    if (options->modules && options->pattern)
        return bp_file_fail(error, BP_ERROR_VALUE, "options has both modules and pattern: one of them may be given");
    if (!options->modules && options->module_count > 0)
        return bp_file_fail(error, BP_ERROR_NULL, "options.modules is null, and options.module_count %zu",
                            options->module_count);
    if (!options->modules && !options->pattern)
        return BP_OK;
    bp_module *modules = calloc(entries->count / 2, sizeof *modules);
    if (!modules)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    bp_status status = find_modules(entries, file, options, modules, error);
    if (status == BP_OK && (status = bp_entries_rename(entries, modules)) != BP_OK)
        bp_file_refuse(error, status);
    free(modules);
    return status;
}

/* ---- What the network wants ------------------------------------------------------------------------------------ */

static bool same_shape(const bp_tensor *a, const bp_tensor *b) {
    bool same = a->dimensions == b->dimensions;
    for (size_t d = 0; same && d < a->dimensions; d++)
        same = a->shape[d] == b->shape[d];
    return same;
}

static bp_status missing(const bp_safetensors *file, const bp_tensor *wanted, bp_file_error *error) {
    return bp_mismatch(file, error, "the file has no tensor '%.80s'", wanted->name);
}

static bp_status check_shape(const bp_safetensors *file, const bp_tensor *wanted, const bp_tensor *there,
                             bp_file_error *error) {
    char in_file[64], in_network[64];
    if (same_shape(there, wanted))
        return BP_OK;
    bp_write_shape(in_file, sizeof in_file, there);
    bp_write_shape(in_network, sizeof in_network, wanted);
    return bp_mismatch(file, error, "tensor '%.64s' is %s in the file and %s in the network", wanted->name, in_file,
                       in_network);
}

bp_status bp_match_exactly(const bp_safetensors *file, const bp_tensor *wanted, const bp_tensor *there,
                           bp_file_error *error) {
    if (!there)
        return missing(file, wanted, error);
    if (there->dtype != wanted->dtype)
        return bp_mismatch(file, error, "tensor '%.80s' is %.16s in the file and must be %s", wanted->name,
                           there->dtype_name, bp_safetensors_dtype_name(wanted->dtype));
    return check_shape(file, wanted, there, error);
}

/* The tensor of a name; an exact match comes before wrapped names. */
static bp_status find(const bp_safetensors *file, const char *name, const bp_tensor **found, bp_file_error *error) {
    *found = bp_safetensors_find(file, name);
    if (*found)
        return BP_OK;
    for (size_t k = 0; k < bp_safetensors_count(file); k++) {
        const bp_tensor *tensor = bp_safetensors_tensor(file, k);
        if (!bp_names_same(tensor->name, name))
            continue;
        if (*found)
            return bp_file_fail(error, BP_ERROR_MISMATCH, "tensors '%.60s' and '%.60s' of the file may both be '%.60s'",
                                (*found)->name, tensor->name, name);
        *found = tensor;
    }
    return BP_OK;
}

static bp_status match(const bp_safetensors *file, const bp_tensor *wanted, bool may_be_missing,
                       const bp_tensor **found, bp_file_error *error) {
    const bp_status status = find(file, wanted->name, found, error);
    if (status != BP_OK || (!*found && may_be_missing))
        return status;
    if (!*found)
        return missing(file, wanted, error);
    if ((*found)->dtype < BP_DTYPE_F16)
        return bp_mismatch(file, error, "tensor '%.80s' is %.16s in the file and must be F16, BF16, F32 or F64",
                           (*found)->name, (*found)->dtype_name);
    return check_shape(file, wanted, *found, error);
}

/* Weight and bias of a module. */
static bp_status find_module(bp_entry *weight, bp_entry *bias, const bp_safetensors *file,
                             const bp_load_options *options, bp_file_error *error) {
    if (!options) {
        weight->found = bp_safetensors_find(file, weight->tensor.name);
        bias->found = bp_safetensors_find(file, bias->tensor.name);
        const bp_status status = bp_match_exactly(file, &weight->tensor, weight->found, error);
        return status == BP_OK ? bp_match_exactly(file, &bias->tensor, bias->found, error) : status;
    }
    const bp_status status = match(file, &weight->tensor, !options->strict, &weight->found, error);
    const bool zeroed = options->zero_biases && weight->found;
    return status == BP_OK ? match(file, &bias->tensor, !options->strict || zeroed, &bias->found, error) : status;
}

bp_status bp_entries_find(bp_entries *entries, const bp_safetensors *file, const bp_load_options *options,
                          bp_file_error *error) {
    bp_status status = BP_OK;
    bool any = false;
    for (size_t k = 0; k < entries->count && status == BP_OK; k += 2) {
        bp_entry *weight = &entries->list[k], *bias = weight + 1;
        status = find_module(weight, bias, file, options, error);
        any = any || weight->found || bias->found;
    }
    if (status == BP_OK && !any)
        return bp_mismatch(file, error, "the network has none of the file's tensors");
    return status;
}

/* ---- What it does not want ------------------------------------------------------------------------------------- */

static bool is_extra(const bp_entries *entries, const bp_tensor *tensor, bool (*elsewhere)(const char *name)) {
    for (size_t k = 0; k < entries->count; k++)
        if (tensor == entries->list[k].found)
            return false;
    return !elsewhere(tensor->name);
}

void bp_match_each_extra(const bp_entries *entries, const bp_safetensors *file, bool (*elsewhere)(const char *name),
                         void (*visit)(void *context, const bp_tensor *tensor), void *context) {
    for (size_t k = 0; k < bp_safetensors_count(file); k++) {
        const bp_tensor *tensor = bp_safetensors_tensor(file, k);
        if (is_extra(entries, tensor, elsewhere))
            visit(context, tensor);
    }
}

static void count(void *context, const bp_tensor *tensor) {
    (void)tensor;
    ++*(size_t *)context;
}

bp_status bp_match_no_extra(const bp_entries *entries, const bp_safetensors *file, bool (*elsewhere)(const char *name),
                            bp_file_error *error) {
    bp_listing l = {.text = "the network has no tensor", .lead = " "};
    bp_match_each_extra(entries, file, elsewhere, count, &l.to_come);
    if (l.to_come == 0)
        return BP_OK;
    bp_match_each_extra(entries, file, elsewhere, bp_list_tensor, &l);
    return bp_file_fail(error, BP_ERROR_MISMATCH, "%s", l.text);
}
