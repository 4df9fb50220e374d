#define _GNU_SOURCE
#include "clinux_batch.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

int clinux_batch_prepare(int fd, int receive_bytes) {
  int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) return errno;
  // The system may give less.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  return 0;
}

int clinux_batch_receive(int fd, void *rooms, size_t stride, int count, struct clinux_batch_item *items,
                         uint32_t *dropped) {
  struct mmsghdr messages[clinux_batch_limit];
  struct iovec parts[clinux_batch_limit];
  union {
    struct cmsghdr align;
    char bytes[160];
  } control[clinux_batch_limit];
  if (count > clinux_batch_limit) count = clinux_batch_limit;
  memset(messages, 0, sizeof messages[0] * (size_t)count);
  for (int index = 0; index < count; index++) {
    parts[index] = (struct iovec){.iov_base = (char *)rooms + stride * (size_t)index, .iov_len = stride};
    messages[index].msg_hdr = (struct msghdr){
        .msg_name = &items[index].from,
        .msg_namelen = sizeof items[index].from,
        .msg_iov = &parts[index],
        .msg_iovlen = 1,
        .msg_control = control[index].bytes,
        .msg_controllen = sizeof control[index].bytes,
    };
  }
  int taken;
  // With MSG_TRUNC the length is the whole datagram's.
  do taken = recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_TRUNC, NULL);
  while (taken < 0 && errno == EINTR);
  if (taken < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
  for (int index = 0; index < taken; index++) {
    struct msghdr *header = &messages[index].msg_hdr;
    items[index].length = messages[index].msg_len;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item))
      if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SO_RXQ_OVFL)
        memcpy(dropped, CMSG_DATA(item), sizeof *dropped);
  }
  return taken;
}
