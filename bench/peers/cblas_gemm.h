/* The matrix product of a library with the C interface to BLAS; to be included after that library's own cblas.h. */
#ifndef BENCH_PEERS_CBLAS_GEMM_H
#define BENCH_PEERS_CBLAS_GEMM_H

#include <cstddef>

namespace peers {

struct CblasGemm {
    static void gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                     const float *b, size_t ldb, float beta, float *c, size_t ldc) {
        const auto i = [](size_t size) { return static_cast<int>(size); };
        const auto op = [](bool t) { return t ? CblasTrans : CblasNoTrans; };
        // Vectors have functions of their own, which move less. Transposed or not, a vector is packed where its
        // leading dimension is its width, and strided elsewhere.
        if (m == 1) // c = alpha op(B)^T a + beta c
            cblas_sgemv(CblasRowMajor, op(!tb), tb ? i(n) : i(k), tb ? i(k) : i(n), alpha, b, i(ldb), a,
                        ta ? i(lda) : 1, beta, c, 1);
        else if (n == 1) // c = alpha op(A) b + beta c
            cblas_sgemv(CblasRowMajor, op(ta), ta ? i(k) : i(m), ta ? i(m) : i(k), alpha, a, i(lda), b, tb ? 1 : i(ldb),
                        beta, c, i(ldc));
        else if (k == 1 && beta == 1) // C = C + alpha a b^T
            cblas_sger(CblasRowMajor, i(m), i(n), alpha, a, ta ? 1 : i(lda), b, tb ? i(ldb) : 1, c, i(ldc));
        else
            cblas_sgemm(CblasRowMajor, op(ta), op(tb), i(m), i(n), i(k), alpha, a, i(lda), b, i(ldb), beta, c, i(ldc));
    }
};

} // namespace peers

#endif
