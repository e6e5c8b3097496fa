import { randomInt } from 'node:crypto';
import { isApiError, messageOf } from '@fsb/api/errors';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { keyOf, POD_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentCertificates } from '../certificates/agent-certificates';
import { agentPod, type AgentSettings } from './agent-pod';
import { type ExpectedPods } from './expected-pods';

/** Kubernetes' alphabet for generated names: no vowels and no look-alikes. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const AT_ONCE = 10;
/** Milliseconds after which a created Pod that is not in the cache is looked up. */
export const OVERDUE_MS = 5_000;

export interface AgentCreationParts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly expected: ExpectedPods;
  readonly certificates: AgentCertificates;
}

/** Creates agent Pods, each exactly once even if the answer of its create is lost. */
export class AgentCreation {
  constructor(
    private readonly parts: AgentCreationParts,
    private readonly settings: () => Promise<AgentSettings>,
  ) {}

  /** Creates `count` Pods, 10 at a time. @throws ApiError the first failure, which ends the work after its batch */
  async create(pool: SandboxPool, count: number, signal: AbortSignal): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      const batch = Array.from({ length: Math.min(left, AT_ONCE) }, () => this.createOne(pool, signal));
      const failed = (await Promise.allSettled(batch)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    }
  }

  /** Looks up the Pods that are overdue in the cache: each is kept, or forgotten if it does not exist. */
  async settle(pool: SandboxPool, signal: AbortSignal): Promise<void> {
    const key = keyOf(pool);
    const namespace = pool.metadata.namespace ?? '';
    for (const name of this.parts.expected.overdue(key, Date.now(), OVERDUE_MS)) {
      try {
        const pod = await this.parts.client.get(POD_KIND, { namespace, name }, { signal });
        this.parts.expected.expectCreated(key, pod, Date.now());
      } catch (error) {
        if (!isApiError(error, 'not_found')) throw error;
        this.parts.expected.forget(key, name);
      }
    }
  }

  private async createOne(pool: SandboxPool, signal: AbortSignal): Promise<void> {
    const key = keyOf(pool);
    const pod = agentPod(pool, suffix(), await this.settings());
    const name = pod.metadata.name ?? '';
    this.parts.expected.expectCreated(key, pod, Date.now());
    try {
      const made = await this.parts.client.create(POD_KIND, pod, { signal });
      this.parts.expected.expectCreated(key, made, Date.now());
      this.parts.events.record(pool, 'Normal', 'AgentCreated', `created agent Pod ${name}`);
      const { namespace = '', uid = '' } = made.metadata;
      // at once: the Pod cannot start without it. After a failure the next round creates it.
      await this.parts.certificates.ensure([{ namespace, name, uid }], signal).catch(() => undefined);
    } catch (error) {
      // without an answer the Pod may exist: it counts until a lookup says otherwise
      if (isUnanswered(error)) throw error;
      this.parts.expected.forget(key, name);
      this.parts.events.record(pool, 'Warning', 'FailedCreate', `cannot create an agent Pod: ${messageOf(error)}`);
      throw error;
    }
  }
}

function isUnanswered(error: unknown): boolean {
  return ['unavailable', 'deadline_exceeded', 'aborted'].some((code) => isApiError(error) && error.code === code);
}

function suffix(): string {
  return Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
