import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf, type Pod } from '@fsb/controller-runtime/kinds';
import { type AgentPod, agentPod } from './agent-pod';

export interface PodSources {
  /** of the Pods that AGENT_POD_SELECTOR selects; started and stopped by its owner */
  readonly pods: Informer<Pod>;
  readonly pools: Informer<SandboxPool>;
}

/** Told of each agent Pod that is believed, and of its end. */
export type PodListener = (id: string, pod: AgentPod | undefined) => void;

/**
 * Anybody who may make Pods can say in one that a pool controls it: believed is a Pod whose pool is there, by its uid. Once
 * believed it stays so, for a pool that is deleted goes before its agents.
 */
export class BelievedPods {
  /** by uid */
  private readonly believed = new Set<string>();
  /** by id: those whose pool is not there, or not known yet */
  private readonly waiting = new Map<string, AgentPod>();

  constructor(
    private readonly sources: PodSources,
    private readonly listener: PodListener,
  ) {
    sources.pods.onChange((key, pod, before) => {
      if (!pod) this.believed.delete(before?.metadata.uid ?? '');
      this.look(key, pod && agentPod(pod));
    });
    sources.pools.onChange((_key, pool) => {
      if (pool) this.lookAgain(pool);
    });
  }

  /** Takes what the informers know already. */
  start(): void {
    for (const pod of this.sources.pods.list()) this.look(keyOf(pod), agentPod(pod));
  }

  get hasSynced(): boolean {
    return this.sources.pods.hasSynced && this.sources.pools.hasSynced;
  }

  private look(id: string, pod: AgentPod | undefined): void {
    if (!pod || this.isBelieved(pod)) {
      this.waiting.delete(id);
      this.listener(id, pod);
      return;
    }
    this.waiting.set(id, pod);
    this.listener(id, undefined);
  }

  private lookAgain({ metadata }: SandboxPool): void {
    for (const [id, pod] of this.waiting) if (pod.poolUid === metadata.uid) this.look(id, pod);
  }

  private isBelieved({ uid, namespace, pool, poolUid }: AgentPod): boolean {
    if (this.believed.has(uid)) return true;
    if (this.sources.pools.get(`${namespace}/${pool}`)?.metadata.uid !== poolUid) return false;
    this.believed.add(uid);
    return true;
  }
}
