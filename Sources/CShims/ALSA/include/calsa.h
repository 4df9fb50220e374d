/// What of ALSA's library Swift cannot see: a variadic callback and the end of a structure; and a wait as fine as audio needs.
#ifndef STREAMD_CALSA_H
#define STREAMD_CALSA_H
#include <alsa/asoundlib.h>
#include <poll.h>
#include <stdint.h>

/// ALSA's library writes each failure to standard error. We report them ourselves, once each.
void calsa_be_quiet(void);

/// `ppoll` with a relative limit in nanoseconds: how many descriptors have something to say, or a negative number.
int calsa_wait(struct pollfd *descriptors, unsigned int count, int64_t limit_ns);

/// The position (SND_CHMAP_*) of a channel in a map, or SND_CHMAP_UNKNOWN.
unsigned int calsa_position(const snd_pcm_chmap_t *map, unsigned int channel);
#endif
