import { type OciSeccomp } from './seccomp-profile';

/**
 * linux/sched.h: flags of clone and unshare that create namespaces. CLONE_NEWTIME is for unshare only: clone reads that
 * bit as part of a signal.
 */
const NEW_NAMESPACES = 0x7e02_0000;
const NEW_TIME = 0x80;
/** sys/socket.h, linux/netlink.h */
const Family = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const Netlink = { route: 0, audit: 9 } as const;
/** sys/socket.h: options that bypass the routes, including blocked ones. */
const SOL_SOCKET = 1;
const TO_A_DEVICE = [25, 62]; // SO_BINDTODEVICE, SO_BINDTOIFINDEX
/** Powers of two above the kernel's numbers of levels and options. */
const LEVELS = 512;
const OPTIONS = 128;
/** Mask of an int: the kernel ignores the register's upper half. */
const INT = 0xffff_ffff;
/** errno.h */
const Errno = { permission: 1, invalid: 22, noSuchCall: 38, protocolNotSupported: 93, familyNotSupported: 97 } as const;
/**
 * netinet/in.h: unspecified, ICMP, TCP, UDP, ICMPv6. The others (MPTCP, UDP-Lite, SCTP, DCCP, L2TP) are the least
 * tested in the kernel.
 */
const PROTOCOLS = [0, 1, 6, 17, 58];
/** A power of two above the kernel's protocol numbers. */
const MAX_PROTOCOLS = 512;

/**
 * System calls refused whatever the capabilities: they mount, enter other namespaces, or read kernel state. Keyrings
 * belong to root of the whole node, not of a namespace.
 */
const REFUSED = [
  ...['mount', 'umount', 'umount2', 'mount_setattr', 'move_mount', 'open_tree', 'pivot_root'],
  ...['fsopen', 'fsconfig', 'fsmount', 'fspick', 'open_by_handle_at', 'setns'],
  ...['add_key', 'keyctl', 'request_key', 'syslog', 'reboot', 'bpf', 'perf_event_open', 'io_uring_setup'],
];
/** Rarely needed system calls, refused with ENOSYS as on a kernel built without them. */
const ABSENT = ['modify_ldt', 'memfd_secret'];
/** System calls filtered by arguments. clone3's are behind a pointer; without clone3, libraries fall back to clone. */
const BY_ARGUMENT = ['clone', 'clone3', 'unshare', 'setsockopt', 'socket'];

type Rule = OciSeccomp['syscalls'][number];

/**
 * Restricts Debian's profile for a sandbox whose root is the node's. That profile is podman's, which relies on user
 * namespaces.
 * - No new namespaces: in its own user namespace a process regains all capabilities.
 * - Only sockets of the Pod's network, and none that bypasses its routes: a vsock reaches the hypervisor from any
 *   namespace.
 * - No 32-bit system calls: socketcall hides its arguments.
 */
export function sandboxSeccomp(profile: OciSeccomp): OciSeccomp {
  const replaced = new Set([...REFUSED, ...ABSENT, ...BY_ARGUMENT]);
  const others = profile.syscalls.map((rule) => ({ ...rule, names: rule.names.filter((name) => !replaced.has(name)) }));
  return {
    ...profile,
    architectures: profile.architectures.slice(0, 1), // the machine's own is first
    syscalls: [...others.filter(({ names }) => names.length > 0), ...RULES],
  };
}

const equal = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' });
/** Matches ints in a block. Its size must be a power of two that divides its first number. */
const within = (index: number, { first, size }: Block) => ({
  ...{ index, value: INT - (size - 1), valueTwo: first, op: 'SCMP_CMP_MASKED_EQ' },
});
/** Matches an argument with none of the flags. */
const without = (index: number, flags: number) => ({ index, value: flags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' });
const allow = (name: string, ...args: Rule['args'] & object): Rule => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  args,
});
const refuse = (names: string[], errnoRet: number, ...args: Rule['args'] & object): Rule => ({
  ...{ names, action: 'SCMP_ACT_ERRNO', errnoRet },
  ...(args.length > 0 ? { args } : {}),
});

interface Block {
  readonly first: number;
  readonly size: number;
}

/** All numbers of a block except some, as blocks: a filter has no "not equal" for half a register. */
function blocksWithout(excluded: readonly number[], { first, size }: Block): Block[] {
  if (!excluded.some((number) => number >= first && number < first + size)) return [{ first, size }];
  if (size === 1) return [];
  const half = size / 2;
  return [first, first + half].flatMap((start) => blocksWithout(excluded, { first: start, size: half }));
}

const RULES: readonly Rule[] = [
  refuse(REFUSED, Errno.permission),
  refuse(ABSENT, Errno.noSuchCall),
  allow('clone', without(0, NEW_NAMESPACES)),
  allow('unshare', without(0, NEW_NAMESPACES | NEW_TIME)),
  allow('socket', equal(0, Family.unix)),
  ...[Family.inet, Family.inet6].flatMap((family) => [
    ...PROTOCOLS.map((protocol) => allow('socket', equal(0, family), within(2, { first: protocol, size: 1 }))),
    ...blocksWithout(PROTOCOLS, { first: 0, size: MAX_PROTOCOLS }).map((block) =>
      refuse(['socket'], Errno.protocolNotSupported, equal(0, family), within(2, block)),
    ),
  ]),
  allow('socket', equal(0, Family.netlink), equal(2, Netlink.route)),
  // sudo and others then assume a kernel without audit, and go on
  refuse(['socket'], Errno.invalid, equal(0, Family.netlink), equal(2, Netlink.audit)),
  refuse(['socket'], Errno.familyNotSupported, { index: 0, value: Family.netlink, op: 'SCMP_CMP_GT' }),
  ...blocksWithout([SOL_SOCKET], { first: 0, size: LEVELS }).map((levels) => allow('setsockopt', within(1, levels))),
  ...blocksWithout(TO_A_DEVICE, { first: 0, size: OPTIONS }).map((options) =>
    allow('setsockopt', within(1, { first: SOL_SOCKET, size: 1 }), within(2, options)),
  ),
  ...TO_A_DEVICE.map((option) =>
    refuse(
      ['setsockopt'],
      Errno.permission,
      within(1, { first: SOL_SOCKET, size: 1 }),
      within(2, { first: option, size: 1 }),
    ),
  ),
];
