#define _GNU_SOURCE
#include "cpeers.h"

#include <dlfcn.h>
#include <lv2/atom/atom.h>
#include <lv2/core/lv2.h>
#include <lv2/urid/urid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most_ports = 256, most_words = 256, queue_bytes = 1 << 16 };

struct cpeers_plugin {
  void *library;
  const LV2_Descriptor *descriptor;
  LV2_Handle handle;
  int count;
  char symbols[most_ports][32];
  float values[most_ports];
  /// The ports of sound, in order: left and right in, left and right out.
  int sounds[4];
  LV2_Atom_Sequence *queue_in;
  LV2_Atom_Sequence *queue_out;
  float *out[2];
};

static char *words[most_words];
static unsigned word_count;

static LV2_URID number(LV2_URID_Map_Handle handle, const char *uri) {
  (void)handle;
  for (unsigned index = 0; index < word_count; index++) {
    if (!strcmp(words[index], uri)) return index + 1;
  }
  if (word_count == most_words) return 0;
  words[word_count] = strdup(uri);
  return ++word_count;
}

static char *whole(const char *path) {
  FILE *file = fopen(path, "re");
  if (!file) return NULL;
  char *text = calloc(1, 1 << 20);
  if (text && fread(text, 1, (1 << 20) - 1, file) == 0) text[0] = 0;
  fclose(file);
  return text;
}

/// Reads the ports from a bundle's own file, one `[ a … lv2:index N … ]` each, and connects them.
static bool connect_ports(cpeers_plugin *plugin, char *text) {
  int sounds = 0;
  for (char *port = strstr(text, "lv2:index"); port;) {
    char *next = strstr(port + 1, "lv2:index");
    char *kind = port;
    while (kind > text && *kind != '[') kind--;
    int index = atoi(port + strlen("lv2:index"));
    if (index < 0 || index >= most_ports) return false;
    if (index >= plugin->count) plugin->count = index + 1;
    char *end = next ? next : port + strlen(port);
    char *symbol = memmem(port, (size_t)(end - port), "lv2:symbol \"", 12);
    if (symbol) sscanf(symbol + 12, "%31[^\"]", plugin->symbols[index]);
    char *initial = memmem(port, (size_t)(end - port), "lv2:default ", 12);
    if (initial) plugin->values[index] = strtof(initial + 12, NULL);
    size_t length = (size_t)(port - kind);
    void *where = &plugin->values[index];
    if (memmem(kind, length, "lv2:AudioPort", 13)) {
      if (sounds < 4) plugin->sounds[sounds++] = index;
      where = NULL;
    } else if (memmem(kind, length, "atom:AtomPort", 13)) {
      where = memmem(kind, length, "lv2:InputPort", 13) ? plugin->queue_in : plugin->queue_out;
    }
    if (where) plugin->descriptor->connect_port(plugin->handle, (uint32_t)index, where);
    port = next;
  }
  return sounds == 4;
}

cpeers_plugin *cpeers_plugin_open(const char *bundle, const char *library, const char *uri, const char *name, int frames) {
  cpeers_plugin *plugin = calloc(1, sizeof *plugin);
  char path[512], wanted[512], folder[512];
  snprintf(path, sizeof path, "%s/%s", bundle, library);
  snprintf(wanted, sizeof wanted, "%s%s", uri, name);
  snprintf(folder, sizeof folder, "%s/", bundle);
  plugin->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  LV2_Descriptor_Function descriptor = NULL;
  if (plugin->library) *(void **)&descriptor = dlsym(plugin->library, "lv2_descriptor");
  for (uint32_t index = 0; descriptor; index++) {
    const LV2_Descriptor *candidate = descriptor(index);
    if (!candidate) break;
    if (!strcmp(candidate->URI, wanted)) plugin->descriptor = candidate;
  }
  snprintf(path, sizeof path, "%s/%s.ttl", bundle, name);
  char *text = whole(path);
  static LV2_URID_Map map = {NULL, number};
  static const LV2_Feature feature = {LV2_URID__map, &map};
  static const LV2_Feature *const features[] = {&feature, NULL};
  if (plugin->descriptor && text) plugin->handle = plugin->descriptor->instantiate(plugin->descriptor, 48000, folder, features);
  plugin->queue_in = calloc(1, queue_bytes);
  plugin->queue_out = calloc(1, queue_bytes);
  for (int side = 0; side < 2; side++) plugin->out[side] = calloc((size_t)frames, sizeof(float));
  bool ready = plugin->handle && connect_ports(plugin, text);
  free(text);
  if (!ready) {
    cpeers_plugin_close(plugin);
    return NULL;
  }
  plugin->descriptor->activate(plugin->handle);
  return plugin;
}

bool cpeers_plugin_set(cpeers_plugin *plugin, const char *symbol, float value) {
  for (int index = 0; index < plugin->count; index++) {
    if (strcmp(plugin->symbols[index], symbol)) continue;
    plugin->values[index] = value;
    return true;
  }
  return false;
}

float cpeers_plugin_get(cpeers_plugin *plugin, const char *symbol) {
  for (int index = 0; index < plugin->count; index++) {
    if (!strcmp(plugin->symbols[index], symbol)) return plugin->values[index];
  }
  return 0;
}

void cpeers_plugin_run(cpeers_plugin *plugin, float *left, float *right, int frames) {
  float *const ends[4] = {left, right, plugin->out[0], plugin->out[1]};
  for (int end = 0; end < 4; end++) {
    plugin->descriptor->connect_port(plugin->handle, (uint32_t)plugin->sounds[end], ends[end]);
  }
  plugin->queue_in->atom.size = sizeof(LV2_Atom_Sequence_Body);
  plugin->queue_in->atom.type = number(NULL, LV2_ATOM__Sequence);
  plugin->queue_out->atom.size = queue_bytes - sizeof(LV2_Atom);
  plugin->queue_out->atom.type = number(NULL, LV2_ATOM__Chunk);
  plugin->descriptor->run(plugin->handle, (uint32_t)frames);
  memcpy(left, plugin->out[0], (size_t)frames * sizeof(float));
  memcpy(right, plugin->out[1], (size_t)frames * sizeof(float));
}

void cpeers_plugin_close(cpeers_plugin *plugin) {
  if (!plugin) return;
  if (plugin->handle) {
    if (plugin->descriptor->deactivate) plugin->descriptor->deactivate(plugin->handle);
    plugin->descriptor->cleanup(plugin->handle);
  }
  if (plugin->library) dlclose(plugin->library);
  for (int side = 0; side < 2; side++) free(plugin->out[side]);
  free(plugin->queue_in);
  free(plugin->queue_out);
  free(plugin);
}
