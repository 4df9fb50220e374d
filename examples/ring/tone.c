/*
 * Plays a tone into streamd through shared memory. Build it with `make`; it needs the C library and streamd_ring.h.
 *
 *   tone [-s SOCKET] [-f HERTZ] [-l DBFS] [-c CHANNELS] [-n FRAMES] [-t SECONDS]
 *
 * It opens a ring on the control socket, gets the memory and two event counters with the answer, and keeps the memory
 * filled. Ctrl-C ends it; the ring goes with the connection, however the program ends.
 */
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "streamd_ring.h"

static volatile sig_atomic_t ended;

static void end(int signal) {
  (void)signal;
  ended = 1;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "tone: %s: %s\n", what, why);
  exit(1);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char standard[sizeof address.sun_path];
  if (!path) path = getenv("STREAMD_SOCKET");
  if (!path) {
    const char *directory = getenv("XDG_RUNTIME_DIR");
    snprintf(standard, sizeof standard, "%s/streamd/control.sock", directory ? directory : "");
    path = standard;
  }
  if (strlen(path) >= sizeof address.sun_path) fail(path, "too long");
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail(path, strerror(errno));
  return fd;
}

/* Reads until the line that begins with our id is there; descriptors may come with any part of it. */
static void read_reply(int fd, char *line, size_t size, int *descriptors, size_t wanted) {
  size_t length = 0, found = 0;
  for (;;) {
    union {
      char bytes[CMSG_SPACE(3 * sizeof(int))];
      struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = line + length, .iov_len = size - 1 - length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) fail("streamd", got == 0 ? "it has closed the connection" : strerror(errno));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count && found < wanted; i++)
        memcpy(&descriptors[found++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
    length += (size_t)got;
    line[length] = 0;
    /* `hello` comes first, and is of no interest here. */
    char *newline;
    while ((newline = strchr(line, '\n'))) {
      *newline = 0;
      if (strstr(line, "\"id\":1,")) {
        if (!strstr(line, "\"ok\":true")) fail("ring.open", line);
        if (found < wanted) fail("ring.open", "the descriptors are missing");
        return;
      }
      length -= (size_t)(newline + 1 - line);
      memmove(line, newline + 1, length + 1);
    }
    if (length + 1 >= size) fail("streamd", "a line is too long");
  }
}

int main(int count, char **words) {
  const char *path = NULL;
  double hertz = 440, level = -20, seconds = 0;
  unsigned channels = 2, frames = 4096;
  for (int option; (option = getopt(count, words, "s:f:l:c:n:t:")) != -1;) {
    switch (option) {
      case 's': path = optarg; break;
      case 'f': hertz = atof(optarg); break;
      case 'l': level = atof(optarg); break;
      case 'c': channels = (unsigned)atoi(optarg); break;
      case 'n': frames = (unsigned)atoi(optarg); break;
      case 't': seconds = atof(optarg); break;
      default: return 2;
    }
  }
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);

  int fd = connect_to(path);
  static char line[65536];
  int length = snprintf(line, sizeof line,
                        "{\"id\":1,\"op\":\"ring.open\",\"args\":"
                        "{\"direction\":\"source\",\"channels\":%u,\"frames\":%u}}\n",
                        channels, frames);
  if (send(fd, line, (size_t)length, MSG_NOSIGNAL) != length) fail("streamd", strerror(errno));
  int descriptors[3];
  read_reply(fd, line, sizeof line, descriptors, 3);
  streamd_ring_end ring;
  int error = streamd_ring_map(&ring, descriptors[0], descriptors[1], descriptors[2]);
  if (error) fail("the ring", strerror(error));
  const char *name = strstr(line, "\"ring\":\"");
  name = name ? name + strlen("\"ring\":\"") : "?\"";
  printf("ring %.*s: %g Hz, %u frames of %u channels\n", (int)strcspn(name, "\""), name, hertz, ring.capacity,
         ring.channels);
  fflush(stdout);

  enum { chunk = 256 };
  static float block[chunk * 8];
  const double pi = acos(-1), amplitude = pow(10, level / 20);
  uint64_t written = 0;
  while (!ended && (seconds <= 0 || (double)written < seconds * ring.rate)) {
    /* Not more than fits: what was made would have to be made again. */
    uint32_t space = streamd_ring_space(&ring), made = space < chunk ? space : chunk;
    if (made == 0) {
      if (streamd_ring_wait(&ring, 250) < 0) fail("the ring", "streamd has closed it");
      continue;
    }
    for (uint32_t frame = 0; frame < made; frame++) {
      double phase = fmod(hertz * (double)(written + frame) / ring.rate, 1);
      for (uint32_t channel = 0; channel < ring.channels; channel++)
        block[frame * ring.channels + channel] = (float)(amplitude * sin(2 * pi * phase));
    }
    written += streamd_ring_write(&ring, block, made);
  }
  /* What was written is still to be heard. */
  while (!ended && streamd_ring_fill(&ring) > 0 && streamd_ring_wait(&ring, 250) >= 0) continue;
  printf("%llu frames, %llu underruns\n", (unsigned long long)written,
         (unsigned long long)atomic_load(&ring.shared->xruns));
  return 0;
}
