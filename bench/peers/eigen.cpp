/* Eigen: its matrix product, compiled for this machine. */
#include <string>

#include <Eigen/Core>

#include "gemm_step.h"

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;
using Input = Eigen::Map<const Matrix, 0, Stride>;
using Output = Eigen::Map<Matrix, 0, Stride>;
using Column = Eigen::Map<const Eigen::VectorXf, 0, Eigen::InnerStride<>>;

struct EigenGemm {
    static void gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                     const float *b, size_t ldb, float beta, float *c, size_t ldc) {
        const auto i = [](size_t size) { return static_cast<Eigen::Index>(size); };
        const Input x(a, ta ? i(k) : i(m), ta ? i(m) : i(k), Stride(i(lda)));
        const Input y(b, tb ? i(n) : i(k), tb ? i(k) : i(n), Stride(i(ldb)));
        Output z(c, i(m), i(n), Stride(i(ldc)));
        const auto assign = [&](const auto &product) {
            if (beta == 0)
                z.noalias() = product;
            else
                z.noalias() += product;
        };
        if (k == 1) // Eigen takes it for an outer product only if the types say so
            assign((alpha * Column(a, i(m), Eigen::InnerStride<>(ta ? 1 : i(lda)))) *
                   Column(b, i(n), Eigen::InnerStride<>(tb ? i(ldb) : 1)).transpose());
        else if (ta)
            assign(alpha * (x.transpose() * y));
        else if (tb)
            assign(alpha * (x * y.transpose()));
        else
            assign(alpha * (x * y));
    }

    static void set_threads(size_t threads) {
        Eigen::setNbThreads(static_cast<int>(threads));
    }

    static constexpr bool openmp = true;

    static const char *version() {
        static const std::string text = std::to_string(EIGEN_WORLD_VERSION) + "." +
                                        std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
        return text.c_str();
    }
};

const peer whole = peers::GemmPeer<EigenGemm, peers::Way::whole>::describe("eigen");
const peer tiled = peers::GemmPeer<EigenGemm, peers::Way::tile>::describe("eigen-tile");
const peer sliced = peers::GemmPeer<EigenGemm, peers::Way::slice>::describe("eigen-slice");

} // namespace

extern "C" const peer *const peer_list[] = {&whole, &tiled, &sliced, nullptr};
