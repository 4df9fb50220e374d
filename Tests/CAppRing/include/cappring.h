/// The header that applications include, and what a hostile one would do with it.
#ifndef CAPPRING_H
#define CAPPRING_H
#include "../../../include/streamd_ring.h"

/// What streamd said of the ring.
typedef struct cappring_notice {
  uint32_t state, period, low, high;
  uint64_t xruns, lost, refused, written, read;
  uint64_t writer_beat, reader_beat;
  int64_t read_at;
} cappring_notice;
cappring_notice cappring_look(const streamd_ring_end *end);

void cappring_set_written(streamd_ring_end *end, uint64_t value);
void cappring_set_read(streamd_ring_end *end, uint64_t value);
void cappring_set_waits(streamd_ring_end *end, uint32_t value);
/// Writes frames whose position says that they were not written.
void cappring_write_silently(streamd_ring_end *end, const float *frames, uint32_t count);

/// Starts a process that writes a ramp (frame number modulo 4096, divided by 8192, negative in odd channels) without end, a
/// few frames at a time, until it is killed. Returns its pid or a negative errno.
int cappring_start_writer(streamd_ring_end *end);

/// Memory as an application would make it: sealed by `seals` (F_SEAL_*). Returns a descriptor or a negative errno.
int cappring_make_memory(size_t bytes, int seals);
/// Attempts that seals must refuse; each returns 0 or an errno.
int cappring_resize(int fd, size_t bytes);
int cappring_seal(int fd, int seals);
int cappring_punch(int fd, size_t from, size_t bytes);
/// Makes a descriptor blocking for all who hold it.
int cappring_make_blocking(int fd);

/// Bytes that this process has allocated and not freed.
size_t cappring_heap(void);
#endif
