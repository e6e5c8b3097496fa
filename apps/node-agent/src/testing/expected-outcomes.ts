import { hasSysResource } from '../sandboxes/placement';

/** Refused only where the runtime could pin the score; elsewhere the agent warns at its start. */
const AS_THE_AGENT = ["an oom_score_adj of 0, which is the agent's"];
const PINNED = hasSysResource() ? AS_THE_AGENT : [];
const NOT_PINNED = hasSysResource() ? [] : AS_THE_AGENT;

/** Attempts that succeed. SECURITY.md names each, and why. */
const OPEN = [
  "the agent's metrics",
  "a neighbour's port before it listens",
  "call a neighbour's port",
  "see a neighbour's connections",
  ...NOT_PINNED,
];

/** Attempts of the prober by expected outcome. Alternatives depend on the options that the kernel was built with. */
const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  'refused (EPERM)': [
    ...['mount a tmpfs', 'mount a proc of its own', 'remount /proc/sys writable', 'fsopen', 'open_tree', 'pivot_root'],
    ...['unmount what makes /proc/sys read-only', 'mknod of the memory', 'mknod of a disk', 'setns'],
    ...['add_key', 'request_key', "keyctl on the session's keyring", "keyctl on root's keyring"],
    ...['bpf', 'perf_event_open', 'io_uring_setup', 'userfaultfd', 'open_by_handle_at', 'init_module', 'kexec_load'],
    ...['reboot', 'swapon', 'acct', 'quotactl', 'iopl', 'settimeofday', 'sethostname', "syslog, the kernel's"],
    ...['capset of all', 'more by a setuid program', 'setrlimit beyond the limit', 'SCHED_FIFO'],
    ...["the node's metadata, past the routes", "the node's metadata, past the filter too", 'take the block away'],
    ...['set an address', 'a raw socket', 'a raw socket of IPv6'],
  ],
  'refused (EPERM|ENOENT)': ['unmount what masks /proc/kcore', "read the kernel's messages"],
  'refused (EACCES)': ['a nice of -20', 'an oom_score_adj of -1000', ...PINNED],
  'refused (ENOSYS)': [
    ...['unshare a user namespace', 'unshare a mount namespace', 'unshare a network namespace'],
    ...['modify_ldt', 'memfd_secret', 'clone into a user namespace', 'clone3 into a user namespace', 'generic netlink'],
  ],
  'refused (ESRCH)': [
    ...['ptrace a neighbour', 'kill a neighbour', 'pidfd_open a neighbour', 'process_vm_readv a neighbour'],
  ],
  'refused (ENOENT)': [
    ...['a file of the node by its path', 'a file of the node by ../..', 'a file of the node by /proc/1/root'],
    ...['a file of the node by chroot', "a file of the node by the image's link"],
    ...["a file of the node by the image's ../.. link", 'a file of a neighbour', 'the log of a neighbour'],
    ...['the root of a neighbour by /proc', 'read /dev/mem', "containerd's socket", 'abstract sockets of the node'],
  ],
  'refused (ENODATA|ENOENT)': [
    ...[
      'read /proc/cmdline',
      'read /proc/config.gz',
      'read /proc/diskstats',
      'read /proc/locks',
      'read /proc/buddyinfo',
    ],
    ...['read /proc/kcore', 'read /proc/keys', 'read /proc/kpagecount', 'read /proc/slabinfo', 'read /proc/interrupts'],
  ],
  'refused (EROFS|ENOENT)': [...['write core_pattern', 'write sysrq-trigger', 'write uevent_helper', 'make a cgroup']],
  'refused (EROFS)': ['write any file of /proc/sys', 'write any file of /sys'],
  'refused (EROFS|EACCES|EPERM|EIO)': ['write any file of /proc'],
  'refused (ECONNRESET)': ["the agent's API without a certificate", "the agent's API at its probes' port"],
  'refused (EADDRINUSE)': [
    ...["the agent's port", "the agent's port, shared", "the agent's port, on IPv6", "the agent's probe port"],
    "a neighbour's port in use",
  ],
  'refused (EHOSTUNREACH)': ["the node's metadata"],
  'refused (EPROTONOSUPPORT)': ['a socket of MPTCP', 'a socket of UDP-Lite', 'a socket of SCTP'],
  'refused (EAFNOSUPPORT)': ['a packet socket', 'a socket to the hypervisor', "the kernel's ciphers"],
  'refused (EINVAL)': ['the audit log'],
  'killed (SIGSYS)': ['the same by socketcall'],
  DONE: OPEN,
};

/** Expected outcome by attempt, as in `refused (EPERM|ENOENT)`. */
export const EXPECTED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(OUTCOMES).flatMap(([outcome, attempts]) => attempts.map((attempt) => [attempt, outcome])),
);

/** Parses the prober's output. @returns outcome by attempt */
export function outcomesIn(log: string): Record<string, string> {
  const lines = log.split('\n').filter((line) => line.includes(': '));
  return Object.fromEntries(lines.map((line) => line.split(/: (?=refused|killed|DONE)/) as [string, string]));
}

/** Whether an outcome is one of those expected of the attempt. */
export function isExpected(attempt: string, outcome: string): boolean {
  const [, kind = '', errnos = ''] = /^(\w+)(?: \((.*)\))?$/.exec(EXPECTED[attempt] ?? '') ?? [];
  const allowed = errnos === '' ? [kind] : errnos.split('|').map((errno) => `${kind} (${errno})`);
  return allowed.includes(outcome);
}
