import { setTimeout as sleep } from 'node:timers/promises';
import { ConsistencyMode, CreateRequest, FailurePolicy, UpdateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type GatewayClient, type Reply } from '../support/gateway-client';
import { type Behaviour, type Change, type CreateAttempt, type Entry, isAcknowledged, type Ledger } from './ledger';
import { type CreateStep, type LoadShape, nextStep, type Step } from './load-plan';
import { NAMESPACE, POOL } from './pool';
import { type SeededRandom } from '../support/seeded-random';

const IMAGE = 'busybox';
const CALL_MS = 5_000;
/** Codes that prove that nothing was made. */
const REFUSALS: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'ALREADY_EXISTS', 'RESOURCE_EXHAUSTED']);

const SCRIPTS: Readonly<Record<Behaviour, string>> = {
  sleeper: 'echo begun; exec sleep 100000',
  stubborn: "trap '' TERM; echo begun; while :; do sleep 1; done",
  succeeds: 'echo begun; sleep 1; exit 0',
  fails: 'echo begun; sleep 1; exit 7',
};

/** One of several concurrent callers. It does one step after the other, with names of its own. */
export class Worker {
  private readonly live: Entry[] = [];
  private readonly free: string[] = [];
  private made = 0;

  constructor(
    private readonly name: string,
    private readonly random: SeededRandom,
    private readonly gateways: readonly GatewayClient[],
    private readonly ledger: Ledger,
    private readonly shape: LoadShape,
  ) {}

  async run(isFilling: () => boolean, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const holdings = { live: this.live.length, free: this.free.length };
      await this.take(nextStep(this.random, holdings, this.shape, isFilling()));
      await sleep(this.random.between(20, 400), undefined, { signal: stop }).catch(() => undefined);
    }
  }

  private async take(step: Step): Promise<void> {
    if (step.type === 'create') {
      await this.create(step);
      return;
    }
    const index = Math.floor(step.which * this.live.length);
    const entry = this.live[index];
    if (!entry) return;
    if (step.type === 'delete') await this.delete(entry, step);
    else if (step.type === 'reset') await this.reset(entry, step.gateway);
    else await this.expire(entry, step);
  }

  private async create(step: CreateStep): Promise<void> {
    const used = step.reuseName ? this.free.shift() : undefined;
    const name = used ?? `${this.name}-${++this.made}`;
    const withRequestId = step.withRequestId || step.repeat;
    const expiresAt = step.expireSeconds === undefined ? undefined : now() + step.expireSeconds * 1000;
    const entry: Entry = {
      ...{ name, mode: step.mode, behaviour: step.behaviour },
      requestId: withRequestId ? `${name}/${this.made}/${now()}` : '',
      ...{ creates: [], resets: [], expiries: [], deletes: [] },
      heir: used !== undefined && leftOpen(this.ledger.get(used)),
    };
    this.ledger.add(entry);
    if (expiresAt !== undefined) {
      const given = { gateway: step.gateway, at: now(), outcome: 'unknown', code: 'in create', message: '' } as const;
      entry.expiries.push({ ...given, expiresAt });
    }
    const request = requestOf(entry, step, expiresAt);
    const ask = async (gateway: number): Promise<void> => {
      entry.creates.push(await this.ask(gateway, request, step.deadlineMs));
    };
    if (step.twice) await Promise.all([ask(step.gateway), ask(this.other(step.gateway))]);
    else await ask(step.gateway);
    if (step.repeat) await ask(this.other(step.gateway));
    if (entry.creates.every(({ outcome }) => outcome === 'refused')) this.free.push(name);
    else this.live.push(entry);
  }

  private async ask(gateway: number, request: CreateRequest, deadlineMs: number): Promise<CreateAttempt> {
    const at = now();
    const reply = await this.at(gateway).create(request, deadlineMs);
    const { sandboxId = '', agentPod = '' } = reply.answer ?? {};
    return { ...outcomeOf(reply, gateway, at), sandboxId, agentPod };
  }

  private async delete(entry: Entry, step: Extract<Step, { type: 'delete' }>): Promise<void> {
    const acknowledged = entry.creates.filter(isAcknowledged);
    // the id from the create is current as long as no other create or reset happened
    const isKnown = step.withId && entry.resets.length === 0 && acknowledged.length === entry.creates.length;
    const sandboxId = isKnown && entry.creates.length === 1 ? (acknowledged[0]?.sandboxId ?? '') : '';
    const at = now();
    const request = { sandboxName: entry.name, namespace: NAMESPACE, sandboxId };
    const change = outcomeOf(await this.at(step.gateway).delete(request, CALL_MS), step.gateway, at);
    entry.deletes.push(change);
    if (!isAcknowledged(change)) return;
    this.live.splice(this.live.indexOf(entry), 1);
    this.free.push(entry.name);
  }

  private async reset(entry: Entry, gateway: number): Promise<void> {
    const value = new Date().toISOString();
    entry.resets.push(await this.update(entry, gateway, { $case: 'resetRevision', value }));
  }

  private async expire(entry: Entry, step: Extract<Step, { type: 'expire' }>): Promise<void> {
    const value = Math.floor(now() / 1000) + step.inSeconds;
    const change = await this.update(entry, step.gateway, { $case: 'expireTimeSeconds', value });
    entry.expiries.push({ ...change, expiresAt: value * 1000 });
  }

  /** An answer without success is not final: the object may still be unwritten. */
  private async update(entry: Entry, gateway: number, update: NonNullable<UpdateRequest['update']>): Promise<Change> {
    const at = now();
    const request = UpdateRequest.fromPartial({ sandboxName: entry.name, namespace: NAMESPACE, update });
    const reply = await this.at(gateway).update(request, CALL_MS);
    const change = outcomeOf(reply, gateway, at);
    if (!reply.answer || reply.answer.success) return change;
    return { ...change, outcome: 'unknown', code: 'NO SUCCESS', message: reply.answer.message };
  }

  private at(gateway: number): GatewayClient {
    const client = this.gateways[gateway];
    if (!client) throw new RangeError(`no gateway ${gateway}`);
    return client;
  }

  private other(gateway: number): number {
    return (gateway + 1) % this.gateways.length;
  }
}

function now(): number {
  return Date.now();
}

function outcomeOf({ code, message }: Reply<unknown>, gateway: number, at: number): Change {
  const outcome = code === 'OK' ? 'acknowledged' : REFUSALS.has(code) ? 'refused' : 'unknown';
  return { gateway, at, outcome, code, message };
}

/** Whether one of its creates may still take effect after its delete was answered. */
function leftOpen(entry: Entry | undefined): boolean {
  return entry !== undefined && (entry.heir || entry.creates.some(({ outcome }) => outcome === 'unknown'));
}

function requestOf(entry: Entry, step: CreateStep, expiresAt: number | undefined): CreateRequest {
  return CreateRequest.fromPartial({
    ...{ image: IMAGE, poolRef: POOL, namespace: NAMESPACE, name: entry.name, requestId: entry.requestId },
    command: ['/bin/sh', '-c', SCRIPTS[entry.behaviour]],
    consistencyMode: entry.mode === 'fast' ? ConsistencyMode.FAST : ConsistencyMode.STRONG,
    exposedPorts: step.port === undefined ? [] : [step.port],
    ...(expiresAt === undefined ? {} : { expireTimeSeconds: Math.floor(expiresAt / 1000) }),
    // AutoRecreate would recreate a failing process for ever
    ...(step.autoRecreate && entry.behaviour === 'sleeper' ? { failurePolicy: FailurePolicy.AUTO_RECREATE } : {}),
  });
}
