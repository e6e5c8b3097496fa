import { type AgentPod } from './agent-pod';

/** The agent Pods that have no address yet, by pool. */
export class StartingPods {
  /** by id: `namespace/pool` */
  private readonly pods = new Map<string, string>();

  /** @returns whether it was one and is none any more */
  changed(id: string, pod: AgentPod | undefined): boolean {
    if (pod?.starting !== true || pod.terminating) return this.pods.delete(id);
    this.pods.set(id, `${pod.namespace}/${pod.pool}`);
    return false;
  }

  countOf(namespace: string, pool: string): number {
    return [...this.pods.values()].filter((key) => key === `${namespace}/${pool}`).length;
  }
}
