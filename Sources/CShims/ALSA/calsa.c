#define _GNU_SOURCE
#include "calsa.h"

static void discard(const char *file, int line, const char *function, int error, const char *format, ...) {
  (void)file, (void)line, (void)function, (void)error, (void)format;
}

void calsa_be_quiet(void) { snd_lib_error_set_handler(discard); }

unsigned int calsa_position(const snd_pcm_chmap_t *map, unsigned int channel) {
  return map && channel < map->channels ? map->pos[channel] & SND_CHMAP_POSITION_MASK : SND_CHMAP_UNKNOWN;
}

int calsa_wait(struct pollfd *descriptors, unsigned int count, int64_t limit_ns) {
  struct timespec limit = {.tv_sec = limit_ns / 1000000000, .tv_nsec = limit_ns % 1000000000};
  return ppoll(descriptors, count, &limit, NULL);
}
