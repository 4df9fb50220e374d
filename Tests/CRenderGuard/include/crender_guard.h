/// Counts what render sections must never do. Linked into test programs only: its definitions of malloc and friends and of
/// the blocking calls win over the C library's, and pass every call on.
///
/// It sees the Swift runtime's allocations too. It does not see an uncontended Synchronization.Mutex, which is no pthread
/// mutex; the compiler's `@_noLocks` check refuses that one.
#ifndef CRENDER_GUARD_H
#define CRENDER_GUARD_H
#include <stdint.h>

enum {
  RENDER_GUARD_ALLOCATION = 0,
  RENDER_GUARD_RELEASE = 1,
  RENDER_GUARD_LOCK = 2,
  RENDER_GUARD_SLEEP = 3,
  RENDER_GUARD_KINDS = 4,
};

/// Whether the guard is in this program: not under the thread and address sanitizers, which bring their own malloc.
int render_guard_available(void);

/// Forbidden calls inside render sections of all threads since the last reset.
uint64_t render_guard_hits(void);
uint64_t render_guard_hits_of(int kind);

/// Render sections that ran to their end since the last reset: proof that the guard looked at something.
uint64_t render_guard_sections(void);

void render_guard_reset(void);

/// Non-zero: the calling thread's hits go to a count of its own from now on, set to zero by this call. For clients that
/// are broken on purpose while other tests run.
void render_guard_count_apart(int apart);
uint64_t render_guard_apart_hits_of(int kind);

/// From now on (non-zero) a hit prints a backtrace to standard error and aborts.
void render_guard_abort_on_hit(int abort_on_hit);

/// A section around what is not dispatched by a backend; nests. The first two are what the product's weak references find.
void streamd_render_guard_enter(void);
void streamd_render_guard_exit(void);
#endif
