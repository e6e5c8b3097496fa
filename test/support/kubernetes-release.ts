import { join } from 'node:path';
import { checked } from './command';

/** What a release of Kubernetes wants in its own way: flags of its programs, fields of its kubelet's configuration. */
export interface KubernetesRelease {
  /** as in `v1.35.0` */
  readonly version: string;
  /** false for Debian's 1.20, which scripts/kubernetes.sh builds where there is no Go compiler for a current one */
  readonly isCurrent: boolean;
  /** of `kubectl apply` for the CRDs */
  readonly apply: readonly string[];
  readonly apiserver: readonly string[];
  /** of kube-controller-manager and kube-scheduler */
  readonly controllers: readonly string[];
  readonly kubelet: readonly string[];
  readonly kubeletConfig: object;
}

/** Ports without TLS, and a runtime that is not of its own, are what 1.24 took for granted. */
const OLD = {
  isCurrent: false,
  apply: ['--validate=false'], // it drops rules in CEL, which kubectl takes for a mistake
  apiserver: ['--insecure-port=0'],
  controllers: ['--port=0'],
  kubelet: ['--container-runtime=remote'],
  kubeletConfig: {},
};
/** Since 1.35 a kubelet refuses cgroup v1 unless it is allowed. */
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
 * @param programs the folder that scripts/kubernetes.sh names
 * @throws where its API server does not tell its version
 */
export async function releaseOf(programs: string): Promise<KubernetesRelease> {
  const said = await checked(join(programs, 'kube-apiserver'), ['--version']);
  const [, version, minor] = /^Kubernetes (v1\.(\d+)\.\d+)/.exec(said) ?? [];
  if (version === undefined) throw new Error(`kube-apiserver --version said: ${said}`);
  return { version, ...(Number(minor) >= CURRENT_FROM_MINOR ? CURRENT : OLD) };
}
