import { ContainerLabels, CREATE_TIMESTAMP_ANNOTATION } from '@fsb/api/labels';
import { type SandboxPhase } from '@fsb/api/phases';
import { type Sandbox } from '@fsb/api/sandbox';
import { fastSandboxId, objectSandboxId } from '@fsb/api/sandbox-id';
import { type Change, type CreateAttempt, type Entry, isAcknowledged, type Ledger } from './ledger';
import { POOL_MAX } from './pool';
import { type World } from '../support/world';

/** Time until adoption: the orphan timeout, and time to write the object. */
const ADOPTED_MS = 20_000;

/** Sandboxes whose state breaks what was acknowledged. Empty: every promise is kept. Pure. */
export function brokenPromises(ledger: Ledger, world: World, now: number): string[] {
  const entries = ledger.current();
  const objects = new Map(world.objects.map((object) => [object.metadata.name ?? '', object]));
  const requested = new Set(entries.map(({ name }) => name));
  return [
    ...[...objects.keys()].filter((name) => !requested.has(name)).map((name) => `sandbox ${name} was never requested`),
    ...entries.flatMap((entry) => {
      const broken = judge(entry, objects.get(entry.name), { world, now, ledger });
      return broken === undefined ? [] : [`sandbox ${entry.name}: ${broken} [${historyOf(entry)}]`];
    }),
  ];
}

interface Evidence {
  readonly world: World;
  /** Unix ms */
  readonly now: number;
  readonly ledger: Ledger;
}

function judge(entry: Entry, object: Sandbox | undefined, evidence: Evidence): string | undefined {
  const { world } = evidence;
  if (!object)
    return mustExist(entry) && !isExplained(entry, evidence) ? 'acknowledged, but gone without an Event' : undefined;
  if (mustBeAbsent(entry)) return `must not exist, but is ${phaseOf(object)}`;
  if (object.metadata.deletionTimestamp !== undefined) return 'is still being deleted';
  const stranger = unexplainedId(entry, object, world);
  if (stranger !== undefined || !isShimLost(object)) return stranger ?? phase(entry, object, evidence);
  return diedWithItsShim(object, evidence) ? undefined : 'failed with ShimLost, but none of its shims was killed';
}

/** Acknowledged, and never deleted. */
function mustExist({ creates, deletes }: Entry): boolean {
  return deletes.length === 0 && creates.some(isAcknowledged);
}

/** Nothing of it may exist: every create was refused, or it was deleted and no create can still take effect. */
function mustBeAbsent({ creates, deletes, heir }: Entry): boolean {
  if (heir) return false;
  if (creates.every(({ outcome }) => outcome === 'refused')) return true;
  return deletes.some(isAcknowledged) && creates.every(({ outcome }) => outcome !== 'unknown');
}

/** An acknowledged id that the object has neither now nor had before a reset, and that no Event names. */
function unexplainedId(entry: Entry, object: Sandbox, world: World): string | undefined {
  const own = lineage(object);
  const lost = entry.creates
    .filter(isAcknowledged)
    .find(({ sandboxId }) => !own.has(sandboxId) && !hasEvent(sandboxId, world));
  return (
    lost &&
    `acknowledged as ${lost.sandboxId}, but the object has ${object.status?.sandboxID ?? 'no id'}, and no Event names it`
  );
}

function isExplained({ creates }: Entry, { world, ledger }: Evidence): boolean {
  return creates
    .filter(isAcknowledged)
    .every((create) => hasEvent(create.sandboxId, world) || wentWithAll(create, ledger));
}

/** Its agent's Pod died too: where its gateway died before the object was written, only that agent still knew of it. */
function wentWithAll({ agentPod, at }: CreateAttempt, { podDeaths }: Ledger): boolean {
  const diedAt = podDeaths.get(agentPod);
  return diedAt !== undefined && Math.abs(diedAt - at) < ADOPTED_MS;
}

function hasEvent(sandboxId: string, { events }: World): boolean {
  return events.some(({ type, message }) => type === 'Warning' && message.includes(sandboxId));
}

