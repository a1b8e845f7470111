/*
 * Networks in safetensors files: parameters, which other programs can read, and checkpoints, which resume a training.
 *
 * Names and shapes are those of PyTorch's nn.Sequential with the same layers. Its modules are numbered from 0: for each
 * layer a Linear, then a LayerNorm, an activation (none for the identity) and a Dropout, if the layer has them. The
 * tensors of module m are all F32:
 *
 * | name     | shape      | content                                                          |
 * |----------|------------|------------------------------------------------------------------|
 * | m.weight | [out x in] | weight of a Linear: element (j, i) is w_ij, from input i to neuron j |
 * | m.bias   | [out]      | its bias                                                         |
 * | m.weight | [out]      | gamma of a LayerNorm                                             |
 * | m.bias   | [out]      | its beta                                                         |
 *
 * A 784-128-10 network with a ReLU has 0.weight, 0.bias, 2.weight and 2.bias. In Python, this reads it:
 *
 *   model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
 *   model.load_state_dict(safetensors.torch.load_file("digits.safetensors"))
 *
 * A network that loads the file needs dropout in the same layers: otherwise the modules have other numbers.
 * bp_network_load_with loads files with other names.
 *
 * The metadata are the caller's notes and these:
 *
 * | key                      | content                                                                          |
 * |--------------------------|----------------------------------------------------------------------------------|
 * | format                   | pt, as in PyTorch's files                                                        |
 * | backprop.version         | the version of the library that wrote the file                                   |
 * | backprop.layers          | the layers, such as "784-128-10"                                                 |
 * | backprop.activations     | the activations, such as "leaky-relu:0.01,identity"; a parameter of 0 is omitted |
 * | backprop.loss            | the loss: bp_loss_name                                                           |
 * | backprop.optimizer       | the optimizer: bp_optimizer_name                                                 |
 * | backprop.weight_decay_of | what weight decay applies to: "all" or "weights"                                 |
 */
#ifndef BACKPROP_CHECKPOINT_H
#define BACKPROP_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/network.h>
#include <backprop/safetensors.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Writes a network's parameters atomically (file.h), and the caller's notes as metadata; bp_safetensors_metadata reads
 * the notes. `notes` may be null if `count` is 0. The call allocates a copy of the parameters.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for a key that occurs twice or is one of those above, and for a text that is
 * not UTF-8; BP_ERROR_MEMORY; BP_ERROR_FILE.
 */
BP_API bp_status bp_network_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                 bp_file_error *error);

/**
 * Reads a network's parameters from a file that bp_network_save, bp_checkpoint_save or another program has written.
 *
 * - Elements may be F32, F16, BF16 or F64; bp_array has the conversions.
 * - A checkpoint's other tensors are ignored. The network's optimizer state does not change. Gradients are discarded,
 *   and the EMA becomes equal to the parameters.
 * - Metadata may be missing. If the file has them, its activations must be the network's.
 * - The prefixes "module." and "_orig_mod.", which DataParallel and torch.compile add to names, are ignored wherever
 *   they occur, unless the file also has the name without them.
 *
 * The network changes only after everything was read and checked. The call allocates a copy of what it reads.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_FORMAT, BP_ERROR_MEMORY; BP_ERROR_MISMATCH if a tensor is missing, has
 * another shape or type, or does not belong to the network. The message then names it and lists the file's tensors.
 */
BP_API bp_status bp_network_load(bp_network *network, const char *path, bp_file_error *error);

/** What bp_network_load_with reports about a tensor. */
typedef enum bp_load_event {
    BP_LOAD_EVENT_UNEXPECTED = 0, /* the file has it and the network does not: it was ignored */
    BP_LOAD_EVENT_MISSING,        /* the network has it and the file does not: it is unchanged */
    BP_LOAD_EVENT_ZEROED          /* a bias or beta that the file does not have: it is now zero */
} bp_load_event;

/**
 * Options for matching a file's tensors to the network's, similar to PyTorch's load_state_dict. Made by
 * bp_load_options_defaults. The defaults are the behavior of bp_network_load.
 *
 * The network's modules are those with parameters, from the inputs to the outputs: for each layer its Linear, then its
 * LayerNorm if it has one. A module in the file has the tensors name.weight and name.bias, or weight and bias if its
 * name is empty. Set at most one of `modules` and `pattern`:
 *
 * | modules | pattern | names in the file                                                               |
 * |---------|---------|---------------------------------------------------------------------------------|
 * | null    | null    | the numbers of nn.Sequential                                                    |
 * | set     | null    | modules[k] is the name of the network's module k                                |
 * | null    | set     | the names that match the pattern, in the order of the numbers in them           |
 *
 * A pattern is a name with one `*`, which matches any text: `fc*` or `net.*.linear`. Of the modules that match, those
 * whose weight is a matrix are the network's Linears, and those whose weight is a vector are its LayerNorms, if it has
 * any. The file must have as many of each as the network. Their names may differ only in numbers, which give the order:
 * fc2 comes before fc10. (An order of "input" and "output" would be a guess.)
 */
