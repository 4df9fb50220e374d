// UDP with the address it arrived at, several datagrams a call, and a filter in the kernel.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/// One end of a path: the peer, and the local address and interface its datagrams arrived at.
struct clinux_path {
  struct sockaddr_storage peer;
  socklen_t peer_length;
  /// AF_INET, AF_INET6, or 0 while the local address is not known.
  int local_family;
  struct in6_addr local;
  uint32_t interface_index;
};

/// Opens a UDP socket bound to an address. `quality` marks what leaves as interactive audio. Returns the descriptor, or a
/// negative errno.
int clinux_datagram_open(const struct sockaddr *own, socklen_t own_length, bool quality);

/// Lets only pings in: 20 bytes that begin with the 16 of `payload`, and 4 bytes "PING" if `legacy`. What else arrives ends
/// in the kernel. A null payload lets no long ping in. Returns 0 or an errno.
int clinux_datagram_filter_pings(int fd, const uint8_t *payload, bool legacy);

/// Takes one datagram if there is one. Returns its length, 0 for none, or a negative errno.
long clinux_datagram_receive(int fd, void *bytes, size_t capacity, struct clinux_path *path);

/// Sends up to four datagrams along a path, from the local address the path knows. Never blocks. Returns how many left, or a
/// negative errno.
int clinux_datagram_send(int fd, const struct clinux_path *path, const struct iovec *datagrams, int count);
