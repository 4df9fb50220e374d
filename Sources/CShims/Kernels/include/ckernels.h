/// Inner loops that are much faster with instructions that not every machine has. Each has a Swift twin of the same
/// arithmetic, which machines without them run and which the tests compare bit for bit. Called by render code: nothing here
/// may allocate, take a lock, block or log.
#ifndef STREAMD_CKERNELS_H
#define STREAMD_CKERNELS_H
#include <stdbool.h>
#include <stddef.h>

#define KERNEL_SAFE __attribute__((swift_attr("@_noLocks")))

/// Whether this machine runs the kernels below.
bool ckernels_available(void);

/// Four second-order sections, one after the other, over two blocks of two interleaved channels each. A section is five
/// coefficients (b0 b1 b2 -a1 -a2) for two channels at `sections`, its state two numbers for two channels at `states`.
KERNEL_SAFE void ckernels_biquads(const double *const sections[8], double *const states[8], double *first,
                                  double *second, size_t frames);

/// Sums inputs, each with its gain, four at a time in the order they stand: (0 + 1) + (2 + 3), then the next four to that.
/// Pad with gains of zero and any input that is there. What would be no number is zero. `out` may be one of the first eight
/// inputs.
KERNEL_SAFE void ckernels_mix(float *out, const float *const *inputs, const float *gains, size_t groups, size_t frames);

/// The same for one input: with its gain.
KERNEL_SAFE void ckernels_scale(float *out, const float *input, float gain, size_t frames);
#endif
