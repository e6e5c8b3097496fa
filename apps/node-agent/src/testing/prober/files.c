/* Attempts on files of the node and of neighbours. */
#include "prober.h"
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

/* An empty file is a mask over another: ENODATA. */
static int reads(const char *path) {
  char bytes[8];
  int file = open(path, O_RDONLY | O_NONBLOCK);
  if (file < 0) return errno;
  ssize_t got = read(file, bytes, sizeof bytes);
  return got == 0 ? ENODATA : outcome(got);
}
/* Opens for writing, and writes nothing: it would harm the node where it is allowed. */
static int writable(const char *path) { return outcome(open(path, O_WRONLY)); }

static int host_file(void) { return reads(setting("HOST_FILE")); }
static int host_file_by_climbing(void) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "/../../../../../../../..%s", setting("HOST_FILE"));
  return reads(path);
}
static int host_file_by_root(void) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "/proc/1/root/..%s", setting("HOST_FILE"));
  return reads(path);
}
/* The known escape from a chroot: a folder kept open outside the new root. */
static int host_file_by_chroot(void) {
  int outside = open("/", O_RDONLY | O_DIRECTORY);
  mkdir("/tmp/jail", 0700);
  if (chroot("/tmp/jail") < 0 || fchdir(outside) < 0) return errno;
  for (int step = 0; step < 64; step++)
    if (chdir("..") < 0) return errno;
  if (chroot(".") < 0) return errno;
  return reads(setting("HOST_FILE"));
}
/* Links of the image to HOST_FILE, absolute and relative. */
static int link_out(void) { return reads("/out/absolute"); }
static int link_out_relative(void) { return reads("/out/relative"); }
static int neighbour_file(void) { return reads(setting("NEIGHBOUR_FILE")); }
static int neighbour_log(void) { return reads(setting("NEIGHBOUR_LOG")); }
static int neighbour_root(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/root/etc/hosts", setting("NEIGHBOUR_PID"));
  return reads(path);
}
static int memory(void) { return reads("/dev/mem"); }
static int kernel_memory(void) { return reads("/proc/kcore"); }
static int kernel_messages(void) {
  int refusal = reads("/dev/kmsg");
  return refusal == 0 ? 0 : reads("/proc/kmsg");
}
static int keys(void) { return reads("/proc/keys"); }
static int page_counts(void) { return reads("/proc/kpagecount"); }
static int slabs(void) { return reads("/proc/slabinfo"); }
static int command_line(void) { return reads("/proc/cmdline"); }
static int build(void) { return reads("/proc/config.gz"); }
static int disks(void) { return reads("/proc/diskstats"); }
static int locks(void) { return reads("/proc/locks"); }
static int free_memory(void) { return reads("/proc/buddyinfo"); }
static int interrupts(void) { return reads("/proc/interrupts"); }
static int core_pattern(void) { return writable("/proc/sys/kernel/core_pattern"); }
static int sysrq(void) { return writable("/proc/sysrq-trigger"); }
static int uevent_helper(void) { return writable("/sys/kernel/uevent_helper"); }
static int release_agent(void) { return mkdir("/sys/fs/cgroup/memory/mine", 0700) == 0 ? 0 : errno; }

/* Finds a regular file that opens for writing, and names it by `detail`. Skips devices, which mask other files.
 * @returns whether there is one; else `refusal` has the last errno */
static int walk(const char *folder, int depth, int *refusal) {
  DIR *entries = opendir(folder);
  if (!entries) return 0;
  int found = 0;
  for (struct dirent *entry; !found && (entry = readdir(entries));) {
    char path[PATH_MAX];
    struct stat status;
    if (entry->d_name[0] == '.' || (depth == 0 && strspn(entry->d_name, "0123456789") > 0)) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (lstat(path, &status) < 0) continue;
    if (S_ISDIR(status.st_mode)) found = walk(path, depth + 1, refusal);
    else if (S_ISREG(status.st_mode) && (status.st_mode & 0222) != 0) {
      int file = open(path, O_WRONLY | O_NONBLOCK);
      found = file >= 0;
      if (found) detail("(%s)", path), close(file);
      else *refusal = errno;
    }
  }
  closedir(entries);
  return found;
}
static int write_below(const char *folder) {
  int refusal = ENOENT;
  return walk(folder, 0, &refusal) ? 0 : refusal;
}
static int write_proc(void) { return write_below("/proc"); }
static int write_proc_sys(void) { return write_below("/proc/sys"); }
static int write_sys(void) { return write_below("/sys"); }

const struct attempt file_attempts[] = {
    {"a file of the node by its path", host_file},
    {"a file of the node by ../..", host_file_by_climbing},
    {"a file of the node by /proc/1/root", host_file_by_root},
    {"a file of the node by chroot", host_file_by_chroot},
    {"a file of the node by the image's link", link_out},
    {"a file of the node by the image's ../.. link", link_out_relative},
    {"a file of a neighbour", neighbour_file},
    {"the log of a neighbour", neighbour_log},
    {"the root of a neighbour by /proc", neighbour_root},
    {"read /dev/mem", memory},
    {"read /proc/kcore", kernel_memory},
    {"read the kernel's messages", kernel_messages},
    {"read /proc/keys", keys},
    {"read /proc/kpagecount", page_counts},
    {"read /proc/slabinfo", slabs},
    {"read /proc/cmdline", command_line},
    {"read /proc/config.gz", build},
    {"read /proc/diskstats", disks},
    {"read /proc/locks", locks},
    {"read /proc/buddyinfo", free_memory},
    {"read /proc/interrupts", interrupts},
    {"write core_pattern", core_pattern},
    {"write sysrq-trigger", sysrq},
    {"write uevent_helper", uevent_helper},
    {"make a cgroup", release_agent},
    {"write any file of /proc", write_proc},
    {"write any file of /proc/sys", write_proc_sys},
    {"write any file of /sys", write_sys},
    {NULL, NULL},
};
