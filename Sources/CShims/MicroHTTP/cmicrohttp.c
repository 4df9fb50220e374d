#include "cmicrohttp.h"

struct MHD_Daemon *cmicrohttp_start(const struct cmicrohttp_terms *terms) {
  const unsigned int secure = terms->certificate ? MHD_USE_TLS : 0;
  struct MHD_OptionItem more[] = {
      {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)terms->certificate},
      {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)terms->key},
      {MHD_OPTION_END, 0, NULL},
  };
  if (!terms->certificate) more[0] = more[2];
  return MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | secure, 0, NULL, NULL, terms->handler, terms->owner,
      MHD_OPTION_LISTEN_SOCKET, (MHD_socket)terms->listener,                    //
      MHD_OPTION_CONNECTION_LIMIT, terms->connections,                          //
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, terms->connections_per_address,       //
      MHD_OPTION_CONNECTION_TIMEOUT, terms->timeout_seconds,                    //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, terms->header_bytes,                  //
      MHD_OPTION_NOTIFY_COMPLETED, terms->completed, terms->owner,              //
      MHD_OPTION_NOTIFY_CONNECTION, terms->connection, terms->owner,            //
      MHD_OPTION_STRICT_FOR_CLIENT, 1,                                          //
      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,                                     //
      MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

int cmicrohttp_epoll(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

int cmicrohttp_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}
