/// What of JACK's library Swift cannot see: a variadic call and callbacks without an argument; and the calls render code
/// makes.
#ifndef STREAMD_CJACK_H
#define STREAMD_CJACK_H
#include <jack/jack.h>
#include <pthread.h>
#include <stdint.h>

#include "clinux_render.h"

/// JACK's library writes each failure to standard error. We report them ourselves, once each.
void cjack_be_quiet(void);

/// Joins a server that runs; never starts one. Null where there is none, and why. The server may change the name.
jack_client_t *cjack_open(const char *name, const char *server, int *status);

/// Render: a port's memory in this cycle.
RENDER_SAFE static inline float *cjack_buffer(jack_port_t *port, uint32_t frames) {
  return (float *)jack_port_get_buffer(port, frames);
}

/// Render: the server's count of frames at the start of this cycle, and when that was, on CLOCK_MONOTONIC.
RENDER_SAFE static inline void cjack_clock(const jack_client_t *client, uint32_t *frames, int64_t *now_ns) {
  jack_nframes_t current = 0;
  jack_time_t now = 0, next = 0;
  float period = 0;
  if (jack_get_cycle_times(client, &current, &now, &next, &period)) {
    current = jack_last_frame_time(client);
    now = 0;
  }
  *frames = current;
  *now_ns = (int64_t)now * 1000;
}

/// Render: the library ends its threads wherever they are, also where they hold one of its locks, which nobody gets after
/// that. A thread that has called this ends only where it waits for the server. Never for the one that renders: it may
/// wait in a way that cannot be ended so.
RENDER_SAFE static inline void cjack_end_when_waiting(void) {
  int before = 0;
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
}

/// Render: a thread that has called this ends by itself, when the server's end of its socket is closed. For the one that
/// learns that the server leaves: it still has to hear who else does, and takes the library's locks for that.
RENDER_SAFE static inline void cjack_end_by_itself(void) {
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
}
#endif
