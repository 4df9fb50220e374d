/// Everything C that render code may call. The attribute tells the Swift checker to trust the function, so this header
/// is part of the audited surface: nothing here may allocate, take a lock, block or log.
#ifndef STREAMD_CLINUX_RENDER_H
#define STREAMD_CLINUX_RENDER_H
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define RENDER_SAFE __attribute__((swift_attr("@_noLocks")))

RENDER_SAFE static inline void render_copy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
RENDER_SAFE static inline void render_zero(void *to, size_t bytes) { memset(to, 0, bytes); }
RENDER_SAFE static inline float render_sqrtf(float x) { return __builtin_sqrtf(x); }
RENDER_SAFE static inline double render_sqrt(double x) { return __builtin_sqrt(x); }
/// libm's: no state, no memory, no errno that anybody reads.
RENDER_SAFE static inline double render_log2(double x) { return log2(x); }
RENDER_SAFE static inline double render_exp2(double x) { return exp2(x); }
RENDER_SAFE static inline double render_tan(double x) { return tan(x); }

RENDER_SAFE static inline void render_pause(void) {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/// CLOCK_MONOTONIC through the vDSO: no system call on any kernel we run on.
RENDER_SAFE static inline int64_t render_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/// The calling thread's number, for the control side to ask the kernel about, also when the thread is gone. It is part of the
/// number of the thread's clock, which libc puts together from what it has: no system call.
RENDER_SAFE static inline uintptr_t render_thread(void) {
  clockid_t clock = 0;
  return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? (uintptr_t)~(clock >> 3) : 0;
}

/// Wakes one thread waiting on `word`. The one system call render code makes: it never blocks.
RENDER_SAFE static inline void render_futex_wake(const void *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/// Denormals to zero for the calling thread; returns the previous mode so that it can be put back.
RENDER_SAFE static inline uint32_t render_flush_denormals(void) {
#if defined(__x86_64__)
  uint32_t before = _mm_getcsr();
  _mm_setcsr(before | 0x8040u);
  return before;
#else
  return 0;
#endif
}
RENDER_SAFE static inline void render_restore_float_mode(uint32_t mode) {
#if defined(__x86_64__)
  _mm_setcsr(mode);
#else
  (void)mode;
#endif
}

/// Test builds define these two to count what a render section allocates or locks; elsewhere they are absent.
__attribute__((weak)) void streamd_render_guard_enter(void);
__attribute__((weak)) void streamd_render_guard_exit(void);
RENDER_SAFE static inline void render_section_enter(void) {
  if (streamd_render_guard_enter) streamd_render_guard_enter();
}
RENDER_SAFE static inline void render_section_exit(void) {
  if (streamd_render_guard_exit) streamd_render_guard_exit();
}
#endif
