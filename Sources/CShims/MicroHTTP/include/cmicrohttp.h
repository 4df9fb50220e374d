// What Swift cannot see of libmicrohttpd: its calls that take a variable number of arguments.
#pragma once

#include <microhttpd.h>
#include <stddef.h>

struct cmicrohttp_terms {
  // A socket that listens; the daemon closes it when it stops.
  int listener;
  unsigned int connections;
  unsigned int connections_per_address;
  // Of silence, after which a connection is closed.
  unsigned int timeout_seconds;
  // For the header of one request.
  size_t header_bytes;
  // PEM, both or neither.
  const char *certificate;
  const char *key;
  // What the callbacks are given first.
  void *owner;
  MHD_AccessHandlerCallback handler;
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback connection;
};

// A daemon without a thread: whoever calls MHD_run is its thread. Null when it cannot start.
struct MHD_Daemon *cmicrohttp_start(const struct cmicrohttp_terms *terms);

// Readable when MHD_run has something to do; -1 on failure.
int cmicrohttp_epoll(struct MHD_Daemon *daemon);

// The socket of a connection; -1 on failure.
int cmicrohttp_socket(struct MHD_Connection *connection);
