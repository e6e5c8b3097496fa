/* Attempts on the Pod's network, which sandboxes share with each other and with their agent. */
#include "prober.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define WAIT_MS 1500
#define HTTP 80

static int opens(int family, int type, int protocol) { return outcome(socket(family, type, protocol)); }

/* @returns 0, or the errno with which the connection fails: ETIMEDOUT where there is no answer */
static int connects(int fd, const void *address, socklen_t length) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  if (connect(fd, address, length) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  struct pollfd done = {.fd = fd, .events = POLLOUT};
  if (poll(&done, 1, WAIT_MS) != 1) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

/*
 * @param device to bind to, past the routes; NULL: by the routes
 * @param disguised sets bits of the arguments that the kernel ignores and a filter may compare
 */
static int reaches(const char *text, const char *device, int disguised) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(HTTP)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(HTTP)};
  int is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
  if (!is_v4) inet_pton(AF_INET6, text, &v6.sin6_addr);
  int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
  if (fd < 0) return errno;
  long level = SOL_SOCKET + (disguised ? 1L << 32 : 0), option = SO_BINDTODEVICE + (disguised ? 1L << 33 : 0);
  if (device && syscall(SYS_setsockopt, fd, level, option, device, strlen(device)) < 0) return errno;
  return is_v4 ? connects(fd, &v4, sizeof v4) : connects(fd, &v6, sizeof v6);
}

/* @returns 0 where an address is reached */
static int reaches_any(const char *device, int disguised) {
  char list[512];
  int refusal = ENOENT;
  snprintf(list, sizeof list, "%s", setting("METADATA"));
  for (char *text = strtok(list, " "); text; text = strtok(NULL, " ")) {
    int error = reaches(text, device, disguised);
    if (error == 0) return detail("(%s)", text), 0;
    refusal = error;
  }
  return refusal;
}
static int metadata(void) { return reaches_any(NULL, 0); }
static int metadata_by_device(void) { return reaches_any("eth0", 0); }
static int metadata_by_disguised_device(void) { return reaches_any("eth0", 1); }

static int route(unsigned short message, const char *destination, int prefix) {
  struct {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr attribute;
    struct in_addr address;
  } request = {
      .header = {.nlmsg_len = sizeof request, .nlmsg_type = message, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
      .route = {.rtm_family = AF_INET, .rtm_dst_len = (unsigned char)prefix, .rtm_table = RT_TABLE_MAIN, .rtm_scope = RT_SCOPE_NOWHERE},
      .attribute = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_DST},
  };
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
  } answer = {0};
  inet_pton(AF_INET, destination, &request.address);
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0 || send(fd, &request, sizeof request, 0) < 0) return errno;
  if (recv(fd, &answer, sizeof answer, MSG_TRUNC) < 0) return errno;
  return -answer.error.error;
}
static int unblock(void) { return route(RTM_DELROUTE, "169.254.169.254", 32); }
static int add_address(void) {
  struct ifreq request = {.ifr_name = "lo:1"};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
  memcpy(&request.ifr_addr, &address, sizeof address);
  return outcome(ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFADDR, &request));
}

static int to_path(const char *path, size_t length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;
  return connects(socket(AF_UNIX, SOCK_STREAM, 0), &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}
static int containerd(void) { return to_path(setting("CONTAINERD_SOCKET"), strlen(setting("CONTAINERD_SOCKET")) + 1); }
static int abstract_sockets(void) {
  char line[512];
  int refusal = ENOENT; /* there is none */
  FILE *sockets = fopen("/proc/net/unix", "r");
  while (sockets && fgets(line, sizeof line, sockets)) {
    char *name = strchr(line, '@');
    if (!name) continue;
    name[strcspn(name, "\n")] = 0;
    refusal = to_path(name, strlen(name));
    if (refusal == 0) return detail("(%s)", name), 0;
  }
  return refusal;
}

static int takes_port(int family, int reuse, const char *variable) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(setting(variable)))};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
  int fd = socket(family, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  int bound = family == AF_INET ? bind(fd, (void *)&v4, sizeof v4) : bind(fd, (void *)&v6, sizeof v6);
  return bound < 0 ? errno : outcome(listen(fd, 1));
}
static int take_agent_port(void) { return takes_port(AF_INET, 0, "AGENT_PORT"); }
static int share_agent_port(void) { return takes_port(AF_INET, 1, "AGENT_PORT"); }
static int take_agent_port_v6(void) { return takes_port(AF_INET6, 0, "AGENT_PORT"); }
static int take_probe_port(void) { return takes_port(AF_INET, 0, "PROBE_PORT"); }
static int take_neighbour_port(void) { return takes_port(AF_INET, 1, "NEIGHBOUR_PORT"); }

