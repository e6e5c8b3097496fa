/* Attempts on the kernel: privileged calls, namespaces, keyrings, other processes. */
#include "prober.h"
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>

static int call(long number, long a, long b, long c, long d, long e) { return outcome(syscall(number, a, b, c, d, e)); }
static long at(const void *pointer) { return (long)pointer; }
static pid_t neighbour(void) { return atoi(setting("NEIGHBOUR_PID")); }

static int mount_tmpfs(void) { return outcome(mount("none", "/tmp", "tmpfs", 0, NULL)); }
static int mount_proc(void) { return outcome(mount("none", "/tmp", "proc", 0, NULL)); }
static int remount_proc_sys(void) { return outcome(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL)); }
static int unmount_proc_sys(void) { return outcome(umount2("/proc/sys", MNT_DETACH)); }
static int unmount_mask(void) { return outcome(umount2("/proc/kcore", MNT_DETACH)); }
static int new_mount(void) { return call(SYS_fsopen, at("tmpfs"), 0, 0, 0, 0); }
static int clone_tree(void) { return call(SYS_open_tree, AT_FDCWD, at("/"), OPEN_TREE_CLONE, 0, 0); }
static int pivot(void) { return call(SYS_pivot_root, at("/tmp"), at("/tmp"), 0, 0, 0); }
static int make_memory(void) { return outcome(mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1))); }
static int make_disk(void) {
  for (int major = 1; major < 260; major++) /* whichever disk the node has */
    if (mknod("/tmp/disk", S_IFBLK | 0600, makedev(major, 0)) == 0) return 0;
  return errno;
}

static int unshare_user(void) { return outcome(unshare(CLONE_NEWUSER)); }
static int unshare_mounts(void) { return outcome(unshare(CLONE_NEWNS)); }
static int unshare_network(void) { return outcome(unshare(CLONE_NEWNET)); }
static int clone_user(void) {
  long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  return outcome(child);
}
static int clone3_user(void) {
  long long arguments[8] = {CLONE_NEWUSER, [4] = SIGCHLD};
  long child = syscall(SYS_clone3, arguments, sizeof arguments);
  if (child == 0) _exit(0);
  return outcome(child);
}
static int enter_namespace(void) { return outcome(setns(open("/proc/1/ns/uts", O_RDONLY), CLONE_NEWUTS)); }

static int change_segments(void) {
#ifdef SYS_modify_ldt
  char table[16];
  return call(SYS_modify_ldt, 0, at(table), sizeof table, 0, 0);
#else
  return ENOSYS;
#endif
}
static int secret_memory(void) { return call(447, 0, 0, 0, 0, 0); } /* memfd_secret, everywhere */

static int add_key(void) { return call(SYS_add_key, at("user"), at("a"), at("b"), 1, KEY_SPEC_USER_KEYRING); }
static int request_key(void) { return call(SYS_request_key, at("user"), at("a"), 0, KEY_SPEC_SESSION_KEYRING, 0); }
static int session_keyring(void) { return call(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0); }
static int user_keyring(void) { return call(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1, 0, 0); }

static int trace_neighbour(void) { return outcome(ptrace(PTRACE_ATTACH, neighbour(), 0, 0)); }
static int kill_neighbour(void) { return outcome(kill(neighbour(), SIGKILL)); }
static int watch_neighbour(void) { return call(SYS_pidfd_open, neighbour(), 0, 0, 0, 0); }
static int read_neighbour(void) {
  char byte;
  struct iovec own = {&byte, 1}, other = {(void *)0x400000, 1};
  return outcome(process_vm_readv(neighbour(), &own, 1, &other, 1, 0));
}

