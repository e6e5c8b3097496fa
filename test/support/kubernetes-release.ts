import { join } from 'node:path';
import { checked } from './command';

/** Differences between releases of Kubernetes: program flags, and fields of the kubelet's configuration. */
export interface KubernetesRelease {
  /** for example `v1.35.0` */
  readonly version: string;
  /** false for Debian's 1.20, which scripts/kubernetes.sh builds without a Go compiler for a current release */
  readonly isCurrent: boolean;
  /** flags of `kubectl apply` for the CRDs */
  readonly apply: readonly string[];
  readonly apiserver: readonly string[];
  /** flags of kube-controller-manager and kube-scheduler */
  readonly controllers: readonly string[];
  readonly kubelet: readonly string[];
  readonly kubeletConfig: object;
}

/** Until 1.24, insecure ports and the built-in container runtime were the defaults. */
const OLD = {
  isCurrent: false,
  apply: ['--validate=false'], // 1.20 drops CEL rules, which kubectl would report as an error
  apiserver: ['--insecure-port=0'],
  controllers: ['--port=0'],
  kubelet: ['--container-runtime=remote'],
  kubeletConfig: {},
};
/** Since 1.35 the kubelet refuses cgroup v1 by default. */
const CURRENT = {
  isCurrent: true,
  apply: [],
  apiserver: [],
  controllers: [],
  kubelet: [],
  kubeletConfig: { failCgroupV1: false },
};
const CURRENT_FROM_MINOR = 35;

/**
 * @param programs folder that scripts/kubernetes.sh prints
 * @throws Error when kube-apiserver prints no version
 */
export async function releaseOf(programs: string): Promise<KubernetesRelease> {
  const said = await checked(join(programs, 'kube-apiserver'), ['--version']);
  const [, version, minor] = /^Kubernetes (v1\.(\d+)\.\d+)/.exec(said) ?? [];
  if (version === undefined) throw new Error(`kube-apiserver --version said: ${said}`);
  return { version, ...(Number(minor) >= CURRENT_FROM_MINOR ? CURRENT : OLD) };
}
