#pragma once
#include <stdbool.h>

/// Other people's processors of stereo sound, each behind the same three calls. What is not installed is NULL.

/// A chain of filters as ffmpeg writes it, at 48 kHz, fed with blocks of so many frames.
typedef struct cpeers_filter cpeers_filter;
cpeers_filter *cpeers_filter_open(const char *chain, int frames);
/// Takes a block, interleaved, and puts what the chain has ready into `out`, at most `room` frames; how many those are, below
/// zero for an error.
int cpeers_filter_run(cpeers_filter *filter, const float *in, float *out, int room);
void cpeers_filter_close(cpeers_filter *filter);

/// An LV2 plugin of `bundle`: `library` is its shared object, `name` both its Turtle file and the end of its URI. Its control
/// ports begin with their defaults.
typedef struct cpeers_plugin cpeers_plugin;
cpeers_plugin *cpeers_plugin_open(const char *bundle, const char *library, const char *uri, const char *name, int frames);
/// A control port by its symbol; false if there is none.
bool cpeers_plugin_set(cpeers_plugin *plugin, const char *symbol, float value);
float cpeers_plugin_get(cpeers_plugin *plugin, const char *symbol);
/// One block in place, at most as long as it was opened for.
void cpeers_plugin_run(cpeers_plugin *plugin, float *left, float *right, int frames);
void cpeers_plugin_close(cpeers_plugin *plugin);
