#include "cmix.h"
#include <math.h>

void cmix_stereo(const float *const driver[2], float *const copy[2], const float gains[], int count, float *const out[2],
                 int frames) {
  for (int channel = 0; channel < 2; channel++) {
    const float *restrict from = driver[channel];
    float *restrict to = copy[channel];
    for (int frame = 0; frame < frames; frame++) to[frame] = from[frame];
    float sum[8192];
    for (int frame = 0; frame < frames; frame++) sum[frame] = to[frame] * gains[0];
    for (int input = 1; input < count; input++) {
      const float gain = gains[input];
      for (int frame = 0; frame < frames; frame++) sum[frame] += to[frame] * gain;
    }
    float *restrict given = out[channel];
    for (int frame = 0; frame < frames; frame++) given[frame] += sum[frame];
  }
}

void cmix_gains(float *const channels[2], const float gains[], int count, int frames) {
  for (int node = 0; node < count; node++)
    for (int channel = 0; channel < 2; channel++) {
      float *restrict samples = channels[channel];
      for (int frame = 0; frame < frames; frame++) samples[frame] *= gains[node];
    }
}

static const float phases[4][12] = {
    {0.0017089843750f, 0.0109863281250f, -0.0196533203125f, 0.0332031250000f, -0.0594482421875f, 0.1373291015625f,
     0.9721679687500f, -0.1022949218750f, 0.0476074218750f, -0.0266113281250f, 0.0148925781250f, -0.0083007812500f},
    {-0.0291748046875f, 0.0292968750000f, -0.0517578125000f, 0.0891113281250f, -0.1665039062500f, 0.4650878906250f,
     0.7797851562500f, -0.2003173828125f, 0.1015625000000f, -0.0582275390625f, 0.0330810546875f, -0.0189208984375f},
    {-0.0189208984375f, 0.0330810546875f, -0.0582275390625f, 0.1015625000000f, -0.2003173828125f, 0.7797851562500f,
     0.4650878906250f, -0.1665039062500f, 0.0891113281250f, -0.0517578125000f, 0.0292968750000f, -0.0291748046875f},
    {-0.0083007812500f, 0.0148925781250f, -0.0266113281250f, 0.0476074218750f, -0.1022949218750f, 0.9721679687500f,
     0.1373291015625f, -0.0594482421875f, 0.0332031250000f, -0.0196533203125f, 0.0109863281250f, 0.0017089843750f},
};

void cmix_limiter(float *const planes[], int channels, int frames, float *past, float *state) {
  float peaks[8192], window[8192 + 11];
  for (int frame = 0; frame < frames; frame++) peaks[frame] = 0;
  for (int channel = 0; channel < channels; channel++) {
    for (int tap = 0; tap < 11; tap++) window[tap] = past[11 * channel + tap];
    for (int frame = 0; frame < frames; frame++) window[11 + frame] = planes[channel][frame];
    for (int tap = 0; tap < 11; tap++) past[11 * channel + tap] = window[frames + tap];
    for (int phase = 0; phase < 4; phase++) {
      const float *restrict h = phases[phase];
      for (int frame = 0; frame < frames; frame++) {
        float sum = 0;
        for (int tap = 0; tap < 12; tap++) sum += h[tap] * window[frame + tap];
        sum = sum < 0 ? -sum : sum;
        peaks[frame] = sum > peaks[frame] ? sum : peaks[frame];
      }
    }
  }
  float gain = *state;
  for (int frame = 0; frame < frames; frame++) {
    const float wanted = peaks[frame] > 0.891f ? 0.891f / peaks[frame] : 1;
    gain = wanted < gain ? wanted : gain + 0.0003f * (wanted - gain);
    for (int channel = 0; channel < channels; channel++) planes[channel][frame] *= gain;
  }
  *state = gain;
}

void cmix_compressor(float *const planes[], int channels, int frames, float *state) {
  float reduction = *state;
  for (int frame = 0; frame < frames; frame++) {
    float level = 1e-12f;
    for (int channel = 0; channel < channels; channel++) {
      const float size = fabsf(planes[channel][frame]);
      level = size > level ? size : level;
    }
    const float over = 6.0206f * log2f(level) + 24;
    const float wanted = over <= -3 ? 0 : over < 3 ? 0.6f * (over + 3) * (over + 3) / 12 : 0.6f * over;
    reduction += (wanted > reduction ? 0.00208f : 0.000208f) * (wanted - reduction);
    const float gain = exp2f(reduction * -0.16609640f);
    for (int channel = 0; channel < channels; channel++) planes[channel][frame] *= gain;
  }
  *state = reduction;
}

void cmix_biquads(float *const planes[], int channels, int frames, const double *sections, int count, double *state) {
  for (int channel = 0; channel < channels; channel++)
    for (int section = 0; section < count; section++) {
      const double *c = sections + 5 * section;
      double *s = state + 2 * (count * channel + section);
      double s1 = s[0], s2 = s[1];
      for (int frame = 0; frame < frames; frame++) {
        const double x = planes[channel][frame], y = c[0] * x + s1;
        s1 = c[1] * x - c[3] * y + s2;
        s2 = c[2] * x - c[4] * y;
        planes[channel][frame] = (float)y;
      }
      s[0] = s1, s[1] = s2;
    }
}
