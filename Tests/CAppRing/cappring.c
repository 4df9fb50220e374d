#define _GNU_SOURCE
#include "cappring.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>

cappring_notice cappring_look(const streamd_ring_end *end) {
  streamd_ring *ring = end->shared;
  return (cappring_notice){
      .state = atomic_load(&ring->state),
      .period = atomic_load(&ring->period),
      .low = ring->low_watermark,
      .high = ring->high_watermark,
      .xruns = atomic_load(&ring->xruns),
      .lost = atomic_load(&ring->lost),
      .refused = atomic_load(&ring->refused),
      .written = atomic_load(&ring->written),
      .read = atomic_load(&ring->read),
      .writer_beat = atomic_load(&ring->writer_beat),
      .reader_beat = atomic_load(&ring->reader_beat),
      .read_at = atomic_load(&ring->read_at),
  };
}

void cappring_set_written(streamd_ring_end *end, uint64_t value) { atomic_store(&end->shared->written, value); }
void cappring_set_read(streamd_ring_end *end, uint64_t value) { atomic_store(&end->shared->read, value); }

void cappring_set_waits(streamd_ring_end *end, uint32_t value) {
  atomic_store(&end->shared->writer_waits, value);
  atomic_store(&end->shared->reader_waits, value);
}

void cappring_write_silently(streamd_ring_end *end, const float *frames, uint32_t count) {
  streamd_ring_copy(end, atomic_load(&end->shared->written), (float *)(uintptr_t)frames, count, 1);
}

int cappring_start_writer(streamd_ring_end *end) {
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid != 0) return pid < 0 ? -errno : pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  float frames[37 * 8];
  for (uint64_t number = 0;;) {
    for (uint32_t i = 0; i < 37; i++)
      for (uint32_t channel = 0; channel < end->channels; channel++) {
        float value = (float)((number + i) % 4096) / 8192;
        frames[i * end->channels + channel] = channel & 1 ? -value : value;
      }
    uint32_t done = streamd_ring_write(end, frames, 37);
    number += done;
  }
}

int cappring_make_memory(size_t bytes, int seals) {
  int fd = memfd_create("application", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int cappring_resize(int fd, size_t bytes) { return ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno; }
int cappring_seal(int fd, int seals) { return fcntl(fd, F_ADD_SEALS, seals) == 0 ? 0 : errno; }

int cappring_punch(int fd, size_t from, size_t bytes) {
  int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return fallocate(fd, mode, (off_t)from, (off_t)bytes) == 0 ? 0 : errno;
}

int cappring_make_blocking(int fd) {
  return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0 ? 0 : errno;
}

size_t cappring_heap(void) { return mallinfo2().uordblks; }
