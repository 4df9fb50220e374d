#include "cpeers.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cpeers_filter {
  AVFilterGraph *graph;
  AVFilterContext *source;
  AVFilterContext *sink;
  AVFrame *frame;
  AVFrame *made;
  int frames;
  int64_t position;
};

cpeers_filter *cpeers_filter_open(const char *chain, int frames) {
  av_log_set_level(AV_LOG_ERROR);
  cpeers_filter *filter = calloc(1, sizeof *filter);
  filter->frames = frames;
  filter->graph = avfilter_graph_alloc();
  filter->graph->nb_threads = 1;
  filter->frame = av_frame_alloc();
  filter->made = av_frame_alloc();
  char text[1024];
  snprintf(text, sizeof text,
           "abuffer@in=time_base=1/48000:sample_rate=48000:sample_fmt=flt:channel_layout=stereo,%s,"
           "aformat=sample_fmts=flt:sample_rates=48000:channel_layouts=stereo,abuffersink@out",
           chain);
  AVFilterInOut *inputs = NULL, *outputs = NULL;
  int status = avfilter_graph_parse2(filter->graph, text, &inputs, &outputs);
  avfilter_inout_free(&inputs);
  avfilter_inout_free(&outputs);
  if (status >= 0) status = avfilter_graph_config(filter->graph, NULL);
  if (status >= 0) {
    filter->source = avfilter_graph_get_filter(filter->graph, "abuffer@in");
    filter->sink = avfilter_graph_get_filter(filter->graph, "abuffersink@out");
  }
  if (status < 0 || !filter->source || !filter->sink) {
    cpeers_filter_close(filter);
    return NULL;
  }
  return filter;
}

int cpeers_filter_run(cpeers_filter *filter, const float *in, float *out, int room) {
  AVFrame *frame = filter->frame;
  frame->format = AV_SAMPLE_FMT_FLT;
  frame->sample_rate = 48000;
  frame->nb_samples = filter->frames;
  frame->pts = filter->position;
  av_channel_layout_default(&frame->ch_layout, 2);
  if (av_frame_get_buffer(frame, 0) < 0) return -1;
  memcpy(frame->data[0], in, (size_t)filter->frames * 2 * sizeof(float));
  filter->position += filter->frames;
  if (av_buffersrc_add_frame(filter->source, frame) < 0) return -1;
  int done = 0;
  while (av_buffersink_get_frame(filter->sink, filter->made) >= 0) {
    int count = filter->made->nb_samples < room - done ? filter->made->nb_samples : room - done;
    memcpy(out + 2 * done, filter->made->data[0], (size_t)count * 2 * sizeof(float));
    done += count;
    av_frame_unref(filter->made);
  }
  return done;
}

void cpeers_filter_close(cpeers_filter *filter) {
  if (!filter) return;
  avfilter_graph_free(&filter->graph);
  av_frame_free(&filter->frame);
  av_frame_free(&filter->made);
  free(filter);
}
