// A microphone of PipeWire whose samples say when they were due: each is the number of its frame since the machine began, a share
// of 2^23. `clocked NAME`, until it is killed. The number is when the graph's cycle began, by the monotonic clock.
#include <math.h>
#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>
#include <stdint.h>

enum { RATE = 48000, CHANNELS = 2 };

struct microphone {
  struct pw_stream *stream;
};

static void process(void *data) {
  struct microphone *own = data;
  struct pw_time time;
  struct pw_buffer *buffer = pw_stream_dequeue_buffer(own->stream);
  if (!buffer) return;
  struct spa_data *plane = &buffer->buffer->datas[0];
  float *samples = plane->data;
  uint32_t frames = plane->maxsize / (sizeof(float) * CHANNELS);
  if (buffer->requested && buffer->requested < frames) frames = buffer->requested;
  if (pw_stream_get_time_n(own->stream, &time, sizeof time) < 0 || time.rate.denom == 0) frames = 0;
  int64_t first = llrint(time.now * 1e-9 * RATE);
  for (uint32_t frame = 0; frame < frames; frame++) {
    float value = (float)((first + frame) & 0x7fffff) / 0x800000;
    for (int channel = 0; channel < CHANNELS; channel++) samples[frame * CHANNELS + channel] = value;
  }
  plane->chunk->offset = 0;
  plane->chunk->stride = sizeof(float) * CHANNELS;
  plane->chunk->size = frames * sizeof(float) * CHANNELS;
  pw_stream_queue_buffer(own->stream, buffer);
}

static const struct pw_stream_events events = {PW_VERSION_STREAM_EVENTS, .process = process};

int main(int count, char **words) {
  if (count != 2) return 2;
  pw_init(NULL, NULL);
  struct microphone own = {0};
  struct pw_main_loop *loop = pw_main_loop_new(NULL);
  own.stream = pw_stream_new_simple(
      pw_main_loop_get_loop(loop), words[1],
      pw_properties_new(PW_KEY_MEDIA_CLASS, "Audio/Source", PW_KEY_NODE_NAME, words[1], PW_KEY_NODE_RATE, "1/48000",
                        NULL),
      &events, &own);
  uint8_t room[1024];
  struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(room, sizeof room);
  struct spa_audio_info_raw sound = {.format = SPA_AUDIO_FORMAT_F32, .rate = RATE, .channels = CHANNELS,
                                     .position = {SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR}};
  const struct spa_pod *format = spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &sound);
  if (pw_stream_connect(own.stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
                        PW_STREAM_FLAG_MAP_BUFFERS | PW_STREAM_FLAG_RT_PROCESS, &format, 1) < 0)
    return 1;
  pw_main_loop_run(loop);
  return 0;
}
