/// Memory shared with other programs, the counters that wake them, and how both travel over a Unix socket. Never called by
/// render code.
#ifndef STREAMD_CLINUX_MEMORY_H
#define STREAMD_CLINUX_MEMORY_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Nameless memory of this size, all of it there, sealed against every change of size. Returns a descriptor or a
/// negative errno.
int clinux_memory_create(const char *name, size_t bytes);

/// What somebody else's descriptor stands for.
typedef struct clinux_memory_facts {
  int64_t bytes;
  /// A file in the kernel's own memory file system, not on a disk and not of huge pages.
  int is_memory;
  /// F_SEAL_*; 0 where there are none.
  int seals;
} clinux_memory_facts;

/// Returns 0 or an errno.
int clinux_memory_examine(int fd, clinux_memory_facts *facts);

enum {
  CLINUX_SEAL_SHRINK = 2,
  /// Either of the seals that forbid writing.
  CLINUX_SEAL_WRITE = 8 | 16,
};

/// Maps the first bytes for reading and writing, all pages there already. Returns 0 or an errno.
int clinux_memory_map(int fd, size_t bytes, void **at);
void clinux_memory_unmap(void *at, size_t bytes);

/// A counter that can be waited for. Returns a descriptor or a negative errno.
int clinux_counter_create(void);

/// Adds one if that cannot block. Its holders may have made it blocking behind our back: returns EPERM then, else 0.
int clinux_counter_ring(int fd);

/// Another descriptor of the same thing, closed on exec, or a negative errno.
int clinux_descriptor_copy(int fd);

/// As `send`, with descriptors that arrive with the first byte. Returns the bytes sent or a negative errno.
ssize_t clinux_send_descriptors(int fd, const void *bytes, size_t length, const int *descriptors, size_t count);

enum { CLINUX_DESCRIPTORS_AT_ONCE = 253 };

/// As `recv`; descriptors that arrive are put into `descriptors`, at most `*count`, and their number into `count`; those
/// beyond are closed. Returns the bytes received or a negative errno.
ssize_t clinux_receive_descriptors(int fd, void *bytes, size_t capacity, int *descriptors, size_t *count);
#endif
