/// Linux calls Glibc's Swift module does not show, and macros it cannot import. Never called by render code.
#ifndef STREAMD_CLINUX_SYSTEM_H
#define STREAMD_CLINUX_SYSTEM_H
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>

/// Sleeps until `*word != expected`, a wake, or the absolute CLOCK_MONOTONIC time `deadline_ns` (negative: no deadline).
/// Returns 0 when woken or already different, ETIMEDOUT, or EINTR.
int clinux_futex_wait(const void *word, uint32_t expected, int64_t deadline_ns);

/// Names the calling thread and, where asked and allowed, gives it real-time round-robin priority (0: leave as it is).
/// Returns 0 or an errno.
int clinux_thread_setup(const char *name, int realtime_priority);

/// Policy (SCHED_*, without flags) and priority of a living thread of this process. Returns 0 or an errno.
int clinux_thread_scheduling(uintptr_t thread, int *policy, int *priority);

/// Sends one datagram. Never blocks. Returns 0 or an errno.
int clinux_send_datagram(int fd, const struct sockaddr *to, socklen_t to_length, const void *bytes, size_t length);

/// Peer credentials of a Unix socket. Returns 0 or an errno.
int clinux_peer_credentials(int fd, uint32_t *uid, int32_t *pid);

/// Receives one datagram with the kernel's receive time moved to CLOCK_MONOTONIC. Returns the length or a negative errno.
ssize_t clinux_receive_stamped(int fd, void *bytes, size_t capacity, int64_t *monotonic_ns,
                               struct sockaddr_storage *from, socklen_t *from_length);
#endif
