import { readFileSync } from 'node:fs';

export interface PrivateContainerdPaths {
  readonly root: string;
  readonly state: string;
  readonly socket: string;
}

/** Bit 24 of the effective capabilities. Without it no oom_score_adj can be lowered, and runc fails when it tries. */
const CAP_SYS_RESOURCE = 1n << 24n;

/**
 * Configuration of a private containerd: CRI on (for pulls), everything below the stack's folders. A restarted
 * containerd takes a shim that does not answer in time for dead and kills its sandboxes; the default of 5 s is too
 * short on a machine where everything restarts at once.
 */
export function containerdConfig({ root, state, socket }: PrivateContainerdPaths): string {
  return `version = 2
root = ${JSON.stringify(root)}
state = ${JSON.stringify(state)}

[grpc]
  address = ${JSON.stringify(socket)}

[timeouts]
  "io.containerd.timeout.shim.load" = "60s"
  "io.containerd.timeout.task.state" = "10s"

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = ${String(!hasSysResource())}
`;
}

/**
 * Command that starts it: in a mount namespace of its own, without the unified half of a hybrid cgroup hierarchy, since
 * crun refuses to run where both are mounted. Mounts of the machine (network namespaces) still propagate into it; its
 * own stay inside.
 */
export function containerdCommand(configFile: string): { command: string; args: string[] } {
  const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec containerd --config "$0"';
  return { command: 'unshare', args: ['--mount', '--propagation', 'slave', 'sh', '-c', script, configFile] };
}

function hasSysResource(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & CAP_SYS_RESOURCE) !== 0n;
}