static int take_idle_port(void) { return takes_port(AF_INET, 0, "IDLE_PORT"); }

/* @returns 0 for an HTTP answer of 2xx, or, where the question is empty, for any answer */
static int asks(const char *variable, const char *question) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(setting(variable)))};
  char answer[16] = "";
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (void *)&server, sizeof server) < 0 || write(fd, question, strlen(question)) < 0) return errno;
  ssize_t got = read(fd, answer, sizeof answer - 1);
  if (got < 0) return errno;
  return *question ? (strncmp(answer, "HTTP/1.1 2", 10) == 0 ? 0 : ECONNRESET) : (got > 0 ? 0 : ENODATA);
}
static int agent_api(void) { return asks("AGENT_PORT", "GET /api/v1/agent/status HTTP/1.1\r\nhost: agent\r\n\r\n"); }
static int agent_api_by_probes(void) { return asks("PROBE_PORT", "GET /api/v1/agent/status HTTP/1.1\r\nhost: agent\r\n\r\n"); }
static int agent_metrics(void) { return asks("PROBE_PORT", "GET /metrics HTTP/1.1\r\nhost: agent\r\n\r\n"); }
static int call_neighbour(void) { return asks("NEIGHBOUR_PORT", ""); }
static int see_neighbour(void) {
  char line[512], port[8];
  snprintf(port, sizeof port, ":%04X ", atoi(setting("NEIGHBOUR_PORT")));
  FILE *connections = fopen("/proc/net/tcp6", "r");
  while (connections && fgets(line, sizeof line, connections))
    if (strstr(line, port)) return 0;
  return ENOENT;
}

static int raw(void) { return opens(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static int raw_v6(void) { return opens(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); }
static int multipath(void) { return opens(AF_INET, SOCK_STREAM, 262); } /* IPPROTO_MPTCP */
static int udp_lite(void) { return opens(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE); }
static int sctp(void) { return opens(AF_INET, SOCK_STREAM, IPPROTO_SCTP); }
static int packets(void) { return opens(AF_PACKET, SOCK_RAW, 0); }
static int virtual_machine(void) { return opens(AF_VSOCK, SOCK_STREAM, 0); }
static int kernel_crypto(void) { return opens(AF_ALG, SOCK_SEQPACKET, 0); }
static int audit(void) { return opens(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); }
static int generic(void) { return opens(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC); }
/* As a 32-bit program: socketcall hides its arguments behind a pointer, where no filter sees them. */
static int by_socketcall(void) {
#ifdef __x86_64__
  static unsigned arguments[3] = {AF_VSOCK, SOCK_STREAM, 0}; /* below 4 GiB: the program is static */
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(102), "b"(1), "c"(arguments) : "memory", "r8", "r9", "r10", "r11");
  return result < 0 ? (int)-result : 0;
#else
  return ENOSYS;
#endif
}

const struct attempt network_attempts[] = {
    {"the agent's API without a certificate", agent_api},
    {"the agent's API at its probes' port", agent_api_by_probes},
    {"the agent's port", take_agent_port},
    {"the agent's port, shared", share_agent_port},
    {"the agent's port, on IPv6", take_agent_port_v6},
    {"the agent's probe port", take_probe_port},
    {"a neighbour's port in use", take_neighbour_port},
    {"containerd's socket", containerd},
    {"abstract sockets of the node", abstract_sockets},
    {"the node's metadata", metadata},
    {"the node's metadata, past the routes", metadata_by_device},
    {"the node's metadata, past the filter too", metadata_by_disguised_device},
    {"take the block away", unblock},
    {"set an address", add_address},
    {"a raw socket", raw},
    {"a raw socket of IPv6", raw_v6},
    {"a socket of MPTCP", multipath},
    {"a socket of UDP-Lite", udp_lite},
    {"a socket of SCTP", sctp},
    {"a packet socket", packets},
    {"a socket to the hypervisor", virtual_machine},
    {"the same by socketcall", by_socketcall},
    {"the kernel's ciphers", kernel_crypto},
    {"the audit log", audit},
    {"generic netlink", generic},
    {"the agent's metrics", agent_metrics},
    {"a neighbour's port before it listens", take_idle_port},
    {"call a neighbour's port", call_neighbour},
    {"see a neighbour's connections", see_neighbour},
    {NULL, NULL},
};
