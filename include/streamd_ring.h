/*
 * streamd_ring.h: sound between an application and streamd through shared memory. Layout version 1.
 *
 * `ring.open` on the control socket makes a ring and answers with three descriptors: the memory, the event counter
 * `space` and the event counter `data`. In a ring of direction `source` the application writes and streamd reads; in a
 * `sink` it is the other way round. docs/RINGS.md has the rules; examples/ring has programs.
 *
 * The memory is this struct, then `capacity` frames of interleaved 32 bit floats, host byte order, nominally within
 * -1…1. A frame's place is its number modulo the capacity, which is a power of two. Frame numbers only grow, so full and
 * empty cannot be confused and 64 bits never wrap.
 *
 * Atomics are those of C11 (C++11 in C++). There is one writer and one reader, and each owns one line:
 *
 *   the writer   stores samples, then `written` with release; it loads `read` with acquire before it reuses a place.
 *   the reader   loads `written` with acquire, then the samples, then stores `read` with release.
 *
 * Everything else is relaxed. streamd takes nothing from the memory on trust: a position that makes no sense is silence
 * and is counted, and writing to a line that is not yours changes nothing but what you see yourself.
 *
 * The functions below are for one thread at a time for each end. They never block but `streamd_ring_wait`.
 */
#ifndef STREAMD_RING_H
#define STREAMD_RING_H

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
#include <atomic>
#define STREAMD_RING_ATOMIC(type) std::atomic<type>
#define STREAMD_RING_LINE alignas(128)
#define STREAMD_RING_ASSERT(condition) static_assert(condition, #condition)
#define STREAMD_RING_RELAXED std::memory_order_relaxed
#define STREAMD_RING_ACQUIRE std::memory_order_acquire
#define STREAMD_RING_RELEASE std::memory_order_release
#else
#include <stdatomic.h>
#define STREAMD_RING_ATOMIC(type) _Atomic(type)
#define STREAMD_RING_LINE _Alignas(128)
#define STREAMD_RING_ASSERT(condition) _Static_assert(condition, #condition)
#define STREAMD_RING_RELAXED memory_order_relaxed
#define STREAMD_RING_ACQUIRE memory_order_acquire
#define STREAMD_RING_RELEASE memory_order_release
#endif

/* "streamdR" */
#define STREAMD_RING_MAGIC UINT64_C(0x52646d6165727473)
#define STREAMD_RING_VERSION 1u

enum {
  STREAMD_RING_SOURCE = 1, /* the application writes */
  STREAMD_RING_SINK = 2,   /* the application reads */
};

enum {
  STREAMD_RING_IDLE = 0,    /* nothing in streamd uses the ring: no sound moves */
  STREAMD_RING_RUNNING = 1, /* a graph takes or brings sound each period */
  STREAMD_RING_CLOSED = 2,  /* it will never move again */
};

