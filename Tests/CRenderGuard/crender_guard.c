#define _GNU_SOURCE
#include "crender_guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define GUARD 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define GUARD 0
#endif
#endif
#ifndef GUARD
#define GUARD 1
#endif

static _Atomic uint64_t hits[RENDER_GUARD_KINDS];
static _Atomic uint64_t sections;
static _Atomic int abort_on_hit_set;

// Initial-exec: reading it never allocates, also not on a thread's first access.
#define OWN static __thread __attribute__((tls_model("initial-exec")))
OWN int depth;
OWN int apart;
OWN uint64_t apart_hits[RENDER_GUARD_KINDS];

int render_guard_available(void) { return GUARD; }

uint64_t render_guard_hits_of(int kind) {
  return kind < 0 || kind >= RENDER_GUARD_KINDS ? 0 : atomic_load(&hits[kind]);
}

uint64_t render_guard_hits(void) {
  uint64_t sum = 0;
  for (int kind = 0; kind < RENDER_GUARD_KINDS; kind++) sum += atomic_load(&hits[kind]);
  return sum;
}

uint64_t render_guard_sections(void) { return atomic_load(&sections); }

void render_guard_reset(void) {
  for (int kind = 0; kind < RENDER_GUARD_KINDS; kind++) atomic_store(&hits[kind], 0);
  atomic_store(&sections, 0);
}

void render_guard_count_apart(int is_apart) {
  apart = is_apart;
  for (int kind = 0; kind < RENDER_GUARD_KINDS; kind++) apart_hits[kind] = 0;
}

uint64_t render_guard_apart_hits_of(int kind) {
  return kind < 0 || kind >= RENDER_GUARD_KINDS ? 0 : apart_hits[kind];
}

void render_guard_abort_on_hit(int abort_on_hit) {
  if (abort_on_hit) {
    // The first backtrace loads a library; that must not happen inside a section.
    void *frames[4];
    backtrace(frames, 4);
  }
  atomic_store(&abort_on_hit_set, abort_on_hit);
}

void streamd_render_guard_enter(void) { depth++; }

void streamd_render_guard_exit(void) {
  depth--;
  atomic_fetch_add(&sections, 1);
}

#if GUARD
static inline void note(int kind) {
  if (__builtin_expect(depth == 0, 1)) return;
  if (apart) {
    apart_hits[kind]++;
  } else {
    atomic_fetch_add(&hits[kind], 1);
  }
  if (!atomic_load(&abort_on_hit_set)) return;
  depth = 0;
  void *frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
  abort();
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  note(RENDER_GUARD_ALLOCATION);
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  note(RENDER_GUARD_ALLOCATION);
  return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
  note(RENDER_GUARD_ALLOCATION);
  return __libc_realloc(block, size);
}
void free(void *block) {
  if (block) note(RENDER_GUARD_RELEASE);
  __libc_free(block);
}
void *memalign(size_t alignment, size_t size) {
  note(RENDER_GUARD_ALLOCATION);
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  note(RENDER_GUARD_ALLOCATION);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
  note(RENDER_GUARD_ALLOCATION);
  if (alignment < sizeof(void *) || (alignment & (alignment - 1))) return EINVAL;
  void *found = __libc_memalign(alignment, size);
  if (!found) return ENOMEM;
  *block = found;
  return 0;
}

// The next definition is looked up before main, or on a call that comes even earlier; both find the same address.
#define FORWARD(kind, result, name, parameters, arguments)                                  \
  static result (*_Atomic next_##name) parameters;                                          \
  static result (*find_##name(void)) parameters {                                           \
    result(*next) parameters = atomic_load_explicit(&next_##name, memory_order_relaxed);    \
    if (!next) {                                                                            \
      next = (result(*) parameters)dlsym(RTLD_NEXT, #name);                                 \
      if (!next) abort();                                                                   \
      atomic_store_explicit(&next_##name, next, memory_order_relaxed);                      \
    }                                                                                       \
    return next;                                                                            \
  }                                                                                         \
  result name parameters {                                                                  \
    note(kind);                                                                             \
    return find_##name() arguments;                                                         \
  }

FORWARD(RENDER_GUARD_LOCK, int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
FORWARD(RENDER_GUARD_LOCK, int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
FORWARD(RENDER_GUARD_LOCK, int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
FORWARD(RENDER_GUARD_LOCK, int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t *mutex),
        (condition, mutex))
FORWARD(RENDER_GUARD_LOCK, int, pthread_cond_timedwait,
        (pthread_cond_t * condition, pthread_mutex_t *mutex, const struct timespec *until), (condition, mutex, until))
FORWARD(RENDER_GUARD_SLEEP, int, nanosleep, (const struct timespec *time, struct timespec *rest), (time, rest))
FORWARD(RENDER_GUARD_SLEEP, int, clock_nanosleep,
        (clockid_t clock, int flags, const struct timespec *time, struct timespec *rest), (clock, flags, time, rest))
FORWARD(RENDER_GUARD_SLEEP, int, usleep, (useconds_t time), (time))

__attribute__((constructor)) static void find_all(void) {
  find_pthread_mutex_lock();
  find_pthread_rwlock_rdlock();
  find_pthread_rwlock_wrlock();
  find_pthread_cond_wait();
  find_pthread_cond_timedwait();
  find_nanosleep();
  find_clock_nanosleep();
  find_usleep();
}
#endif
