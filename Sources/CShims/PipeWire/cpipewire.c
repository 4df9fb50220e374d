#include "cpipewire.h"

#include <spa/debug/types.h>
#include <spa/param/audio/type-info.h>
#include <spa/param/props.h>
#include <spa/pod/builder.h>
#include <spa/utils/result.h>

int cpw_capture_begin(struct pw_stream *stream, struct cpw_block *block, uint32_t channels) {
  block->buffer = pw_stream_dequeue_buffer(stream);
  if (!block->buffer) return 0;
  block->frames = 0;
  block->channels = channels;
  if (block->buffer->buffer->n_datas < 1) return 1;
  struct spa_data *d = &block->buffer->buffer->datas[0];
  if (!d->data) return 1;
  uint32_t offset = SPA_MIN(d->chunk->offset, d->maxsize);
  uint32_t size = SPA_MIN(d->chunk->size, d->maxsize - offset);
  for (uint32_t i = 0; i < channels && i < 16; i++) block->planes[i] = SPA_PTROFF(d->data, offset, float) + i;
  block->frames = size / (uint32_t)(sizeof(float) * channels);
  return 1;
}

int cpw_playback_begin(struct pw_stream *stream, struct cpw_block *block) {
  block->buffer = pw_stream_dequeue_buffer(stream);
  if (!block->buffer) return 0;
  block->channels = SPA_MIN(block->buffer->buffer->n_datas, 8u);
  uint32_t frames = block->buffer->requested ? (uint32_t)block->buffer->requested : UINT32_MAX;
  for (uint32_t i = 0; i < block->channels; i++) {
    struct spa_data *d = &block->buffer->buffer->datas[i];
    block->planes[i] = d->data;
    frames = SPA_MIN(frames, d->data ? d->maxsize / (uint32_t)sizeof(float) : 0);
  }
  block->frames = block->channels ? frames : 0;
  return 1;
}

void cpw_capture_end(struct pw_stream *stream, struct cpw_block *block) {
  pw_stream_queue_buffer(stream, block->buffer);
}

void cpw_playback_end(struct pw_stream *stream, struct cpw_block *block) {
  for (uint32_t i = 0; i < block->channels; i++) {
    struct spa_data *d = &block->buffer->buffer->datas[i];
    d->chunk->offset = 0;
    d->chunk->stride = sizeof(float);
    d->chunk->size = block->frames * (uint32_t)sizeof(float);
  }
  pw_stream_queue_buffer(stream, block->buffer);
}

void cpw_stream_clock(struct pw_stream *stream, int64_t *now_ns, uint64_t *ticks, uint32_t *rate) {
  struct pw_time time;
  *rate = 0;
  if (pw_stream_get_time_n(stream, &time, sizeof time) < 0) return;
  *now_ns = time.now;
  *ticks = time.ticks;
  *rate = time.rate.num ? time.rate.denom / time.rate.num : 0;
}

struct pw_context *cpw_context_new(struct pw_loop *loop) {
  // Only this configuration loads the module that makes the data thread real-time.
  return pw_context_new(loop, pw_properties_new(PW_KEY_CONFIG_NAME, "client-rt.conf", NULL), 0);
}

struct pw_core *cpw_connect(struct pw_context *context, const char *remote) {
  struct pw_properties *properties = pw_properties_new(PW_KEY_APP_NAME, "streamd", NULL);
  if (remote && remote[0]) pw_properties_set(properties, PW_KEY_REMOTE_NAME, remote);
  return pw_context_connect(context, properties, 0);
}

void cpw_core_listen(struct pw_core *core, struct spa_hook *hook, const struct pw_core_events *events, void *data) {
  pw_core_add_listener(core, hook, events, data);
}

int cpw_core_sync(struct pw_core *core, int sequence) { return pw_core_sync(core, PW_ID_CORE, sequence); }

struct pw_registry *cpw_core_registry(struct pw_core *core) {
  return pw_core_get_registry(core, PW_VERSION_REGISTRY, 0);
}

void cpw_registry_listen(struct pw_registry *registry, struct spa_hook *hook, const struct pw_registry_events *events,
                         void *data) {
  pw_registry_add_listener(registry, hook, events, data);
}

void cpw_registry_destroy(struct pw_registry *registry, uint32_t id) { pw_registry_destroy(registry, id); }

struct pw_metadata *cpw_registry_bind_metadata(struct pw_registry *registry, uint32_t id) {
  return pw_registry_bind(registry, id, PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA, 0);
}

void cpw_metadata_listen(struct pw_metadata *metadata, struct spa_hook *hook, const struct pw_metadata_events *events,
                         void *data) {
  pw_metadata_add_listener(metadata, hook, events, data);
}

