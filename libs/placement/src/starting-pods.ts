import { type AgentPod } from './agent-pod';

/** Counts the pending agent Pods of each pool. */
export class StartingPods {
  /** `namespace/pool` by Pod id */
  private readonly pods = new Map<string, string>();

  /** @returns whether the Pod was starting until now, and no longer is */
  changed(id: string, pod: AgentPod | undefined): boolean {
    if (pod?.starting !== true || pod.terminating) return this.pods.delete(id);
    this.pods.set(id, `${pod.namespace}/${pod.pool}`);
    return false;
  }

  countOf(namespace: string, pool: string): number {
    return [...this.pods.values()].filter((key) => key === `${namespace}/${pool}`).length;
  }
}
