import { type CreateSandboxRequest, type SandboxRequest } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { IMAGE_PULL_POLICIES, type ImagePullPolicy } from '@fsb/api/sandbox';
import { inPowersOf1024, parseQuantity } from '@fsb/api/quantity';
import { VARIABLE_NAME, VARIABLE_NAME_RULE } from '@fsb/api/process-words';
import { normaliseImage } from '@fsb/api/image-name';
import { z } from 'zod';
import { parseBody } from '../http/parse-body';
import { type Ceilings } from './ceilings';
import { MAX_GRACE_SECONDS } from './grace-period';

export const SandboxId = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and -');
const DNS_LABEL = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
export const ObjectName = z.string().regex(DNS_LABEL, "must be a Kubernetes object's name");
const noNul = (text: string): boolean => !text.includes('\0');
const text = z.string().refine(noNul, 'must not contain NUL');
const quantity = z.string().max(40).optional();

export const GraceSeconds = z.number().int().min(0).max(MAX_GRACE_SECONDS);

const Sandbox = z.object({
  sandboxId: SandboxId,
  claimUid: z.string().max(128).default(''),
  claimName: ObjectName,
  image: z.string(),
  cpu: quantity,
  memory: quantity,
  command: z.array(text).optional(),
  args: z.array(text).optional(),
  env: z.record(z.string().regex(VARIABLE_NAME, `a variable's name must be ${VARIABLE_NAME_RULE}`), text).optional(),
  workingDir: z
    .string()
    .refine((path) => path === '' || (path.startsWith('/') && noNul(path)), 'must be an absolute path')
    .optional(),
  namespace: z.string().regex(DNS_LABEL, 'must be a namespace').optional(),
  ports: z.array(z.number().int().min(1).max(65_535)).max(100).optional(),
  resources: z
    .object({ cpu: quantity, memory: quantity, pids: quantity, 'ephemeral-storage': quantity })
    .partial()
    .optional(),
  labels: z.record(z.string(), z.string()).optional(),
  terminationGracePeriodSeconds: GraceSeconds.optional(),
  generation: z.number().int().min(0).optional(),
  object: z.record(z.string(), z.unknown()).optional(),
  pullSecrets: z.array(z.object({ host: z.string(), username: z.string(), password: z.string() })).optional(),
  imagePullPolicy: z.enum(IMAGE_PULL_POLICIES).optional(),
});
const Body = z.object({
  sandbox: Sandbox,
  agentUid: z.string().max(128).optional(),
  leaveNothing: z.boolean().default(false),
  afterDelete: z.number().int().min(0).optional(),
});

/** A checked create request, with limits as numbers. */
export interface AgentCreate {
  readonly request: SandboxRequest;
  /** uid of the agent Pod that the create is meant for; undefined: any */
  readonly agentUid: string | undefined;
  /** whether the sandbox is ended where every caller leaves before the answer */
  readonly leaveNothing: boolean;
  /** number of the last delete of the name that precedes the create; undefined: deletes by name are not checked */
  readonly afterDelete: number | undefined;
  /** normalised */
  readonly image: string;
  readonly imagePullPolicy: ImagePullPolicy;
  readonly ports: readonly number[];
  /** bytes */
  readonly memoryBytes: number | undefined;
  /** cores */
  readonly cpus: number | undefined;
  readonly pids: number;
  /** bytes that it may write */
  readonly storageBytes: number | undefined;
}

/** Bounds a fork bomb; enough for a compiler. */
export const DEFAULT_PIDS = 1024;
/** Below this, runc itself cannot start in the cgroup. */
const LEAST_MEMORY_BYTES = 6 * 1024 * 1024;
/** Cores: from the kernel's smallest quota to more than any machine has. */
const CPUS = [0.001, 4096] as const;
/** Below this, the files that a sandbox starts with exceed the limit. */
const LEAST_STORAGE_BYTES = 64 * 1024;

/**
 * @param reserved ports of the agent itself
 * @param ceilings the largest values that a caller may choose
 * @throws ApiError invalid_argument with the field and what is allowed
 */
export function parseCreate(body: unknown, reserved: readonly number[], ceilings: Ceilings): AgentCreate {
  const {
    sandbox: request,
    agentUid,
    leaveNothing = false,
    afterDelete,
  } = parseBody(Body, body) as CreateSandboxRequest; // zod says `| undefined` where the wire type says absent
  const ports = request.ports ?? [];
  if (new Set(ports).size < ports.length) throw new ApiError('invalid_argument', 'ports: each may be given once');
  const own = ports.find((port) => reserved.includes(port));
  if (own !== undefined) throw new ApiError('invalid_argument', `ports: ${own} is the agent's own; choose another`);
  const resources = { cpu: request.cpu, memory: request.memory, ...request.resources };
  return {
    ...{ request, agentUid, leaveNothing, afterDelete },
    image: normaliseImage(request.image),
    imagePullPolicy: request.imagePullPolicy ?? 'IfNotPresent',
    ports,
    memoryBytes: whole(
      amount(resources.memory, 'resources.memory', [LEAST_MEMORY_BYTES, ceilings.memoryBytes]),
      'resources.memory',
    ),
    cpus: amount(resources.cpu, 'resources.cpu', CPUS),
    pids:
      whole(amount(resources.pids, 'resources.pids', [1, ceilings.pids]), 'resources.pids') ??
      Math.min(DEFAULT_PIDS, ceilings.pids),
    storageBytes: whole(
      amount(resources['ephemeral-storage'], 'resources.ephemeral-storage', [
        LEAST_STORAGE_BYTES,
        ceilings.storageBytes,
      ]),
      'resources.ephemeral-storage',
    ),
  };
}

function amount(
  value: string | undefined,
  field: string,
  [least, most]: readonly [number, number],
): number | undefined {
  if (value === undefined || value === '') return undefined;
  const parsed = parseQuantity(value, field);
  if (parsed >= least && parsed <= most) return parsed;
  const range = `from ${inPowersOf1024(least)} to ${inPowersOf1024(most)}`;
  throw new ApiError('invalid_argument', `${field}: "${value}" must be ${range} on this agent`);
}

function whole(value: number | undefined, field: string): number | undefined {
  if (value === undefined || Number.isInteger(value)) return value;
  throw new ApiError('invalid_argument', `${field}: must be a whole number`);
}
