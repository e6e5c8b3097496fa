/*
 * The first process of every container, standby or not. It takes one order, becomes the process that the order names,
 * and leaves nothing of itself behind: see docs/adr/0023. Static, because it runs in any image; C, because it mostly
 * makes system calls. All that depends on the image is resolved here, by the kernel, in the image's own root: files,
 * user, folder, program.
 *
 * The order comes through `orders`, a FIFO or a file, as texts that each end with a NUL:
 *   hostname, capabilities to keep (hexadecimal mask), user (as in an image's config), working folder,
 *   three lists, each as its length and its texts: folders to make, arguments, variables (NAME=value, or HOME without a
 * value:   the user's home is set), and "end". The answer goes through the FIFO `answer`: a dot when the whole order is
 * read, then EOF when execve has succeeded (the descriptor closes on exec), else `<step> <errno>`. EOF without a dot:
 * the launcher died before, and nothing has run.
 */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/dev/.fast-sandbox" /* below a tmpfs of the container: hides nothing of the image */
#define MAX_ORDER (4 << 20)         /* the agent sends less */
#define MAX_TEXTS (1 << 17)
#define CAPABILITIES 64 /* bits of a mask; the kernel has fewer */

static char order[MAX_ORDER + 1];
static size_t order_length, at;
static char *texts[MAX_TEXTS + 4];
static size_t texts_used;
static int orders = -1, answer = -1;
static unsigned long long bounding;

static const char *const FILES[][2] = {
    {FOLDER "/resolv.conf", "/etc/resolv.conf"},
    {FOLDER "/hosts", "/etc/hosts"},
    {FOLDER "/hostname", "/etc/hostname"},
};
#define FILE_COUNT (sizeof FILES / sizeof FILES[0])
/* Failure of a preparation, answered once there is an order. */
static const char *early_step;
static int early_errno;

void fail(const char *step) {
  char line[128];
  int length = snprintf(line, sizeof line, "%s %d", step, errno);
  if (answer >= 0 && write(answer, line, (size_t)length) < 0) _exit(2);
  _exit(1);
}

void fail_with(const char *step, int error) {
  errno = error;
  fail(step);
}

/* Binds the sandbox's own files over the image's. The mounts stay when the launch folder is unmounted. */
static void bind_files(void) {
  const unsigned long flags = MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  for (size_t i = 0; i < FILE_COUNT && early_step == NULL; i++) {
    const char *source = FILES[i][0], *path = FILES[i][1];
    if (make_file(path) == 0 && mount(source, path, NULL, MS_BIND, NULL) == 0 &&
        mount(NULL, path, NULL, flags, NULL) == 0)
      continue;
    early_step = path;
    early_errno = errno;
  }
}

/* Does what needs no order. Neither FIFO blocks: without a reader, one opens for writing only with O_RDWR. */
static void prepare(void) {
  orders = open(FOLDER "/orders", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  answer = open(FOLDER "/answer", O_RDWR | O_CLOEXEC);
  if (orders < 0 || answer < 0) _exit(1);
  umask(022);
  if (make_cgroups_read_only() < 0) {
    early_step = "cgroup";
    early_errno = errno;
  }
  bind_files();
  if (umount2(FOLDER, MNT_DETACH) < 0 || rmdir(FOLDER) < 0) _exit(1);
  for (unsigned long cap = 0; cap < CAPABILITIES; cap++)
    if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) bounding |= 1ULL << cap;
}

static void read_order(void) {
  struct pollfd first = {.fd = orders, .events = POLLIN};
  while (poll(&first, 1, -1) <= 0) continue; /* a standby container waits here */
  if (fcntl(orders, F_SETFL, 0) < 0) _exit(1);
  while (order_length < MAX_ORDER) {
    ssize_t got = read(orders, order + order_length, MAX_ORDER - order_length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    order_length += (size_t)got;
  }
  close(orders);
}

/* Ends the launcher where the order is truncated or empty: its agent is gone, and nothing waits for an answer. */
static char *next_text(void) {
  char *text = order + at;
  size_t length = strnlen(text, order_length - at);
  if (at + length >= order_length) _exit(1);
  at += length + 1;
  return text;
}

static char **next_list(void) {
  size_t count = strtoul(next_text(), NULL, 10), from = texts_used;
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

/* Gives the standard streams to the user, as runc and crun do: a process without root may reopen /dev/stdout. */
static void give_output_to(uid_t uid) {
  struct stat found;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fstat(fd, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode)) && found.st_uid != uid)
      (void)!fchown(fd, uid, (gid_t)-1); /* on failure it stays root's */
}

/* Enters a folder of the root; fails for one that a descriptor or another namespace leads to (CVE-2024-21626). */
static void enter(const char *folder) {
  char here[PATH_MAX];
  if (make_folders(folder) < 0 || chdir(folder) < 0) fail("folder");
  if (getcwd(here, sizeof here) == NULL) fail("folder");
  if (here[0] != '/') fail_with("folder", EXDEV);
}

int main(void) {
  prepare();
  read_order();
  const char *hostname = next_text();
  unsigned long long kept = strtoull(next_text(), NULL, 16);
  char *named = next_text();
  const char *folder = next_text();
  char **folders = next_list();
  char **arguments = next_list();
  char **variables = next_list();
  if (strcmp(next_text(), "end") != 0 || arguments[0] == NULL) _exit(1);

  if (write(answer, ".", 1) != 1) _exit(1);
  if (early_step != NULL) fail_with(early_step, early_errno);
  if (sethostname(hostname, strlen(hostname)) < 0) fail("hostname");
  struct user user = user_of(named);
  set_home(variables, user.home);
  for (char **made = folders; *made; made++)
    if (make_folders(*made) < 0) fail("volume");
  enter(folder);
  give_output_to(user.uid);
  drop_all_but(kept);
  if (setgroups(user.group_count, user.groups) < 0) fail("groups");
  if (setresgid(user.gid, user.gid, user.gid) < 0 || setresuid(user.uid, user.uid, user.uid) < 0) fail("identity");
  const char *program = find_program(arguments[0], value_of(variables, "PATH"));
  if (program == NULL) fail("program");
  execve(program, arguments, variables);
  fail("exec");
}
