#include "storage/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "storage/listing.h"
#include "storage/names.h"

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

static bp_status find(const bp_entries *entries, const bp_safetensors *file, const pattern *p, bp_module *modules,
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

bp_status bp_pattern_find(const bp_entries *entries, const bp_safetensors *file, const char *text, bp_module *modules,
                          bp_file_error *error) {
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
        status = find(entries, file, &p, modules, error);
    }
    free(copy);
    return status;
}