typedef struct streamd_ring {
  /* Written by streamd before anybody else sees the memory; then it never changes. */
  uint64_t magic;
  uint32_t version;
  uint32_t direction;
  uint32_t channels;
  uint32_t rate;
  /* In frames, a power of two. */
  uint32_t capacity;
  /* source: streamd rings `space` while so many frames or fewer wait.
   * sink: after what did not fit was lost, streamd goes on once so many frames or fewer wait. */
  uint32_t low_watermark;
  /* source: at the start, and after the ring ran dry, streamd begins once so many frames wait, or when nothing follows.
   * sink: streamd rings `data` while so many frames or more wait. */
  uint32_t high_watermark;
  uint32_t reserved;
  /* In bytes from the start of the memory: the first sample, and the end. */
  uint64_t data_offset;
  uint64_t bytes;

  /* The writer's line. */
  STREAMD_RING_LINE STREAMD_RING_ATOMIC(uint64_t) written;
  /* CLOCK_MONOTONIC in nanoseconds at which the writer last stored `written`. */
  STREAMD_RING_ATOMIC(int64_t) written_at;
  /* Raised by one at least once a second by a writer that lives. Zero for ever: it shows no heartbeat. */
  STREAMD_RING_ATOMIC(uint64_t) writer_beat;
  /* Whether the writer wants `space` rung (1 from the start). */
  STREAMD_RING_ATOMIC(uint32_t) writer_waits;

  /* The reader's line, likewise. */
  STREAMD_RING_LINE STREAMD_RING_ATOMIC(uint64_t) read;
  STREAMD_RING_ATOMIC(int64_t) read_at;
  STREAMD_RING_ATOMIC(uint64_t) reader_beat;
  STREAMD_RING_ATOMIC(uint32_t) reader_waits;

  /* streamd's line: what it has to say. */
  STREAMD_RING_LINE STREAMD_RING_ATOMIC(uint32_t) state;
  /* Frames that streamd took or brought at a time, last. */
  STREAMD_RING_ATOMIC(uint32_t) period;
  /* source: times it ran dry. sink: times it ran full. */
  STREAMD_RING_ATOMIC(uint64_t) xruns;
  /* Frames of silence in place of what was late, or frames that did not fit. */
  STREAMD_RING_ATOMIC(uint64_t) lost;
  /* Periods in which what stood in this memory made no sense. */
  STREAMD_RING_ATOMIC(uint64_t) refused;
} streamd_ring;

STREAMD_RING_ASSERT(offsetof(streamd_ring, data_offset) == 40);
STREAMD_RING_ASSERT(offsetof(streamd_ring, written) == 128);
STREAMD_RING_ASSERT(offsetof(streamd_ring, writer_waits) == 152);
STREAMD_RING_ASSERT(offsetof(streamd_ring, read) == 256);
STREAMD_RING_ASSERT(offsetof(streamd_ring, state) == 384);
STREAMD_RING_ASSERT(offsetof(streamd_ring, refused) == 408);
STREAMD_RING_ASSERT(sizeof(streamd_ring) == 512);

/* One end of a ring in this process. */
typedef struct streamd_ring_end {
  streamd_ring *shared;
  float *samples;
  uint32_t direction, channels, rate, capacity;
  size_t bytes;
  /* Not owned: closed by whoever received them. */
  int space, data;
} streamd_ring_end;

static inline int64_t streamd_ring_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Maps what `ring.open` answered with. The memory's descriptor may be closed afterwards. Returns 0 or an errno. */
static inline int streamd_ring_map(streamd_ring_end *end, int memory, int space, int data) {
  struct stat facts;
  memset(end, 0, sizeof *end);
  if (fstat(memory, &facts) != 0) return errno;
  if ((size_t)facts.st_size < sizeof(streamd_ring)) return EPROTO;
  size_t size = (size_t)facts.st_size;
  void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (at == MAP_FAILED) return errno;
  streamd_ring *ring = (streamd_ring *)at;
  size_t frame = sizeof(float) * ring->channels;
  if (ring->magic != STREAMD_RING_MAGIC || ring->version != STREAMD_RING_VERSION || ring->channels == 0 ||
      ring->capacity == 0 || (ring->capacity & (ring->capacity - 1)) != 0 || ring->data_offset > size ||
      (size - ring->data_offset) / frame < ring->capacity) {
    munmap(at, size);
    return EPROTO;
  }
  end->shared = ring;
  end->samples = (float *)(void *)((char *)at + ring->data_offset);
  end->direction = ring->direction;
  end->channels = ring->channels;
  end->rate = ring->rate;
  end->capacity = ring->capacity;
  end->bytes = size;
  end->space = space;
  end->data = data;
  return 0;
}

static inline void streamd_ring_unmap(streamd_ring_end *end) {
  if (end->shared) munmap(end->shared, end->bytes);
  end->shared = NULL;
}

static inline int streamd_ring_is_closed(const streamd_ring_end *end) {
  return atomic_load_explicit(&end->shared->state, STREAMD_RING_RELAXED) == STREAMD_RING_CLOSED;
}

