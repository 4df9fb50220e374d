#include "cjack.h"

static void discard(const char *message) { (void)message; }

void cjack_be_quiet(void) {
  jack_set_error_function(discard);
  jack_set_info_function(discard);
}

jack_client_t *cjack_open(const char *name, const char *server, int *status) {
  jack_status_t found = 0;
  jack_client_t *client = jack_client_open(name, JackNoStartServer | JackServerName, &found, server);
  *status = (int)found;
  return client;
}
