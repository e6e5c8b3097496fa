import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf, type Pod } from '@fsb/controller-runtime/kinds';
import { type AgentPod, readAgentPod } from './agent-pod';

export interface PodSources {
  /** informer with AGENT_POD_SELECTOR; its owner starts and stops it */
  readonly pods: Informer<Pod>;
  readonly pools: Informer<SandboxPool>;
}

/** Called for each change of a believed agent Pod. @param pod undefined: it is gone, or not believed */
export type PodListener = (id: string, pod: AgentPod | undefined) => void;

/**
 * Filters agent Pods by their pool. Anyone who may create Pods can name a pool as the controller of one, so a Pod is
 * believed only if a pool with that uid exists. It stays believed: a deleted pool is gone before its agents.
 */
export class BelievedPods {
  /** uids of believed Pods */
  private readonly believed = new Set<string>();
  /** by id, Pods whose pool does not exist, or is not known yet */
  private readonly waiting = new Map<string, AgentPod>();

  constructor(
    private readonly sources: PodSources,
    private readonly listener: PodListener,
  ) {
    sources.pods.onChange((key, pod, before) => {
      if (!pod) this.believed.delete(before?.metadata.uid ?? '');
      this.review(key, pod && readAgentPod(pod));
    });
    sources.pools.onChange((_key, pool) => {
      if (pool) this.reviewPodsOf(pool);
    });
  }

  /** Begins with the Pods that the informer has already. */
  start(): void {
    for (const pod of this.sources.pods.list()) this.review(keyOf(pod), readAgentPod(pod));
  }

  get hasSynced(): boolean {
    return this.sources.pods.hasSynced && this.sources.pools.hasSynced;
  }

  private review(id: string, pod: AgentPod | undefined): void {
    if (!pod || this.isBelieved(pod)) {
      this.waiting.delete(id);
      this.listener(id, pod);
      return;
    }
    this.waiting.set(id, pod);
    this.listener(id, undefined);
  }

  private reviewPodsOf({ metadata }: SandboxPool): void {
    for (const [id, pod] of this.waiting) if (pod.poolUid === metadata.uid) this.review(id, pod);
  }

  private isBelieved({ uid, namespace, pool, poolUid }: AgentPod): boolean {
    if (this.believed.has(uid)) return true;
    if (this.sources.pools.get(`${namespace}/${pool}`)?.metadata.uid !== poolUid) return false;
    this.believed.add(uid);
    return true;
  }
}
