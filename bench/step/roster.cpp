#include "roster.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <set>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "backprop.h"

namespace {

const peer *const *peers_of(const std::string &module) {
    void *handle = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
    return handle ? static_cast<const peer *const *>(dlsym(handle, "peer_list")) : nullptr;
}

// What a module's process tells: a line "peer NAME VERSION GROUP" for each peer, followed by a line "refuses SHAPE
// THREADS WHY" for each pair that it stays out of; "error WHY" if it can't be loaded. Fields end with tabs.
void tell(FILE *out, const std::string &module, const std::vector<Shape> &shapes, const std::vector<size_t> &threads) {
    const peer *const *peers = peers_of(module);
    if (!peers) {
        const char *why = dlerror();
        fprintf(out, "error\t%s\n", why ? why : "no peer_list in it");
        return;
    }
    for (; *peers; peers++) {
        fprintf(out, "peer\t%s\t%s\t%d\n", (*peers)->name, (*peers)->version(), (*peers)->group);
        for (size_t s = 0; s < shapes.size(); s++)
            for (size_t count : threads) {
                const peer_net net = shapes[s].net();
                if (const char *why = (*peers)->refusal(&net, count))
                    fprintf(out, "refuses\t%zu\t%zu\t%s\n", s, count, why);
            }
    }
}

// All that `speak` writes in a process of its own, and whether that process ended well.
template <class Speak> std::pair<std::string, bool> listen(Speak speak) {
    int ends[2];
    if (pipe(ends) != 0)
        return {"", false};
    fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60); // a library that hangs
        dup2(STDERR_FILENO, STDOUT_FILENO);
        FILE *out = fdopen(ends[1], "w");
        speak(out);
        fflush(out);
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<size_t>(got));
    close(ends[0]);
    int status = -1;
    if (child > 0)
        waitpid(child, &status, 0);
    return {text, status == 0};
}

void add_module(std::vector<Implementation> &implementations, const std::string &module,
                const std::vector<Shape> &shapes, const std::vector<size_t> &threads) {
    const auto [text, ended_well] = listen([&](FILE *out) {
        set_thread_environment(1);
        tell(out, module, shapes, threads);
    });
    std::istringstream lines(text);
    std::string line, error;
    std::vector<Implementation> found;
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::string kind, first, second, third;
        std::getline(fields, kind, '\t');
        std::getline(fields, first, '\t');
        std::getline(fields, second, '\t');
        std::getline(fields, third);
        if (kind == "peer")
            found.push_back({first, second, third == std::to_string(PEER_AS_USED), module, found.size(), {}});
        else if (kind == "refuses" && !found.empty())
            found.back().refusals[{std::stoul(first), std::stoul(second)}] = third;
        else if (kind == "error")
            error = first;
    }
    if (!ended_well && error.empty())
        error = "its process died";
    if (error.empty())
        implementations.insert(implementations.end(), found.begin(), found.end());
    else
        fprintf(stderr, "bench_step: %s is left out: %s\n", std::filesystem::path(module).filename().c_str(),
                error.c_str());
}

} // namespace

std::vector<Implementation> roster(const std::string &folder, const std::vector<Shape> &shapes,
                                   const std::vector<size_t> &threads) {
    std::vector<Implementation> implementations = {{backprop_peer.name, backprop_peer.version(), true, "", 0, {}}};
    std::set<std::string> modules; // in order of their names
    std::error_code none;
    for (const auto &entry : std::filesystem::directory_iterator(folder, none)) {
        const std::string name = entry.path().filename();
        if (name.rfind("peer_", 0) == 0 && entry.path().extension() == ".so")
            modules.insert(entry.path());
    }
    for (const std::string &module : modules)
        add_module(implementations, module, shapes, threads);
    return implementations;
}

const peer *load(const Implementation &implementation) {
    if (!implementation.is_peer())
        return &backprop_peer;
    const peer *const *peers = peers_of(implementation.module);
    return peers ? peers[implementation.index] : nullptr;
}

void set_thread_environment(size_t threads) {
    const std::string count = std::to_string(threads);
    for (const char *name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"})
        setenv(name, count.c_str(), 1);
}
