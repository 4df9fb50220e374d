#define _GNU_SOURCE
#include "clinux.h"

#include <sys/prctl.h>
#include <sys/uio.h>

int clinux_futex_wait(const void *word, uint32_t expected, int64_t deadline_ns) {
  struct timespec at = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
  long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline_ns < 0 ? NULL : &at, NULL,
                   FUTEX_BITSET_MATCH_ANY);
  if (r == 0 || errno == EAGAIN) return 0;
  return errno;
}

int clinux_thread_setup(const char *name, int realtime_priority) {
  prctl(PR_SET_NAME, name, 0, 0, 0);
  if (realtime_priority <= 0) return 0;
  struct sched_param parameters = {.sched_priority = realtime_priority};
  return pthread_setschedparam(pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &parameters);
}

int clinux_thread_scheduling(uintptr_t thread, int *policy, int *priority) {
  struct sched_param parameters;
  int found = sched_getscheduler((pid_t)thread);
  if (found < 0 || sched_getparam((pid_t)thread, &parameters) != 0) return errno;
  *policy = found & ~SCHED_RESET_ON_FORK;
  *priority = parameters.sched_priority;
  return 0;
}

int clinux_send_datagram(int fd, const struct sockaddr *to, socklen_t to_length, const void *bytes, size_t length) {
  for (;;) {
    if (sendto(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, to, to_length) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

int clinux_peer_credentials(int fd, uint32_t *uid, int32_t *pid) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return errno;
  *uid = credentials.uid;
  *pid = credentials.pid;
  return 0;
}

ssize_t clinux_receive_stamped(int fd, void *bytes, size_t capacity, int64_t *monotonic_ns,
                               struct sockaddr_storage *from, socklen_t *from_length) {
  union {
    char bytes[256];
    struct cmsghdr align;
  } control;
  struct iovec part = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {.msg_name = from,
                           .msg_namelen = sizeof *from,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  ssize_t length = recvmsg(fd, &message, 0);
  if (length < 0) return -errno;
  *from_length = message.msg_namelen;
  struct timespec mono, real;
  clock_gettime(CLOCK_MONOTONIC, &mono);
  clock_gettime(CLOCK_REALTIME, &real);
  int64_t now = (int64_t)mono.tv_sec * 1000000000 + mono.tv_nsec;
  int64_t wall = (int64_t)real.tv_sec * 1000000000 + real.tv_nsec;
  *monotonic_ns = now;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
      struct timespec stamp;
      memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      *monotonic_ns = now - (wall - ((int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec));
    }
  return length;
}
