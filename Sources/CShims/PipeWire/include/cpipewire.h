/// PipeWire and SPA calls that are macros or variadic, and the calls render code makes on a stream.
#ifndef STREAMD_CPIPEWIRE_H
#define STREAMD_CPIPEWIRE_H
#include <pipewire/pipewire.h>
#include <pipewire/extensions/metadata.h>
#include <spa/param/audio/format-utils.h>

#include "clinux_render.h"

/// One buffer of a stream, as render code needs it.
struct cpw_block {
  struct pw_buffer *buffer;
  uint32_t channels;
  /// Frames that may be read, or that are asked for.
  uint32_t frames;
  /// First sample of each channel. Captured channels lie interleaved, played ones apart.
  float *planes[16];
};

// Render: dequeues, looks inside with every offset and size checked, and gives back.
RENDER_SAFE int cpw_capture_begin(struct pw_stream *stream, struct cpw_block *block, uint32_t channels);
RENDER_SAFE int cpw_playback_begin(struct pw_stream *stream, struct cpw_block *block);
RENDER_SAFE void cpw_capture_end(struct pw_stream *stream, struct cpw_block *block);
RENDER_SAFE void cpw_playback_end(struct pw_stream *stream, struct cpw_block *block);
/// Time of the cycle on CLOCK_MONOTONIC, the driver's position and its rate. Zero rate when not yet known.
RENDER_SAFE void cpw_stream_clock(struct pw_stream *stream, int64_t *now_ns, uint64_t *ticks, uint32_t *rate);

// Loop thread, or with its lock held.
struct pw_context *cpw_context_new(struct pw_loop *loop);
struct pw_core *cpw_connect(struct pw_context *context, const char *remote);
void cpw_core_listen(struct pw_core *core, struct spa_hook *hook, const struct pw_core_events *events, void *data);
int cpw_core_sync(struct pw_core *core, int sequence);
struct pw_registry *cpw_core_registry(struct pw_core *core);
void cpw_registry_listen(struct pw_registry *registry, struct spa_hook *hook, const struct pw_registry_events *events,
                         void *data);
void cpw_registry_destroy(struct pw_registry *registry, uint32_t id);
struct pw_metadata *cpw_registry_bind_metadata(struct pw_registry *registry, uint32_t id);
void cpw_metadata_listen(struct pw_metadata *metadata, struct spa_hook *hook, const struct pw_metadata_events *events,
                         void *data);
/// Sets a JSON value of subject 0, or removes it when `value` is null. Returns a negative errno where it fails at once.
int cpw_metadata_set(struct pw_metadata *metadata, const char *key, const char *value);
/// The same of any subject, with a type of its own.
int cpw_metadata_set_of(struct pw_metadata *metadata, uint32_t subject, const char *key, const char *type,
                        const char *value);
/// What a server calls itself while it runs; another after a restart.
uint32_t cpw_core_cookie(const struct pw_core_info *info);

struct pw_proxy *cpw_registry_bind_node(struct pw_registry *registry, uint32_t id);
struct pw_proxy *cpw_registry_bind_client(struct pw_registry *registry, uint32_t id);
void cpw_node_listen(struct pw_proxy *node, struct spa_hook *hook, const struct pw_node_events *events, void *data);
void cpw_client_listen(struct pw_proxy *client, struct spa_hook *hook, const struct pw_client_events *events,
                       void *data);
void cpw_node_subscribe(struct pw_proxy *node, uint32_t parameter);
/// Sets one factor a channel. Returns a negative errno where it fails at once.
int cpw_node_set_volumes(struct pw_proxy *node, const float *volumes, uint32_t count);
/// What a `Props` parameter says of volumes: how many were written to `volumes`, -1 where it says nothing of them.
int cpw_read_volumes(const struct spa_pod *props, float *volumes, uint32_t room);
/// 0 or 1, -1 where it says nothing.
int cpw_read_mute(const struct spa_pod *props);
/// The rate of a `Format` parameter, 0 where it has none.
uint32_t cpw_read_rate(const struct spa_pod *format);

struct pw_proxy *cpw_registry_bind_device(struct pw_registry *registry, uint32_t id);
void cpw_device_listen(struct pw_proxy *device, struct spa_hook *hook, const struct pw_device_events *events, void *data);
/// What an `EnumFormat` parameter offers of plain sound: single rates, or a span of them, and sample formats (SPA_AUDIO_FORMAT_*).
struct cpw_offer {
  uint32_t rates[16], rate_count, lowest_rate, highest_rate;
  uint32_t formats[32], format_count;
};
/// False where it is no plain sound.
bool cpw_read_offer(const struct spa_pod *format, struct cpw_offer *offer);
/// Such as `S16LE`; empty for what has no name.
const char *cpw_format_name(uint32_t format);

/// A passive link keeps neither of its ends awake.
struct pw_proxy *cpw_create_link(struct pw_core *core, uint32_t output_node, uint32_t output_port, uint32_t input_node,
                                 uint32_t input_port, bool passive);
void cpw_link_listen(struct pw_proxy *link, struct spa_hook *hook, const struct pw_link_events *events, void *data);
void cpw_hook_remove(struct spa_hook *hook);

struct spa_source *cpw_timer_new(struct pw_loop *loop, void (*expired)(void *data, uint64_t count), void *data);
/// One shot after `delay_ns` (at least 1), or disarmed when negative.
void cpw_timer_arm(struct pw_loop *loop, struct spa_source *timer, int64_t delay_ns);

/// Connects a stream of floats: planar towards a sink, interleaved from one (the server makes either; moving one buffer
/// instead of one per channel costs less). `positions` are SPA channel positions. Returns 0 or a negative errno.
int cpw_stream_connect(struct pw_stream *stream, int is_output, uint32_t target_id, uint32_t flags, uint32_t rate,
                       uint32_t channels, const uint32_t *positions);

/// Has a sink's converter pass samples on at unity whatever volume is shown: the gain it applies is the soft volume, the
/// volume that users set is only kept. To be called after each change of the node's properties.
void cpw_stream_hold_level(struct pw_stream *stream, uint32_t channels);
#endif
