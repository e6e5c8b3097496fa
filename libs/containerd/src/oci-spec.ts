import { type OciSeccomp } from './seccomp-profile';

/** Capabilities of root in a sandbox: enough for a package manager, none that reaches the host. */
export const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
] as const;

export interface ContainerLimits {
  /** bytes */
  readonly memoryBytes?: number | undefined;
  /** cores: limit, and weight against other sandboxes under contention; absent: no limit, the weight of one core */
  readonly cpus?: number | undefined;
  readonly pids: number;
}

export interface SpecInput {
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly hostname: string;
  readonly limits: ContainerLimits;
  /** hard limit of open files (RLIMIT_NOFILE) */
  readonly openFiles: number;
  /** path on the host; absent: a new network namespace without interfaces */
  readonly networkNamespace?: string | undefined;
  readonly cgroupsPath: string;
  readonly seccomp?: OciSeccomp | undefined;
  readonly annotations?: Readonly<Record<string, string>>;
  /** absent: {@link CAPABILITIES} */
  readonly capabilities?: readonly string[];
  /** OCI mounts, after the default ones */
  readonly mounts?: readonly object[];
}

/** Soft limit of open files, the largest that select(2) works with. A process may raise it to the hard limit. */
const SOFT_OPEN_FILES = 1024;
/** Microseconds of a CPU period: the kernel's default, 100 ms. */
export const CPU_PERIOD_US = 100_000;
/** docker's list, and further files that expose the node: its command line, build, disks, locks and memory. */
const MASKED = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/buddyinfo',
  '/proc/cmdline',
  '/proc/config.gz',
  '/proc/diskstats',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/key-users',
  '/proc/keys',
  '/proc/kpagecgroup',
  '/proc/kpagecount',
  '/proc/kpageflags',
  '/proc/latency_stats',
  '/proc/locks',
  '/proc/pagetypeinfo',
  '/proc/slabinfo',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/vmallocinfo',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/pressure', '/proc/sys', '/proc/sysrq-trigger'];
const NO_EXEC = ['nosuid', 'noexec', 'nodev'];
const MOUNTS: readonly object[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: NO_EXEC },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...NO_EXEC, 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: NO_EXEC },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...NO_EXEC, 'ro'] },
  // the sandbox's own limits and usage, as with docker and the kubelet: language runtimes read them here
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...NO_EXEC, 'relatime', 'ro'] },
];

/** The OCI runtime spec (1.0.2) of a sandbox's container, hardened by default. Pure. */
export function buildSpec(input: SpecInput): Record<string, unknown> {
  const capabilities = input.capabilities ?? CAPABILITIES;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 }, // of the launcher, which switches to the image's user
      args: input.args,
      env: input.env,
      cwd: input.workingDir,
      // empty inheritable: a program that the user's process executes does not regain dropped capabilities
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [] },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: input.openFiles, soft: Math.min(SOFT_OPEN_FILES, input.openFiles) }],
      noNewPrivileges: true,
      // killed first when the node runs out of memory; by default sandboxes have containerd's -998, and agents go first
      oomScoreAdj: 1000,
    },
    root: { path: 'rootfs', readonly: false },
    hostname: input.hostname,
    mounts: [...MOUNTS, ...(input.mounts ?? [])],
    annotations: input.annotations ?? {},
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'cgroup' },
        { type: 'network', ...(input.networkNamespace === undefined ? {} : { path: input.networkNamespace }) },
      ],
      cgroupsPath: input.cgroupsPath,
      resources: resources(input.limits),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
      ...(input.seccomp ? { seccomp: input.seccomp } : {}),
    },
  };
}

/** CPU quota in microseconds per period, at least the kernel's minimum of 1 ms. */
export function cpuQuota(cpus: number): number {
  return Math.max(1000, Math.round(cpus * CPU_PERIOD_US));
}

/** CPU weight on cgroup v1: 1024 per core. */
export function cpuShares(cpus: number): number {
  return Math.max(2, Math.round(cpus * 1024));
}

function resources({ memoryBytes, cpus, pids }: ContainerLimits): Record<string, unknown> {
  return {
    devices: [{ allow: false, access: 'rwm' }],
    pids: { limit: pids },
    ...(memoryBytes === undefined ? {} : { memory: { limit: memoryBytes } }),
    ...(cpus === undefined ? {} : { cpu: { quota: cpuQuota(cpus), period: CPU_PERIOD_US, shares: cpuShares(cpus) } }),
  };
}
