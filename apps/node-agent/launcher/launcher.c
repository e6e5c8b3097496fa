/*
 * The first process of a waiting container. It waits for one order, becomes what the order says, and leaves nothing of
 * itself behind: see docs/adr/0013. Static, because it runs in any image; C, because what it does are system calls.
 *
 * The order comes through the FIFO `orders` as texts that each end with a NUL:
 *   hostname, uid, gid, number of groups and groups, capabilities that stay (hexadecimal mask), working directory,
 *   program, number of arguments and arguments, number of variables and variables (NAME=value), "end".
 * The answer goes through the FIFO `answer`: a dot when the order is read whole, then its end when execve has succeeded
 * (the descriptor closes on exec), else `<step> <errno>`. An end without a dot: it died before, and nothing has run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FOLDER "/run/fast-sandbox"
#define MAX_ORDER 65536 /* what a pipe holds: the writer never waits */
#define MAX_TEXTS 8192
#define MAX_GROUPS 256
#define CAPABILITIES 64 /* bits of a mask; the kernel has fewer */

static char order[MAX_ORDER + 1];
static size_t order_length, at;
static char *texts[MAX_TEXTS + 2];
static size_t texts_used;
static int orders = -1, answer = -1;
static unsigned long long bounding;

static void fail(const char *step) {
  char line[64];
  int length = snprintf(line, sizeof line, "%s %d", step, errno);
  if (answer >= 0 && write(answer, line, (size_t)length) < 0) _exit(2);
  _exit(1);
}

/* All that can be done ahead. Opening both without waiting: for writing, a FIFO that nobody reads opens only so. */
static void prepare(void) {
  orders = open(FOLDER "/orders", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  answer = open(FOLDER "/answer", O_RDWR | O_CLOEXEC);
  if (orders < 0 || answer < 0) _exit(1);
  if (umount2(FOLDER, MNT_DETACH) < 0 || rmdir(FOLDER) < 0) _exit(1);
  for (unsigned long cap = 0; cap < CAPABILITIES; cap++)
    if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) bounding |= 1ULL << cap;
}

static void read_order(void) {
  struct pollfd first = {.fd = orders, .events = POLLIN};
  while (poll(&first, 1, -1) <= 0) continue; /* waits here for whoever writes */
  if (fcntl(orders, F_SETFL, 0) < 0) _exit(1);
  while (order_length < MAX_ORDER) {
    ssize_t got = read(orders, order + order_length, MAX_ORDER - order_length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    order_length += (size_t)got;
  }
  close(orders);
}

/* One that breaks off, or never begins, is of an agent that is gone: nobody waits for an answer. */
static char *next_text(void) {
  char *text = order + at;
  size_t length = strnlen(text, order_length - at);
  if (at + length >= order_length) _exit(1);
  at += length + 1;
  return text;
}

static unsigned long next_number(int base) { return strtoul(next_text(), NULL, base); }

static char **next_list(void) {
  size_t count = next_number(10), from = texts_used;
  if (count > MAX_TEXTS || texts_used + count > MAX_TEXTS) _exit(1);
  for (size_t i = 0; i < count; i++) texts[texts_used++] = next_text();
  texts[texts_used++] = NULL;
  return texts + from;
}

static void drop_all_but(unsigned long long kept) {
  for (unsigned long cap = 0; cap < CAPABILITIES; cap++) {
    if (bounding >> cap & ~(kept >> cap) & 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) fail("capabilities");
  }
}

int main(void) {
  gid_t groups[MAX_GROUPS];
  prepare();
  read_order();
  const char *hostname = next_text();
  uid_t uid = (uid_t)next_number(10);
  gid_t gid = (gid_t)next_number(10);
  size_t group_count = next_number(10);
  if (group_count > MAX_GROUPS) _exit(1);
  for (size_t i = 0; i < group_count; i++) groups[i] = (gid_t)next_number(10);
  unsigned long long kept = strtoull(next_text(), NULL, 16);
  const char *folder = next_text();
  const char *program = next_text();
  char **arguments = next_list();
  char **variables = next_list();
  if (strcmp(next_text(), "end") != 0) _exit(1);

  if (write(answer, ".", 1) != 1) _exit(1);
  if (sethostname(hostname, strlen(hostname)) < 0) fail("hostname");
  if (chdir(folder) < 0) fail("chdir");
  drop_all_but(kept);
  if (setgroups(group_count, groups) < 0) fail("groups");
  if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) fail("user");
  execve(program, arguments, variables);
  fail("exec");
}
