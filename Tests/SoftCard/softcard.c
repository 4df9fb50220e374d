// A sound card without hardware: an ALSA plug-in with a clock of its own, which a test can starve, suspend and pull out.
//
// The test and the card share a file of one page, mapped by both.
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

// The test's view is in SoftCard.swift: keep both alike.
struct panel {
  // Set by the test.
  int32_t gone;        // not to be opened, and every call fails
  int32_t starve;      // so many breaks are still to come, one a start
  int32_t suspended;   // suspends, and says "later" to whoever resumes
  int32_t cannot_resume;
  int32_t stuck;       // its clock stands still
  int32_t rate;
  int32_t channels;
  int32_t ppm;
  int32_t format;      // snd_pcm_format_t
  int32_t access;      // snd_pcm_access_t
  // Counted by the card.
  int32_t opens;
  int32_t closes;
  int32_t starts;
  int32_t prepares;
  int32_t resumes;
  int32_t in_buffer;   // frames of the buffer
  // Set by the test.
  int32_t refuses;     // says that it is ready, and takes or gives nothing
  int32_t clocked;     // what is recorded are numbers of frames since the machine began: a share of 2^23
};

struct card {
  snd_pcm_ioplug_t io;
  volatile struct panel *panel;
  int timer;
  int record;          // what is played, as it came
  int64_t started_ns;
  uint64_t played;     // frames the clock has moved since the start
  uint64_t moved;      // frames given or taken since the preparation
  uint64_t recorded;   // frames of the tone so far
  int running;
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int card_start(snd_pcm_ioplug_t *io) {
  struct card *card = io->private_data;
  if (card->panel->gone) return -ENODEV;
  card->panel->starts++;
  card->started_ns = now_ns();
  card->played = 0;
  card->running = 1;
  // Twice a period: nobody wakes earlier than a real card would let him by much.
  int64_t half = (int64_t)(io->period_size * 500000000.0 / io->rate);
  struct itimerspec at = {.it_interval = {0, half}, .it_value = {0, half}};
  return timerfd_settime(card->timer, 0, &at, NULL) == 0 ? 0 : -errno;
}

static int card_stop(snd_pcm_ioplug_t *io) {
  struct card *card = io->private_data;
  struct itimerspec off = {{0, 0}, {0, 0}};
  card->running = 0;
  timerfd_settime(card->timer, 0, &off, NULL);
  return 0;
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io) {
  struct card *card = io->private_data;
  if (card->panel->gone) {
    snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
    return (snd_pcm_sframes_t)(card->played % io->buffer_size);
  }
  if (!card->running) return 0;
  if (card->panel->suspended) snd_pcm_ioplug_set_state(io, SND_PCM_STATE_SUSPENDED);
  if (card->panel->starve > 0 && card->played > 0) {
    card->panel->starve--;
    return -EPIPE;
  }
  if (!card->panel->stuck && !card->panel->suspended) {
    double rate = io->rate * (1 + card->panel->ppm * 1e-6);
    card->played = (uint64_t)((now_ns() - card->started_ns) * 1e-9 * rate);
  }
  // Played what was never written, or recorded what nobody has room for.
  uint64_t limit = card->moved + (io->stream == SND_PCM_STREAM_CAPTURE ? io->buffer_size : 0);
  if (card->played > limit) return -EPIPE;
  return (snd_pcm_sframes_t)(card->played % io->buffer_size);
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                       snd_pcm_uframes_t offset, snd_pcm_uframes_t size) {
  struct card *card = io->private_data;
  if (card->panel->gone) return -ENODEV;
  if (card->panel->refuses) return -EAGAIN;
  int bytes = snd_pcm_format_physical_width(io->format) / 8;
  char played[1 << 16];
  size_t filled = 0;
  for (snd_pcm_uframes_t frame = 0; frame < size; frame++) {
    // Channel n of a recording has a tone of 1000 · (n + 1) Hz at half scale.
    for (unsigned int channel = 0; channel < io->channels; channel++) {
      char *place = (char *)areas[channel].addr + (areas[channel].first + (offset + frame) * areas[channel].step) / 8;
      if (io->stream == SND_PCM_STREAM_PLAYBACK) {
        memcpy(played + filled, place, bytes);
        filled += bytes;
        continue;
      }
      double phase = (double)(card->recorded % io->rate) * 1000.0 * (channel + 1) / io->rate;
      double value = 0.5 * sin(2 * M_PI * phase);
      if (card->panel->clocked) {
        int64_t number = llrint(card->started_ns * 1e-9 * io->rate) + (int64_t)(card->moved + frame);
        value = (double)(number & 0x7fffff) / 0x800000;
      }
      float single = value;
      double scale = io->format == SND_PCM_FORMAT_S16 ? 0x1p15 : io->format == SND_PCM_FORMAT_S32 ? 0x1p31 : 0x1p23;
      int32_t whole = lrint(value * scale);
      memcpy(place, io->format == SND_PCM_FORMAT_FLOAT ? (void *)&single : (void *)&whole, bytes);
    }
    card->recorded++;
    if (filled + 256 > sizeof played || frame + 1 == size) {
      if (filled > 0 && card->record >= 0 && write(card->record, played, filled) != (ssize_t)filled) return -EIO;
      filled = 0;
    }
  }
  card->moved += size;
  return size;
}

static int card_prepare(snd_pcm_ioplug_t *io) {
  struct card *card = io->private_data;
  if (card->panel->gone) return -ENODEV;
  card->panel->prepares++;
  card->panel->in_buffer = io->buffer_size;
  card->moved = 0;
  card->played = 0;
  return 0;
}

static int card_resume(snd_pcm_ioplug_t *io) {
  struct card *card = io->private_data;
  card->panel->resumes++;
  if (card->panel->cannot_resume) {
    card->panel->suspended = 0;
    return -ENOSYS;
  }
  return card->panel->suspended ? -EAGAIN : 0;
}

static int card_revents(snd_pcm_ioplug_t *io, struct pollfd *descriptors, unsigned int count, unsigned short *events) {
  struct card *card = io->private_data;
  uint64_t expirations;
  (void)count;
  *events = 0;
  if (descriptors[0].revents == 0) return 0;
  if (read(card->timer, &expirations, sizeof expirations) < 0) return 0;
  if (card->panel->gone) *events = POLLERR;
  else *events = io->stream == SND_PCM_STREAM_PLAYBACK ? POLLOUT : POLLIN;
  return 0;
}

static int card_close(snd_pcm_ioplug_t *io) {
  struct card *card = io->private_data;
  card->panel->closes++;
  close(card->timer);
  if (card->record >= 0) close(card->record);
  munmap((void *)card->panel, 4096);
  free(card);
  return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = card_start,
    .stop = card_stop,
    .pointer = card_pointer,
    .transfer = card_transfer,
    .close = card_close,
    .prepare = card_prepare,
    .resume = card_resume,
    .poll_revents = card_revents,
};

static int constrain(struct card *card) {
  snd_pcm_ioplug_t *io = &card->io;
  unsigned int access = card->panel->access, format = card->panel->format;
  unsigned int rate = card->panel->rate, channels = card->panel->channels;
  unsigned int frame = channels * snd_pcm_format_physical_width(format) / 8;
  int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, &access);
  if (error >= 0) error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, &format);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, channels, channels);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate, rate);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64 * frame, 4096 * frame);
  if (error >= 0) error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 128 * frame, 16384 * frame);
  return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(softcard) {
  const char *panel = NULL, *record = NULL;
  snd_config_iterator_t at, next;
  (void)root;
  snd_config_for_each(at, next, conf) {
    snd_config_t *entry = snd_config_iterator_entry(at);
    const char *key;
    if (snd_config_get_id(entry, &key) < 0) continue;
    if (strcmp(key, "panel") == 0) snd_config_get_string(entry, &panel);
    if (strcmp(key, "record") == 0) snd_config_get_string(entry, &record);
  }
  if (!panel) return -EINVAL;
  int file = open(panel, O_RDWR | O_CLOEXEC);
  if (file < 0) return -errno;
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (page == MAP_FAILED) return -errno;
  struct card *card = calloc(1, sizeof *card);
  card->panel = page;
  if (card->panel->gone) {
    munmap(page, 4096);
    free(card);
    return -ENODEV;
  }
  card->panel->opens++;
  card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  card->record = record ? open(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  card->io.version = SND_PCM_IOPLUG_VERSION;
  card->io.name = "soft card";
  card->io.poll_fd = card->timer;
  card->io.poll_events = POLLIN;
  card->io.callback = &callbacks;
  card->io.private_data = card;
  int error = snd_pcm_ioplug_create(&card->io, name, stream, mode);
  if (error < 0) return error;
  error = constrain(card);
  if (error < 0) {
    snd_pcm_ioplug_delete(&card->io);
    return error;
  }
  *pcmp = card->io.pcm;
  return 0;
}
SND_PCM_PLUGIN_SYMBOL(softcard);
