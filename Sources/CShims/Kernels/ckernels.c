#include "ckernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

bool ckernels_available(void) { return __builtin_cpu_supports("avx"); }

typedef double quad __attribute__((vector_size(32)));

#define INLINE __attribute__((target("avx"), always_inline)) static inline

INLINE quad load(const double *a, const double *b) { return (quad){a[0], a[1], b[0], b[1]}; }

INLINE void store(double *a, double *b, quad x) {
  _mm_storeu_pd(a, _mm256_castpd256_pd128((__m256d)x));
  _mm_storeu_pd(b, _mm256_extractf128_pd((__m256d)x, 1));
}

// Without fused multiplication, so that every machine makes the same of the same.
__attribute__((target("avx"))) void ckernels_biquads(const double *const sections[8], double *const states[8],
                                                     double *first, double *second, size_t frames) {
#pragma STDC FP_CONTRACT OFF
  quad c[4][5], s[4][2];
  for (int band = 0; band < 4; band++) {
    for (int index = 0; index < 5; index++)
      c[band][index] = load(sections[band] + 2 * index, sections[band + 4] + 2 * index);
    for (int index = 0; index < 2; index++) s[band][index] = load(states[band] + 2 * index, states[band + 4] + 2 * index);
  }
  for (size_t frame = 0; frame < frames; frame++) {
    quad x = load(first + 2 * frame, second + 2 * frame);
#pragma clang loop unroll(full)
    for (int band = 0; band < 4; band++) {
      quad y = x * c[band][0] + s[band][0];
      s[band][0] = (x * c[band][1] + s[band][1]) + y * c[band][3];
      s[band][1] = x * c[band][2] + y * c[band][4];
      x = y;
    }
    store(first + 2 * frame, second + 2 * frame, x);
  }
  for (int band = 0; band < 4; band++)
    for (int index = 0; index < 2; index++) store(states[band] + 2 * index, states[band + 4] + 2 * index, s[band][index]);
}

typedef float octet __attribute__((vector_size(32)));

INLINE octet load8(const float *from) { return (octet)_mm256_loadu_ps(from); }

INLINE octet spread(float value) { return (octet)_mm256_set1_ps(value); }

INLINE octet finite8(octet x) {
  const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), (__m256)x);
  return (octet)_mm256_and_ps((__m256)x, _mm256_cmp_ps(size, _mm256_set1_ps(__FLT_MAX__), _CMP_LE_OQ));
}

INLINE float finite1(float x) { return x <= __FLT_MAX__ && x >= -__FLT_MAX__ ? x : 0; }

// Up to two groups in one pass, their gains in registers. `adds` continues a sum that stands in `out`.
INLINE void mix_pass(float *out, const float *const *in, const float *g, size_t frames, bool adds, bool two) {
#pragma STDC FP_CONTRACT OFF
  const float *a = in[0], *b = in[1], *c = in[2], *d = in[3];
  const float *e = two ? in[4] : a, *f = two ? in[5] : a, *h = two ? in[6] : a, *i = two ? in[7] : a;
  const octet ga = spread(g[0]), gb = spread(g[1]), gc = spread(g[2]), gd = spread(g[3]);
  const octet ge = spread(two ? g[4] : 0), gf = spread(two ? g[5] : 0), gh = spread(two ? g[6] : 0),
              gi = spread(two ? g[7] : 0);
  size_t at = 0;
  for (; at + 8 <= frames; at += 8) {
    octet sum = (load8(a + at) * ga + load8(b + at) * gb) + (load8(c + at) * gc + load8(d + at) * gd);
    sum = finite8(adds ? load8(out + at) + sum : sum);
    if (two) sum = finite8(sum + ((load8(e + at) * ge + load8(f + at) * gf) + (load8(h + at) * gh + load8(i + at) * gi)));
    _mm256_storeu_ps(out + at, (__m256)sum);
  }
  for (; at < frames; at++) {
    float sum = (a[at] * g[0] + b[at] * g[1]) + (c[at] * g[2] + d[at] * g[3]);
    sum = finite1(adds ? out[at] + sum : sum);
    if (two) sum = finite1(sum + ((e[at] * g[4] + f[at] * g[5]) + (h[at] * g[6] + i[at] * g[7])));
    out[at] = sum;
  }
}

__attribute__((target("avx"))) void ckernels_mix(float *out, const float *const *inputs, const float *gains, size_t groups,
                                                 size_t frames) {
  for (size_t group = 0; group < groups; group += 2) {
    const float *const *in = inputs + 4 * group;
    const float *g = gains + 4 * group;
    const bool two = group + 1 < groups;
    if (group == 0)
      two ? mix_pass(out, in, g, frames, false, true) : mix_pass(out, in, g, frames, false, false);
    else
      two ? mix_pass(out, in, g, frames, true, true) : mix_pass(out, in, g, frames, true, false);
  }
}

__attribute__((target("avx"))) void ckernels_scale(float *out, const float *input, float gain, size_t frames) {
  size_t frame = 0;
  for (; frame + 8 <= frames; frame += 8) _mm256_storeu_ps(out + frame, (__m256)finite8(load8(input + frame) * spread(gain)));
  for (; frame < frames; frame++) out[frame] = finite1(input[frame] * gain);
}
#else
bool ckernels_available(void) { return false; }

void ckernels_biquads(const double *const sections[8], double *const states[8], double *first, double *second,
                      size_t frames) {
  (void)sections, (void)states, (void)first, (void)second, (void)frames;
}

void ckernels_mix(float *out, const float *const *inputs, const float *gains, size_t groups, size_t frames) {
  (void)out, (void)inputs, (void)gains, (void)groups, (void)frames;
}

void ckernels_scale(float *out, const float *input, float gain, size_t frames) {
  (void)out, (void)input, (void)gain, (void)frames;
}
#endif
