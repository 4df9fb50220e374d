// Many datagrams in one call, with where they came from and what the kernel had no room for.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { clinux_batch_limit = 32 };

struct clinux_batch_item {
  struct sockaddr_storage from;
  /// What the sender sent; more than the room means that the rest is lost.
  size_t length;
};

/// Makes a UDP socket count what it has no room for, and gives it room. Returns 0 or an errno.
int clinux_batch_prepare(int fd, int receive_bytes);

/// Takes up to `count` datagrams that are there into rooms of `stride` bytes that lie one behind the other. Never blocks.
/// `dropped` becomes the kernel's count of dropped datagrams where it says it. Returns how many, or a negative errno.
int clinux_batch_receive(int fd, void *rooms, size_t stride, int count, struct clinux_batch_item *items,
                         uint32_t *dropped);