int cpw_metadata_set(struct pw_metadata *metadata, const char *key, const char *value) {
  return pw_metadata_set_property(metadata, 0, key, value ? "Spa:String:JSON" : NULL, value);
}

int cpw_metadata_set_of(struct pw_metadata *metadata, uint32_t subject, const char *key, const char *type,
                        const char *value) {
  return pw_metadata_set_property(metadata, subject, key, value ? type : NULL, value);
}

uint32_t cpw_core_cookie(const struct pw_core_info *info) { return info->cookie; }

struct pw_proxy *cpw_registry_bind_node(struct pw_registry *registry, uint32_t id) {
  return pw_registry_bind(registry, id, PW_TYPE_INTERFACE_Node, PW_VERSION_NODE, 0);
}

struct pw_proxy *cpw_registry_bind_client(struct pw_registry *registry, uint32_t id) {
  return pw_registry_bind(registry, id, PW_TYPE_INTERFACE_Client, PW_VERSION_CLIENT, 0);
}

void cpw_node_listen(struct pw_proxy *node, struct spa_hook *hook, const struct pw_node_events *events, void *data) {
  pw_node_add_listener((struct pw_node *)node, hook, events, data);
}

void cpw_client_listen(struct pw_proxy *client, struct spa_hook *hook, const struct pw_client_events *events,
                       void *data) {
  pw_client_add_listener((struct pw_client *)client, hook, events, data);
}

void cpw_node_subscribe(struct pw_proxy *node, uint32_t parameter) {
  pw_node_subscribe_params((struct pw_node *)node, &parameter, 1);
}

int cpw_node_set_volumes(struct pw_proxy *node, const float *volumes, uint32_t count) {
  uint8_t bytes[1024];
  struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(bytes, sizeof bytes);
  struct spa_pod *props = spa_pod_builder_add_object(
      &builder, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props, SPA_PROP_channelVolumes,
      SPA_POD_Array(sizeof(float), SPA_TYPE_Float, SPA_MIN(count, SPA_AUDIO_MAX_CHANNELS), volumes));
  return props ? pw_node_set_param((struct pw_node *)node, SPA_PARAM_Props, 0, props) : -ENOSPC;
}

int cpw_read_volumes(const struct spa_pod *props, float *volumes, uint32_t room) {
  if (!spa_pod_is_object(props)) return -1;
  const struct spa_pod_prop *found = spa_pod_find_prop(props, NULL, SPA_PROP_channelVolumes);
  return found ? (int)spa_pod_copy_array(&found->value, SPA_TYPE_Float, volumes, room) : -1;
}

int cpw_read_mute(const struct spa_pod *props) {
  bool muted;
  if (!spa_pod_is_object(props)) return -1;
  const struct spa_pod_prop *found = spa_pod_find_prop(props, NULL, SPA_PROP_mute);
  return found && spa_pod_get_bool(&found->value, &muted) == 0 ? muted : -1;
}

uint32_t cpw_read_rate(const struct spa_pod *format) {
  int32_t rate;
  if (!spa_pod_is_object(format)) return 0;
  const struct spa_pod_prop *found = spa_pod_find_prop(format, NULL, SPA_FORMAT_AUDIO_rate);
  return found && spa_pod_get_int(&found->value, &rate) == 0 && rate > 0 ? (uint32_t)rate : 0;
}

struct pw_proxy *cpw_registry_bind_device(struct pw_registry *registry, uint32_t id) {
  return pw_registry_bind(registry, id, PW_TYPE_INTERFACE_Device, PW_VERSION_DEVICE, 0);
}

void cpw_device_listen(struct pw_proxy *device, struct spa_hook *hook, const struct pw_device_events *events, void *data) {
  pw_device_add_listener((struct pw_device *)device, hook, events, data);
}

/// The alternatives of a property, the default of a choice left out: it comes again among them.
static uint32_t alternatives(const struct spa_pod *format, uint32_t key, uint32_t type, uint32_t *values, uint32_t room,
                             uint32_t *choice) {
  const struct spa_pod_prop *found = spa_pod_find_prop(format, NULL, key);
  if (!found) return 0;
  uint32_t count = 0;
  const struct spa_pod *value = spa_pod_get_values(&found->value, &count, choice);
  if (!value || value->type != type || value->size != sizeof(uint32_t)) return 0;
  const uint32_t *all = SPA_POD_BODY_CONST(value);
  uint32_t from = *choice != SPA_CHOICE_None && count > 1 ? 1 : 0, made = 0;
  for (uint32_t i = from; i < count && made < room; i++) values[made++] = all[i];
  return made;
}

