/// Link-time catalogs: records that files place in a named section, walked between the linker's start and stop symbols.
#ifndef STREAMD_CLINUX_SECTIONS_H
#define STREAMD_CLINUX_SECTIONS_H
#include <stddef.h>

/// Start and length in bytes of the section of control verbs. A binary without verbs has an empty one.
const void *clinux_verb_section(size_t *bytes);

/// The same of the graph's node kinds.
const void *clinux_node_section(size_t *bytes);
#endif
