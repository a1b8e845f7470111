/*
 * That the check before timing refuses what is wrong, and nothing else: test_check WRONG PEERS, the folders of the
 * module of mistakes and of the peers.
 */
#include <cstdio>

#include "contest.h"
#include "cpus.h"

namespace {

int failures = 0, cases = 0;

void expect(const Implementation &implementation, const std::string &shape, size_t threads, const Result &result,
            bool refused) {
    cases++;
    if (result.error.empty() != refused)
        return;
    failures++;
    printf("%s, %s, %zu threads: %s%s\n", implementation.name.c_str(), shape.c_str(), threads,
           refused ? "is wrong and was not refused" : "is right and was refused: ", result.error.c_str());
}

/** One turn of each implementation in the folder; all named "right..." or `all_right` must pass, the others not. */
void run(const std::string &folder, const std::vector<Shape> &shapes, bool all_right) {
    const std::vector<int> cpus = allowed_cpus();
    const std::vector<size_t> threads = {1, 2};
    const std::vector<Implementation> all = roster(folder, shapes, threads);
    for (size_t s = 0; s < shapes.size(); s++)
        for (size_t count : threads) {
            std::vector<Implementation> taking;
            for (const Implementation &implementation : all)
                if (implementation.takes(s, count))
                    taking.push_back(implementation);
            const std::vector<Result> results = contest(shapes[s], count, cpus_for(count, cpus), 0, taking);
            for (size_t k = 0; k < taking.size(); k++)
                expect(taking[k], shapes[s].name, count, results[k],
                       !all_right && taking[k].is_peer() && taking[k].name.rfind("right", 0) != 0);
        }
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: test_check WRONG PEERS\n");
        return 2;
    }
    const bp_activation relu = {BP_ACTIVATION_RELU, 0}, leaky = {BP_ACTIVATION_LEAKY_RELU, 0.01f},
                        sigmoid = {BP_ACTIVATION_SIGMOID, 0}, hyperbolic = {BP_ACTIVATION_TANH, 0};
    const bp_loss_kind mse = BP_LOSS_MSE, cross_entropy = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    const std::vector<Shape> shapes = {
        {"xor", {2, 8, 1}, hyperbolic, mse, 4},
        {"classes", {33, 65, 31, 10}, relu, cross_entropy, 70},
        {"deep", {19, 67, 130, 5, 66, 3}, sigmoid, mse, 61},
        {"tiles", {17, 64, 63, 6}, leaky, mse, 600},
        {"adam", {33, 65, 130, 6}, hyperbolic, mse, 61, BP_OPTIMIZER_ADAM},
        {"adam-few", {33, 65, 10}, relu, cross_entropy, 2, BP_OPTIMIZER_ADAM},
        {"adam-tiles", {19, 64, 63, 10}, relu, cross_entropy, 600, BP_OPTIMIZER_ADAM},
    };
    run(argv[1], shapes, false);
    const int wrong = cases;
    run(argv[2], shapes, true);
    printf("%d cases, %d of them with mistakes planted, %d failures\n", cases, wrong, failures);
    return failures > 0 || wrong == 0;
}