static int load_bpf(void) {
  char attributes[128] = {[0] = 1, [4] = 4, [8] = 4, [12] = 1}; /* an array of one */
  return call(SYS_bpf, 0, at(attributes), sizeof attributes, 0, 0);
}
static int count_events(void) {
  struct perf_event_attr events = {.type = PERF_TYPE_SOFTWARE, .size = sizeof events, .config = PERF_COUNT_SW_CPU_CLOCK};
  return call(SYS_perf_event_open, at(&events), -1, 0, -1, 0);
}
static int io_ring(void) {
  char parameters[120] = {0};
  return call(SYS_io_uring_setup, 1, at(parameters), 0, 0, 0);
}
static int fault_handler(void) { return call(SYS_userfaultfd, 0, 0, 0, 0, 0); }
static int open_by_handle(void) {
  char handle[64] = {[0] = 8, [4] = 1, [8] = 2}; /* inode 2: a file system's root */
  return call(SYS_open_by_handle_at, open("/etc/hosts", O_RDONLY), at(handle), O_RDONLY, 0, 0);
}
static int load_module(void) { return call(SYS_init_module, at(""), 0, at(""), 0, 0); }
static int load_kernel(void) { return call(SYS_kexec_load, 0, 0, 0, 0, 0); }
static int restart(void) { return call(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, 0, 0); }
static int swap(void) { return outcome(swapon("/etc/hosts", 0)); }
static int account(void) { return outcome(acct("/tmp/acct")); }
static int quota(void) { return outcome(quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL)); }
static int ports(void) { return call(SYS_iopl, 3, 0, 0, 0, 0); }
static int clock(void) {
  struct timeval now;
  gettimeofday(&now, NULL); /* the same time, to do no harm where it is allowed */
  return outcome(settimeofday(&now, NULL));
}
static int hostname(void) { return outcome(sethostname("a", 1)); }
static int kernel_log(void) {
  char text[64];
  return outcome(klogctl(3, text, sizeof text));
}
static int gain_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
  return call(SYS_capset, at(&header), at(all), 0, 0, 0);
}
static int gain_by_setuid(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0; }
static int more_files(void) {
  struct rlimit limit = {1 << 20, 1 << 20};
  return outcome(setrlimit(RLIMIT_NOFILE, &limit));
}
static int go_first(void) { return outcome(setpriority(PRIO_PROCESS, 0, -20)); }
static int real_time(void) {
  struct sched_param most = {.sched_priority = 99};
  return outcome(sched_setscheduler(0, SCHED_FIFO, &most));
}
static int survive(const char *score) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY);
  return outcome(write(file, score, strlen(score)));
}
static int survive_others(void) { return survive("-1000"); }
static int survive_as_the_agent(void) { return survive("0"); }

const struct attempt kernel_attempts[] = {
    {"mount a tmpfs", mount_tmpfs},
    {"mount a proc of its own", mount_proc},
    {"remount /proc/sys writable", remount_proc_sys},
    {"unmount what makes /proc/sys read-only", unmount_proc_sys},
    {"unmount what masks /proc/kcore", unmount_mask},
    {"fsopen", new_mount},
    {"open_tree", clone_tree},
    {"pivot_root", pivot},
    {"mknod of the memory", make_memory},
    {"mknod of a disk", make_disk},
    {"unshare a user namespace", unshare_user},
    {"unshare a mount namespace", unshare_mounts},
    {"unshare a network namespace", unshare_network},
    {"clone into a user namespace", clone_user},
    {"clone3 into a user namespace", clone3_user},
    {"setns", enter_namespace},
    {"add_key", add_key},
    {"request_key", request_key},
    {"keyctl on the session's keyring", session_keyring},
    {"keyctl on root's keyring", user_keyring},
    {"ptrace a neighbour", trace_neighbour},
    {"kill a neighbour", kill_neighbour},
    {"pidfd_open a neighbour", watch_neighbour},
    {"process_vm_readv a neighbour", read_neighbour},
    {"bpf", load_bpf},
    {"perf_event_open", count_events},
    {"io_uring_setup", io_ring},
    {"modify_ldt", change_segments},
    {"memfd_secret", secret_memory},
    {"userfaultfd", fault_handler},
    {"open_by_handle_at", open_by_handle},
    {"init_module", load_module},
    {"kexec_load", load_kernel},
    {"reboot", restart},
    {"swapon", swap},
    {"acct", account},
    {"quotactl", quota},
    {"iopl", ports},
    {"settimeofday", clock},
    {"sethostname", hostname},
    {"syslog, the kernel's", kernel_log},
    {"capset of all", gain_capabilities},
    {"more by a setuid program", gain_by_setuid},
    {"setrlimit beyond the limit", more_files},
    {"a nice of -20", go_first},
    {"SCHED_FIFO", real_time},
    {"an oom_score_adj of -1000", survive_others},
    {"an oom_score_adj of 0, which is the agent's", survive_as_the_agent},
    {NULL, NULL},
};
