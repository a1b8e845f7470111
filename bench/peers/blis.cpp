/* BLIS: its matrix product. */
#include <blis.h>
#include <cblas.h>

#include "cblas_gemm.h"
#include "gemm_step.h"

namespace {

struct Blis : peers::CblasGemm {
    static void set_threads(size_t threads) {
        bli_thread_set_num_threads(static_cast<dim_t>(threads));
    }

#ifdef BLIS_ENABLE_OPENMP
    static constexpr bool openmp = true;
#else
    static constexpr bool openmp = false;
#endif

    static const char *version() {
        return bli_info_get_version_str();
    }
};

const peer whole = peers::GemmPeer<Blis, peers::Way::whole>::describe("blis");
const peer tiled = peers::GemmPeer<Blis, peers::Way::tile>::describe("blis-tile");
const peer sliced = peers::GemmPeer<Blis, peers::Way::slice>::describe("blis-slice");

} // namespace

extern "C" const peer *const peer_list[] = {&whole, &tiled, &sliced, nullptr};