typedef struct bp_load_options {
    size_t struct_size;         /* sizeof(bp_load_options), set by bp_load_options_defaults */
    const char *const *modules; /* [module_count] names in the file, or null */
    size_t module_count;        /* with `modules`: the number of the network's modules */
    const char *pattern;        /* or null */

    bool strict;      /* file and network must have the same tensors. Otherwise extra tensors are ignored, and missing
                         ones are unchanged in the network; default true */
    bool zero_biases; /* if the file has a module's weight without its bias or beta, that becomes zero, as in modules
                         made with bias=False; default false */

    /* Called with each tensor that bp_load_event describes, after everything was loaded; or null. `name` is valid only
     * during the call. */
    void (*report)(void *context, bp_load_event note, const char *name);
    void *context; /* passed to `report` */
} bp_load_options;

/** Sets the defaults in the first struct_size bytes of a struct. Does nothing for null. */
BP_API void bp_load_options_init(bp_load_options *options, size_t struct_size);

/** Options with the defaults above. Fields without a default are null or 0. */
static inline bp_load_options bp_load_options_defaults(void) {
    bp_load_options bp_made;
    bp_load_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Reads a network's parameters from a file that names tensors differently from nn.Sequential, or has more or fewer of
 * them. Null `options` are the defaults. For example, this file
 *
 *   class Net(nn.Module):
 *       def __init__(self):
 *           super().__init__()
 *           self.fc1, self.fc2 = nn.Linear(784, 128), nn.Linear(128, 10, bias=False)
 *
 *   safetensors.torch.save_file(net.state_dict(), "net.safetensors")
 *
 * needs these options:
 *
 *   const char *const modules[] = {"fc1", "fc2"};
 *   bp_load_options options = bp_load_options_defaults();
 *   options.modules = modules;
 *   options.module_count = 2;
 *   options.zero_biases = true;
 *   status = bp_network_load_with(network, "net.safetensors", &options, &error);
 *
 * Instead of `modules`, `options.pattern = "fc*"` works, too. The pattern `*` loads an nn.Sequential whose Linears have
 * other numbers, for example because of an nn.Flatten before them. A file of the nn.Sequential that is described at the
 * top of this header needs no options.
 *
 * Errors: those of bp_network_load, and:
 *
 * | error             | cause                                                                          |
 * |-------------------|--------------------------------------------------------------------------------|
 * | BP_ERROR_SIZE     | module_count is not the number of the network's modules                        |
 * | BP_ERROR_VALUE    | two equal modules; both modules and a pattern; struct_size                     |
 * | BP_ERROR_VALUE    | a pattern without a `*`, or with two                                           |
 * | BP_ERROR_MISMATCH | the modules that match the pattern do not fit the network                      |
 * | BP_ERROR_MISMATCH | if not strict: no tensor of the file belongs to the network                    |
 */
BP_API bp_status bp_network_load_with(bp_network *network, const char *path, const bp_load_options *options,
                                      bp_file_error *error);

/**
 * Writes a checkpoint: the complete state of a training. It has the tensors of bp_network_save, and:
 *
 * | name                    | content                                                                             |
 * |-------------------------|-------------------------------------------------------------------------------------|
 * | training.steps          | bp_network_steps, one U64                                                           |
 * | training.seed           | bp_network_seed, one U64                                                            |
 * | training.<state>.<name> | optimizer state and EMA of each parameter, such as training.momentum.0.weight       |
 *
 * Save what lies outside of the network, such as the epoch and the seed of the shuffles, as notes. Not saved: frozen
 * layers, accumulated gradients.
 *
 * Errors: those of bp_network_save; BP_ERROR_VALUE while the EMA is swapped in.
 */
BP_API bp_status bp_checkpoint_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                    bp_file_error *error);

/**
 * Restores the state that bp_checkpoint_save has written, whatever the network's state was: gradients are discarded,
 * and a swapped-in EMA is swapped back (table in update.h). With the same optimizer settings, batches and learning
 * rates, the network then takes the same steps, to the last bit, on any machine.
 *
 * The network changes only after everything was read and checked. All tensors must have the type that was written. The
 * optimizer's kind and bp_decay_scope must be the same (files without a scope are accepted).
 *
 * Errors: those of bp_network_load.
 */
BP_API bp_status bp_checkpoint_load(bp_network *network, const char *path, bp_file_error *error);

BP_END_DECLS

#endif
