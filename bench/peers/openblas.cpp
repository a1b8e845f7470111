/* OpenBLAS: its matrix product. */
#include <cblas.h>

#include "cblas_gemm.h"
#include "gemm_step.h"

namespace {

struct Openblas : peers::CblasGemm {
    static void set_threads(size_t threads) {
        openblas_set_num_threads(static_cast<int>(threads));
    }

    static constexpr bool openmp = false; // Debian's default, with threads of its own

    static const char *version() {
        return openblas_get_config();
    }
};

const peer whole = peers::GemmPeer<Openblas, peers::Way::whole>::describe("openblas");
const peer tiled = peers::GemmPeer<Openblas, peers::Way::tile>::describe("openblas-tile");
const peer sliced = peers::GemmPeer<Openblas, peers::Way::slice>::describe("openblas-slice");

} // namespace

extern "C" const peer *const peer_list[] = {&whole, &tiled, &sliced, nullptr};
