#include "clinux_sections.h"

// The linker defines these for a section whose name is a C identifier; weak, so that a binary without one still links.
extern const char __start_streamd_verbs[] __attribute__((weak));
extern const char __stop_streamd_verbs[] __attribute__((weak));
extern const char __start_streamd_nodes[] __attribute__((weak));
extern const char __stop_streamd_nodes[] __attribute__((weak));

const void *clinux_verb_section(size_t *bytes) {
  *bytes = (size_t)(__stop_streamd_verbs - __start_streamd_verbs);
  return __start_streamd_verbs;
}

const void *clinux_node_section(size_t *bytes) {
  *bytes = (size_t)(__stop_streamd_nodes - __start_streamd_nodes);
  return __start_streamd_nodes;
}
