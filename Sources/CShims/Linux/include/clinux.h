#ifndef STREAMD_CLINUX_H
#define STREAMD_CLINUX_H
#include "clinux_render.h"
#include "clinux_system.h"
#include "clinux_sections.h"
#include "clinux_datagram.h"
#include "clinux_batch.h"
#include "clinux_memory.h"
#endif
