#pragma once

/// Stereo from `count` stereo inputs: copies what the driver brings, sums the inputs with their gains, and adds the sum to
/// what the driver is given.
void cmix_stereo(const float *const driver[2], float *const copy[2], const float gains[], int count, float *const out[2],
                 int frames);
/// One gain after the other over two channels.
void cmix_gains(float *const channels[2], const float gains[], int count, int frames);

/// Processors of sound as a book has them. Each works on `channels` planes in place.

/// The standard's interpolator (ITU-R BS.1770, annex 2) on each channel, and a gain that follows the loudest point at once
/// and falls back exponentially; no look-ahead. `past` keeps 11 samples of each channel, `state` one number.
void cmix_limiter(float *const planes[], int channels, int frames, float *past, float *state);
/// A feed-forward compressor in decibels, all channels linked. `state` is one number.
void cmix_compressor(float *const planes[], int channels, int frames, float *state);
/// Second-order sections, one after the other: five coefficients each, two numbers of state for each section and channel.
void cmix_biquads(float *const planes[], int channels, int frames, const double *sections, int count, double *state);