/* Frames that wait to be read. */
static inline uint32_t streamd_ring_fill(const streamd_ring_end *end) {
  uint64_t written = atomic_load_explicit(&end->shared->written, STREAMD_RING_ACQUIRE);
  uint64_t read = atomic_load_explicit(&end->shared->read, STREAMD_RING_ACQUIRE);
  uint64_t fill = written - read;
  return fill > end->capacity ? end->capacity : (uint32_t)fill;
}

/* Frames that can be written. */
static inline uint32_t streamd_ring_space(const streamd_ring_end *end) {
  return end->capacity - streamd_ring_fill(end);
}

/* "I live": at least once a second while nothing is written or read. `streamd_ring_wait` does it too. */
static inline void streamd_ring_beat(streamd_ring_end *end) {
  if (end->direction == STREAMD_RING_SOURCE)
    atomic_fetch_add_explicit(&end->shared->writer_beat, 1, STREAMD_RING_RELAXED);
  else
    atomic_fetch_add_explicit(&end->shared->reader_beat, 1, STREAMD_RING_RELAXED);
}

/* Copies between the ring from `position` on and a buffer of whole frames. */
static inline void streamd_ring_copy(streamd_ring_end *end, uint64_t position, float *frames, uint32_t count, int in) {
  size_t channels = end->channels;
  uint32_t at = (uint32_t)(position & (end->capacity - 1));
  uint32_t first = count < end->capacity - at ? count : end->capacity - at;
  float *inside = end->samples + at * channels;
  size_t first_bytes = first * channels * sizeof(float), rest_bytes = (count - first) * channels * sizeof(float);
  if (in) {
    memcpy(inside, frames, first_bytes);
    if (rest_bytes) memcpy(end->samples, frames + first * channels, rest_bytes);
  } else {
    memcpy(frames, inside, first_bytes);
    if (rest_bytes) memcpy(frames + first * channels, end->samples, rest_bytes);
  }
}

/* Writes as many of these interleaved frames as fit; returns how many that were. For a source. */
static inline uint32_t streamd_ring_write(streamd_ring_end *end, const float *frames, uint32_t count) {
  streamd_ring *ring = end->shared;
  uint32_t space = streamd_ring_space(end);
  if (count > space) count = space;
  uint64_t position = atomic_load_explicit(&ring->written, STREAMD_RING_RELAXED);
  streamd_ring_copy(end, position, (float *)(uintptr_t)frames, count, 1);
  atomic_store_explicit(&ring->written_at, streamd_ring_now(), STREAMD_RING_RELAXED);
  atomic_store_explicit(&ring->written, position + count, STREAMD_RING_RELEASE);
  streamd_ring_beat(end);
  return count;
}

/* Reads up to `count` interleaved frames; returns how many there were. For a sink. */
static inline uint32_t streamd_ring_read(streamd_ring_end *end, float *frames, uint32_t count) {
  streamd_ring *ring = end->shared;
  uint32_t fill = streamd_ring_fill(end);
  if (count > fill) count = fill;
  uint64_t position = atomic_load_explicit(&ring->read, STREAMD_RING_RELAXED);
  streamd_ring_copy(end, position, frames, count, 0);
  atomic_store_explicit(&ring->read_at, streamd_ring_now(), STREAMD_RING_RELAXED);
  atomic_store_explicit(&ring->read, position + count, STREAMD_RING_RELEASE);
  streamd_ring_beat(end);
  return count;
}

/* Sleeps until streamd rings or the time is over, which should be less than a second: the heart beats in here.
 * Returns 1 when rung, 0 when not, -1 when the ring is closed. */
static inline int streamd_ring_wait(streamd_ring_end *end, int milliseconds) {
  struct pollfd bell;
  uint64_t count;
  streamd_ring_beat(end);
  if (streamd_ring_is_closed(end)) return -1;
  bell.fd = end->direction == STREAMD_RING_SOURCE ? end->space : end->data;
  bell.events = POLLIN;
  bell.revents = 0;
  if (poll(&bell, 1, milliseconds) > 0 && read(bell.fd, &count, sizeof count) < 0) return 0;
  streamd_ring_beat(end);
  return streamd_ring_is_closed(end) ? -1 : bell.revents != 0;
}

#endif