/** All ids that the object's containers have had. */
function lineage({ metadata, status }: Sandbox): Set<string> {
  const { name = '', namespace = '', uid = '', annotations } = metadata;
  const nanos = annotations?.[CREATE_TIMESTAMP_ANNOTATION];
  const attempts = Array.from({ length: (status?.attempt ?? 0) + 1 }, (_, attempt) => objectSandboxId(uid, attempt));
  const first = nanos === undefined ? [] : [fastSandboxId(name, namespace, BigInt(nanos))];
  return new Set([...attempts, ...first, status?.sandboxID ?? uid]);
}

function phase(entry: Entry, object: Sandbox, { world, now, ledger }: Evidence): string | undefined {
  const is = phaseOf(object);
  if (is === 'Pending' || is === 'Bound') return waits(entry, object, world);
  const { exitCode, reason = '', message = '' } = object.status ?? {};
  if (is === 'Lost' && mayBeLost(entry, object, ledger)) return undefined;
  const allowed = allowedPhases(entry, now);
  if (!allowed.has(is)) return `is ${is} (${reason}: ${message}), not ${[...allowed].join(' or ')}`;
  if (is === 'Failed' && exitCode !== 7) return `has failed with ${exitCode ?? 'no code'} (${reason}: ${message})`;
  return undefined;
}

/** Lost is allowed when its agent's Pod was deleted, or when an unanswered delete may have reached the container. */
function mayBeLost({ deletes }: Entry, { status }: Sandbox, { podDeaths }: Ledger): boolean {
  return podDeaths.has(status?.assignedPod ?? '') || deletes.some(({ outcome }) => outcome === 'unknown');
}

function isShimLost({ status }: Sandbox): boolean {
  return status?.phase === 'Failed' && status.reason === 'ShimLost';
}

/** Whether chaos killed its shim. A warm-started container has another id than its sandbox. */
function diedWithItsShim({ status }: Sandbox, { world: { containers }, ledger: { shimDeaths } }: Evidence): boolean {
  const id = status?.sandboxID ?? '';
  const own = containers.find(({ labels }) => labels[ContainerLabels.id] === id)?.id;
  return shimDeaths.has(id) || (own !== undefined && shimDeaths.has(own));
}

/** Phases allowed by what its process does and by its acknowledged and open expiries. */
function allowedPhases({ behaviour, expiries }: Entry, now: number): Set<SandboxPhase> {
  const last = expiries.at(-1);
  const hasExpired = expiries.some(({ expiresAt }) => expiresAt <= now);
  const certainly = last?.outcome === 'acknowledged' && last.expiresAt <= now;
  const ends = { sleeper: 'Running', stubborn: 'Running', succeeds: 'Succeeded', fails: 'Failed' } as const;
  const end = ends[behaviour];
  if (end === 'Running' && certainly) return new Set(['Expired']);
  return new Set(hasExpired ? [end, 'Expired'] : [end]);
}

/** A sandbox may wait for room only while there is none. */
function waits({ creates, resets }: Entry, object: Sandbox, { agents }: World): string | undefined {
  const ports = object.spec.exposedPorts ?? [];
  const isFull =
    agents.length >= POOL_MAX &&
    agents.every(({ status }) => {
      if (!status) return false;
      const isTaken = ports.some((port) => status.free?.usedPorts.includes(port));
      return isTaken || status.allocated >= status.capacity;
    });
  const mayWait = resets.length > 0 || !creates.some(isAcknowledged);
  if (isFull && mayWait) return undefined;
  const { reason = '', message = '' } = object.status ?? {};
  return `is waiting as ${phaseOf(object)} (${reason}: ${message})${isFull ? '' : ', although there is room'}`;
}

function phaseOf({ status }: Sandbox): SandboxPhase {
  return status?.phase ?? 'Pending';
}

function historyOf({ mode, behaviour, creates, resets, expiries, deletes, heir }: Entry): string {
  const list = (what: string, changes: readonly (Change & { sandboxId?: string })[]): string[] =>
    changes.map(({ gateway, code, message, at, sandboxId = '' }) => {
      const detail = code === 'OK' ? sandboxId : message;
      return `${what} at gateway ${gateway + 1} ${new Date(at).toISOString().slice(11, 23)}: ${code} ${detail}`.trim();
    });
  const all = [
    ...list('create', creates),
    ...list('reset', resets),
    ...list('expire', expiries),
    ...list('delete', deletes),
  ];
  return `${mode} ${behaviour}${heir ? ' heir' : ''}: ${all.join(', ')}`;
}
