/// Of speexdsp the noise suppressor. What bears the attribute is called by render code: speexdsp allocates when a state is
/// made and never after that, takes no lock, blocks on nothing and logs nothing there.
#ifndef STREAMD_CSPEEX_H
#define STREAMD_CSPEEX_H
#include <speex/speex_preprocess.h>
#include <stddef.h>
#include <stdint.h>

#define SPEEX_RENDER_SAFE __attribute__((swift_attr("@_noLocks")))

/// Only what suppresses noise is on; voice activity is off unless somebody asks, and to ask prints a warning. NULL where
/// there is no memory.
static inline SpeexPreprocessState *cspeex_open(int frames, int rate) {
  SpeexPreprocessState *state = speex_preprocess_state_init(frames, rate);
  spx_int32_t on = 1, off = 0;
  if (!state) return NULL;
  speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_DENOISE, &on);
  speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_AGC, &off);
  speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_DEREVERB, &off);
  return state;
}
static inline void cspeex_close(SpeexPreprocessState *state) { speex_preprocess_state_destroy(state); }

/// One frame in place; what comes out is a frame late.
SPEEX_RENDER_SAFE static inline void cspeex_run(SpeexPreprocessState *state, int16_t *frame) {
  (void)speex_preprocess_run(state, frame);
}
/// The most by which noise is turned down.
SPEEX_RENDER_SAFE static inline void cspeex_aim(SpeexPreprocessState *state, int32_t decibels) {
  spx_int32_t level = -decibels;
  speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, &level);
}
#endif
