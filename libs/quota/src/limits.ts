import { ApiError } from '@fsb/api/errors';
import { inPowersOf1024, parseQuantity } from '@fsb/api/quantity';
import { type SandboxResources } from '@fsb/api/sandbox';
import { type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { type Usage } from './usage';

/** The names in a ResourceQuota's `spec.hard`. The first is Kubernetes' own: its API server counts by it as well. */
export const HARD = {
  sandboxes: 'count/sandboxes.sandbox.fast.io',
  cpu: 'sandbox.fast.io/cpu',
  memory: 'sandbox.fast.io/memory',
  pids: 'sandbox.fast.io/pids',
  storage: 'sandbox.fast.io/ephemeral-storage',
  createsPerSecond: 'sandbox.fast.io/creates-per-second',
} as const;
export type Limited = keyof typeof HARD;

/** The fields of a sandbox's resources that a quota may limit. */
const FIELDS = { cpu: 'cpu', memory: 'memory', pids: 'pids', storage: 'ephemeral-storage' } as const;

export interface Limit {
  /** the ResourceQuota's name */
  readonly quota: string;
  /** as it is written there */
  readonly text: string;
  /** of its base unit: sandboxes, cores, bytes, processes, creates a second */
  readonly value: number;
}

export type Limits = Readonly<Partial<Record<Limited, Limit>>>;

/** A create that a limit forbids. */
export class LimitError extends ApiError {
  constructor(
    readonly limited: Limited | 'inFlight',
    message: string,
    retryDelayMs: number,
  ) {
    super('resource_exhausted', message, { retryDelayMs });
  }
}

/** A delete elsewhere may make room at any time; asking more often than this gains nothing. */
const RETRY_MS = 1_000;

/** The lowest of several quotas counts. One with scopes is about Pods; what is no quantity allows nothing. */
export function limitsOf(quotas: readonly ResourceQuota[]): Limits {
  const limits: Partial<Record<Limited, Limit>> = {};
  for (const { metadata, spec } of quotas) {
    if (!spec?.hard || spec.scopes?.length || spec.scopeSelector) continue;
    for (const [limited, resource] of Object.entries(HARD) as [Limited, string][]) {
      const text = spec.hard[resource];
      if (text === undefined) continue;
      const value = quantityOrNought(String(text));
      const known = limits[limited];
      if (known === undefined || value < known.value) {
        limits[limited] = { quota: metadata.name ?? '', text: String(text), value };
      }
    }
  }
  return limits;
}

export interface Wanted {
  readonly namespace: string;
  readonly resources: SandboxResources;
  readonly usage: Usage;
}

/** Why one more sandbox is too much, where it is. */
export function overLimit(limits: Limits, used: Usage, { namespace, resources, usage }: Wanted): ApiError | undefined {
  for (const [limited, field] of Object.entries(FIELDS) as [keyof typeof FIELDS, keyof SandboxResources][]) {
    const limit = limits[limited];
    if (!limit || resources[field] !== undefined) continue;
    const message = `resources.${field}: must be given, or be in the pool's sandboxDefaults: quota "${limit.quota}" of namespace "${namespace}" limits ${HARD[limited]}`;
    return new ApiError('invalid_argument', message);
  }
  const checks = [
    ['sandboxes', used.sandboxes, usage.sandboxes, String],
    ['cpu', used.milliCpu / 1000, usage.milliCpu / 1000, String],
    ['memory', used.memory, usage.memory, inPowersOf1024],
    ['pids', used.pids, usage.pids, String],
    ['storage', used.storage, usage.storage, inPowersOf1024],
  ] as const;
  for (const [limited, has, wants, text] of checks) {
    const limit = limits[limited];
    if (!limit || has + wants <= limit.value) continue;
    const message = `quota "${limit.quota}" of namespace "${namespace}" is used up: ${HARD[limited]} is limited to ${limit.text}, ${text(has)} are in use, ${text(wants)} more would be needed; delete a sandbox, or try again when one has ended`;
    return new LimitError(limited, message, RETRY_MS);
  }
  return undefined;
}

function quantityOrNought(text: string): number {
  try {
    return parseQuantity(text, 'hard');
  } catch {
    return 0;
  }
}
