#define _GNU_SOURCE
#include "clinux_datagram.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

enum { batch_limit = 4, udp_header = 8 };

/// CS6, network control: what hosts and access points agree on for game audio.
static const int class_selector_6 = 0xC0;
static const int audio_priority = 6;

int clinux_datagram_open(const struct sockaddr *own, socklen_t own_length, bool quality) {
  int fd = socket(own->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int on = 1, off = 0;
  if (own->sa_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  }
  setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (quality) {
    // The priority comes last: setting the class sets it anew.
    if (own->sa_family == AF_INET6)
      setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class_selector_6, sizeof class_selector_6);
    setsockopt(fd, IPPROTO_IP, IP_TOS, &class_selector_6, sizeof class_selector_6);
  }
  setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &audio_priority, sizeof audio_priority);
  if (bind(fd, own, own_length) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

static uint32_t word(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

int clinux_datagram_filter_pings(int fd, const uint8_t *payload, bool legacy) {
  struct sock_filter code[24];
  int count = 0;
  const uint8_t ping[4] = {'P', 'I', 'N', 'G'};
  // Each test that fails jumps over the rest of its kind. Lengths and offsets include the UDP header.
  if (payload) {
    code[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0);
    code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, udp_header + 20, 0, 9);
    for (int index = 0; index < 4; index++) {
      code[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, udp_header + 4 * index);
      code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(payload + 4 * index), 0, 7 - 2 * index);
    }
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xFFFF);
  }
  if (legacy) {
    code[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0);
    code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, udp_header + 4, 0, 3);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, udp_header);
    code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(ping), 0, 1);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xFFFF);
  }
  code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
  struct sock_fprog program = {.len = (unsigned short)count, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : errno;
}

long clinux_datagram_receive(int fd, void *bytes, size_t capacity, struct clinux_path *path) {
  struct iovec data = {.iov_base = bytes, .iov_len = capacity};
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
  } control;
  memset(path, 0, sizeof *path);
  struct msghdr message = {
      .msg_name = &path->peer,
      .msg_namelen = sizeof path->peer,
      .msg_iov = &data,
      .msg_iovlen = 1,
      .msg_control = control.room,
      .msg_controllen = sizeof control.room,
  };
  ssize_t length;
  do length = recvmsg(fd, &message, MSG_DONTWAIT);
  while (length < 0 && errno == EINTR);
  if (length < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
  path->peer_length = message.msg_namelen;
  for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(item), sizeof info);
      path->local_family = AF_INET;
      memcpy(&path->local, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
      path->interface_index = (uint32_t)info.ipi_ifindex;
    } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO && path->local_family == 0) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(item), sizeof info);
      path->local_family = AF_INET6;
      path->local = info.ipi6_addr;
      path->interface_index = info.ipi6_ifindex;
    }
  }
  return length;
}

/// Writes the source address as ancillary data. Returns its length.
static size_t pin_source(const struct clinux_path *path, struct msghdr *message, void *room) {
  // A peer that came mapped into IPv6 is answered through an IPv6 socket, whose local address is mapped too.
  message->msg_control = room;
  struct cmsghdr *item = room;
  if (path->local_family == AF_INET && path->peer.ss_family == AF_INET) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, &path->local, sizeof info.ipi_spec_dst);
    item->cmsg_level = IPPROTO_IP;
    item->cmsg_type = IP_PKTINFO;
    item->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(item), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  struct in6_pktinfo info = {0};
  if (path->local_family == AF_INET) {
    info.ipi6_addr.s6_addr[10] = info.ipi6_addr.s6_addr[11] = 0xFF;
    memcpy(&info.ipi6_addr.s6_addr[12], &path->local, 4);
  } else {
    info.ipi6_addr = path->local;
    // The interface matters only where the address has none of its own.
    if (IN6_IS_ADDR_LINKLOCAL(&path->local)) info.ipi6_ifindex = path->interface_index;
  }
  item->cmsg_level = IPPROTO_IPV6;
  item->cmsg_type = IPV6_PKTINFO;
  item->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(item), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

int clinux_datagram_send(int fd, const struct clinux_path *path, const struct iovec *datagrams, int count) {
  struct mmsghdr messages[batch_limit];
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
  } control;
  if (count > batch_limit) count = batch_limit;
  memset(messages, 0, sizeof messages[0] * (size_t)count);
  memset(&control, 0, sizeof control);
  struct msghdr first = {.msg_name = (void *)&path->peer, .msg_namelen = path->peer_length};
  if (path->local_family != 0) first.msg_controllen = pin_source(path, &first, control.room);
  for (int index = 0; index < count; index++) {
    messages[index].msg_hdr = first;
    messages[index].msg_hdr.msg_iov = (struct iovec *)&datagrams[index];
    messages[index].msg_hdr.msg_iovlen = 1;
  }
  int sent;
  do
    sent = count == 1 ? (sendmsg(fd, &messages[0].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 1)
                      : sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}
