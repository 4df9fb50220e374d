#define _GNU_SOURCE
#include "clinux_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

_Static_assert(CLINUX_SEAL_SHRINK == F_SEAL_SHRINK, "F_SEAL_SHRINK");
_Static_assert(CLINUX_SEAL_WRITE == (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE), "F_SEAL_WRITE");

int clinux_memory_create(const char *name, size_t bytes) {
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
  // Kernels before 6.3 do not know the flag.
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, flags);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)bytes) != 0 || fallocate(fd, 0, 0, (off_t)bytes) != 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int clinux_memory_examine(int fd, clinux_memory_facts *facts) {
  struct stat status;
  struct statfs system;
  if (fstat(fd, &status) != 0 || fstatfs(fd, &system) != 0) return errno;
  int seals = fcntl(fd, F_GET_SEALS);
  facts->bytes = status.st_size;
  facts->is_memory = S_ISREG(status.st_mode) && system.f_type == TMPFS_MAGIC;
  facts->seals = seals < 0 ? 0 : seals;
  return 0;
}

int clinux_memory_map(int fd, size_t bytes, void **at) {
  // A page that cannot be had later would be a fault in whoever touches it.
  if (fallocate(fd, 0, 0, (off_t)bytes) != 0) return errno;
  void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (mapped == MAP_FAILED) return errno;
  *at = mapped;
  return 0;
}

void clinux_memory_unmap(void *at, size_t bytes) { munmap(at, bytes); }

int clinux_counter_create(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int clinux_counter_ring(int fd) {
  // The flag belongs to what both sides hold.
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || !(flags & O_NONBLOCK)) return EPERM;
  const uint64_t one = 1;
  // A full counter wakes as well.
  ssize_t written = write(fd, &one, sizeof one);
  (void)written;
  return 0;
}

int clinux_descriptor_copy(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : copy;
}

ssize_t clinux_send_descriptors(int fd, const void *bytes, size_t length, const int *descriptors, size_t count) {
  union {
    char bytes[CMSG_SPACE(sizeof(int) * CLINUX_DESCRIPTORS_AT_ONCE)];
    struct cmsghdr align;
  } control;
  if (count > CLINUX_DESCRIPTORS_AT_ONCE) return -EINVAL;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
  }
  for (;;) {
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

ssize_t clinux_receive_descriptors(int fd, void *bytes, size_t capacity, int *descriptors, size_t *count) {
  union {
    char bytes[CMSG_SPACE(sizeof(int) * CLINUX_DESCRIPTORS_AT_ONCE)];
    struct cmsghdr align;
  } control;
  size_t room = *count < CLINUX_DESCRIPTORS_AT_ONCE ? *count : CLINUX_DESCRIPTORS_AT_ONCE, found = 0;
  struct iovec part = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t length;
  do length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (length < 0 && errno == EINTR);
  *count = 0;
  if (length < 0) return -errno;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t brought = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < brought; i++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(c) + i * sizeof(int), sizeof descriptor);
      if (found < room)
        descriptors[found++] = descriptor;
      else
        close(descriptor);
    }
  }
  *count = found;
  return length;
}