bool cpw_read_offer(const struct spa_pod *format, struct cpw_offer *offer) {
  uint32_t media_type = 0, media_subtype = 0, choice = SPA_CHOICE_None;
  memset(offer, 0, sizeof *offer);
  if (!spa_pod_is_object(format) || spa_format_parse(format, &media_type, &media_subtype) < 0) return false;
  if (media_type != SPA_MEDIA_TYPE_audio || media_subtype != SPA_MEDIA_SUBTYPE_raw) return false;
  offer->rate_count = alternatives(format, SPA_FORMAT_AUDIO_rate, SPA_TYPE_Int, offer->rates, 16, &choice);
  if ((choice == SPA_CHOICE_Range || choice == SPA_CHOICE_Step) && offer->rate_count >= 2) {
    offer->lowest_rate = offer->rates[0], offer->highest_rate = offer->rates[1];
    offer->rate_count = 0;
  }
  choice = SPA_CHOICE_None;
  offer->format_count = alternatives(format, SPA_FORMAT_AUDIO_format, SPA_TYPE_Id, offer->formats, 32, &choice);
  return true;
}

const char *cpw_format_name(uint32_t format) {
  const char *name = spa_debug_type_find_short_name(spa_type_audio_format, format);
  return name ? name : "";
}

struct pw_proxy *cpw_create_link(struct pw_core *core, uint32_t output_node, uint32_t output_port, uint32_t input_node,
                                 uint32_t input_port, bool passive) {
  struct pw_properties *p = pw_properties_new(NULL, NULL);
  pw_properties_setf(p, PW_KEY_LINK_OUTPUT_NODE, "%u", output_node);
  pw_properties_setf(p, PW_KEY_LINK_OUTPUT_PORT, "%u", output_port);
  pw_properties_setf(p, PW_KEY_LINK_INPUT_NODE, "%u", input_node);
  pw_properties_setf(p, PW_KEY_LINK_INPUT_PORT, "%u", input_port);
  if (passive) pw_properties_set(p, PW_KEY_LINK_PASSIVE, "true");
  struct pw_proxy *proxy =
      pw_core_create_object(core, "link-factory", PW_TYPE_INTERFACE_Link, PW_VERSION_LINK, &p->dict, 0);
  pw_properties_free(p);
  return proxy;
}

void cpw_link_listen(struct pw_proxy *link, struct spa_hook *hook, const struct pw_link_events *events, void *data) {
  pw_link_add_listener((struct pw_link *)link, hook, events, data);
}

void cpw_hook_remove(struct spa_hook *hook) {
  if (hook->link.next) spa_hook_remove(hook);
  spa_zero(*hook);
}

struct spa_source *cpw_timer_new(struct pw_loop *loop, void (*expired)(void *data, uint64_t count), void *data) {
  return pw_loop_add_timer(loop, expired, data);
}

void cpw_timer_arm(struct pw_loop *loop, struct spa_source *timer, int64_t delay_ns) {
  if (delay_ns < 0) {
    pw_loop_update_timer(loop, timer, NULL, NULL, false);
    return;
  }
  if (delay_ns == 0) delay_ns = 1;
  struct timespec value = {.tv_sec = delay_ns / 1000000000, .tv_nsec = delay_ns % 1000000000};
  pw_loop_update_timer(loop, timer, &value, NULL, false);
}

int cpw_stream_connect(struct pw_stream *stream, int is_output, uint32_t target_id, uint32_t flags, uint32_t rate,
                       uint32_t channels, const uint32_t *positions) {
  uint8_t bytes[1024];
  struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(bytes, sizeof bytes);
  struct spa_audio_info_raw info = {.format = is_output ? SPA_AUDIO_FORMAT_F32P : SPA_AUDIO_FORMAT_F32, .rate = rate, .channels = channels};
  for (uint32_t i = 0; i < channels && i < SPA_AUDIO_MAX_CHANNELS; i++) info.position[i] = positions[i];
  const struct spa_pod *formats[1] = {spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &info)};
  return pw_stream_connect(stream, is_output ? PW_DIRECTION_OUTPUT : PW_DIRECTION_INPUT, target_id, flags, formats, 1);
}

void cpw_stream_hold_level(struct pw_stream *stream, uint32_t channels) {
  float unity[8] = {1, 1, 1, 1, 1, 1, 1, 1}, audible = 0;
  pw_stream_set_control(stream, SPA_PROP_softVolumes, SPA_MIN(channels, 8u), unity, SPA_PROP_softMute, 1, &audible,
                        SPA_PROP_volume, 1, unity, 0);
}
