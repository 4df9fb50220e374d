/// libopus' control calls are variadic, which Swift cannot see: one typed function each.
#ifndef STREAMD_COPUS_H
#define STREAMD_COPUS_H
#include <opus_multistream.h>

static inline int copus_encoder_set(OpusMSEncoder *encoder, int request, opus_int32 value) {
  return opus_multistream_encoder_ctl(encoder, request, value);
}
static inline int copus_encoder_get(OpusMSEncoder *encoder, int request, opus_int32 *value) {
  return opus_multistream_encoder_ctl(encoder, request, value);
}
static inline int copus_encoder_reset(OpusMSEncoder *encoder) {
  return opus_multistream_encoder_ctl(encoder, OPUS_RESET_STATE);
}
static inline int copus_decoder_reset(OpusMSDecoder *decoder) {
  return opus_multistream_decoder_ctl(decoder, OPUS_RESET_STATE);
}
static inline int copus_decoder_get(OpusMSDecoder *decoder, int request, opus_int32 *value) {
  return opus_multistream_decoder_ctl(decoder, request, value);
}
#endif
