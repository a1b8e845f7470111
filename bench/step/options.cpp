#include "options.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>

#include <backprop/cpu.h>

namespace {

const char *const usage = R"(Usage: bench_step [OPTION]...

Times a whole training step of this library and of every peer that is found, on the shapes of its table.

  --shape SIZES      a net of your own in place of the table, such as 784-128-10, with
  --batch N          its rows of a step (default 64)
  --activation NAME  of its hidden layers: identity, relu, leaky-relu, sigmoid, tanh (default relu)
  --loss NAME        mse or softmax-cross-entropy (default mse)
  --optimizer NAME   sgd or adam, with its usual numbers (default sgd)
  --threads LIST     numbers of threads, such as 1,2 (default: 1 and 2, as far as there are CPUs)
  --seconds S        time that the implementations of a shape and number of threads share (default 8)
  --isa NAME         instruction set of this library (default: the widest)
  --peers            list who takes part, and who stays out of which shape, then end
  --help             this text

Names are step/<shape>/<implementation>/threads:<n>; --benchmark_filter=REGEX chooses among them, and those chosen run
in interleaved turns. Further options of Google Benchmark: --benchmark_list_tests, --benchmark_out=FILE (as JSON),
--benchmark_format=json.
)";

[[noreturn]] void refuse(const std::string &why) {
    fprintf(stderr, "bench_step: %s (see --help)\n", why.c_str());
    exit(2);
}

size_t positive(const std::string &option, const std::string &text) {
    const unsigned long long most = 1ull << 30;
    char *end;
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    const unsigned long long value = digits ? strtoull(text.c_str(), &end, 10) : 0;
    if (value == 0 || value > most)
        refuse(option + ": '" + text + "' is not a number from 1 to " + std::to_string(most));
    return value;
}

std::vector<size_t> numbers(const std::string &option, const std::string &text, char separator) {
    std::vector<size_t> values;
    std::istringstream parts(text + separator);
    for (std::string part; std::getline(parts, part, separator);)
        values.push_back(positive(option, part));
    return values;
}

bp_activation activation(const std::string &name) {
    bp_activation_kind kind;
    if (bp_activation_from_name(name.c_str(), &kind) != BP_OK || kind > BP_ACTIVATION_TANH) // what all contestants know
        refuse("--activation: '" + name + "' is none of identity, relu, leaky-relu, sigmoid, tanh");
    return {kind, kind == BP_ACTIVATION_LEAKY_RELU ? 0.01f : 0};
}

bp_loss_kind loss(const std::string &name) {
    if (name == "mse")
        return BP_LOSS_MSE;
    if (name != "softmax-cross-entropy")
        refuse("--loss: '" + name + "' is neither mse nor softmax-cross-entropy");
    return BP_LOSS_SOFTMAX_CROSS_ENTROPY;
}

bp_optimizer_kind optimizer(const std::string &name) {
    if (name != "sgd" && name != "adam")
        refuse("--optimizer: '" + name + "' is neither sgd nor adam");
    return name == "sgd" ? BP_OPTIMIZER_SGD : BP_OPTIMIZER_ADAM;
}

void set_isa(const std::string &name) {
    bp_isa isa;
    bp_status status = bp_isa_from_name(name.c_str(), &isa);
    if (status == BP_OK)
        status = bp_cpu_set(isa);
    if (status != BP_OK)
        refuse("--isa: '" + name + "': " + bp_status_string(status));
}

double seconds(const std::string &text) {
    char *end;
    const double value = strtod(text.c_str(), &end);
    if (text.empty() || *end || !(value > 0) || !std::isfinite(value))
        refuse("--seconds: '" + text + "' is not a positive number");
    return value;
}

} // namespace

Options parse_options(int *argc, char **argv, size_t cpus) {
    Options options;
    Shape own = {"", {}, activation("relu"), BP_LOSS_MSE, 64};
    bool describes = false; // a net of the user's own
    const std::map<std::string, std::function<void(const std::string &)>> valued = {
        {"--shape",
         [&](const std::string &text) {
             own.name = text;
             own.sizes = numbers("--shape", text, '-');
             if (own.sizes.size() < 2)
                 refuse("--shape: '" + text + "' has no layer; at least two sizes are needed, such as 784-10");
         }},
        {"--batch", [&](const std::string &text) { describes = true, own.batch = positive("--batch", text); }},
        {"--activation", [&](const std::string &text) { describes = true, own.hidden = activation(text); }},
        {"--loss", [&](const std::string &text) { describes = true, own.loss = loss(text); }},
        {"--optimizer", [&](const std::string &text) { describes = true, own.optimizer = optimizer(text); }},
        {"--threads", [&](const std::string &text) { options.threads = numbers("--threads", text, ','); }},
        {"--seconds", [&](const std::string &text) { options.seconds = seconds(text); }},
        {"--isa", set_isa},
    };

    int kept = 1;
    for (int k = 1; k < *argc; k++) {
        const std::string argument = argv[k], name = argument.substr(0, argument.find('='));
        const auto option = valued.find(name);
        if (argument == "--help" || argument == "-h") {
            fputs(usage, stdout);
            exit(0);
        } else if (argument == "--peers") {
            options.list_peers = true;
        } else if (option == valued.end()) {
            argv[kept++] = argv[k];
        } else if (name.size() < argument.size()) {
            option->second(argument.substr(name.size() + 1));
        } else if (++k < *argc) {
            option->second(argv[k]);
        } else {
            refuse(name + " needs a value");
        }
    }
    argv[ *argc = kept] = nullptr;

    if (describes && own.sizes.empty())
        refuse("--batch, --activation, --loss and --optimizer describe the net of --shape");
    if (own.sizes.empty())
        options.shapes = table();
    else
        options.shapes = {own};
    if (options.threads.empty())
        options.threads = cpus > 1 ? std::vector<size_t>{1, 2} : std::vector<size_t>{1};
    for (size_t count : options.threads)
        if (count > cpus)
            refuse("--threads: this process may use " + std::to_string(cpus) + " CPUs only");
    return options;
}
