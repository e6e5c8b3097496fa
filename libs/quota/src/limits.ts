import { ApiError } from '@fsb/api/errors';
import { inPowersOf1024, parseQuantity } from '@fsb/api/quantity';
import { type SandboxResources } from '@fsb/api/sandbox';
import { type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { type Usage } from './usage';

/** Names in a ResourceQuota's `spec.hard`. The first is Kubernetes' own, which its API server enforces as well. */
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
  /** as written in the quota */
  readonly text: string;
  /** in its base unit: sandboxes, cores, bytes, processes, creates per second */
  readonly value: number;
}

export type QuotaLimits = Readonly<Partial<Record<Limited, Limit>>>;

/** Refusal of a create by a limit of its namespace; `resource_exhausted` to the caller. */
export class LimitError extends ApiError {
  constructor(
    readonly limited: Limited | 'inFlight',
    message: string,
    retryDelayMs: number,
  ) {
    super('resource_exhausted', message, { retryDelayMs });
  }
}

/** Pause before a retry. A delete may free room at any time, but retrying more often gains nothing. */
const RETRY_MS = 1_000;

/**
 * The limits that a namespace's ResourceQuotas set: of several quotas the lowest. Quotas with scopes are ignored, since
 * they apply to Pods. A limit that is not a quantity counts as 0.
 */
export function limitsOf(quotas: readonly ResourceQuota[]): QuotaLimits {
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

/**
 * The refusal of one more sandbox.
 * @param used by the namespace so far
 * @returns undefined if it fits; invalid_argument naming a resource that is limited but not given; else a LimitError
 */
export function overLimit(
  limits: QuotaLimits,
  used: Usage,
  { namespace, resources, usage }: Wanted,
): ApiError | undefined {
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
