import { createHash } from 'node:crypto';
import { type SandboxRequest } from '@fsb/agent-api/agent-api';
import {
  CREATE_TIMESTAMP_ANNOTATION,
  CREATED_BY_FASTPATH,
  CREATED_BY_LABEL,
  REQUEST_ID_ANNOTATION,
  TRACEPARENT_ANNOTATION,
} from '@fsb/api/labels';
import { ConsistencyMode, type CreateRequest, FailurePolicy, type Resources } from '@fsb/api/gen/fastpath/v1/fastpath';
import { requireAllowedImage } from '@fsb/api/allowed-registries';
import { normaliseImage } from '@fsb/api/image-name';
import { checkProcessWords, expandProcess, VARIABLE_NAME, VARIABLE_NAME_RULE } from '@fsb/api/process-words';
import { parseQuantity } from '@fsb/api/quantity';
import { IMAGE_PULL_POLICIES, type SandboxResources, type SandboxSpec } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { fastSandboxId } from '@fsb/api/sandbox-id';
import { type SandboxTemplate } from '@fsb/placement/sandbox-object';
import { type TemplateSigner } from '@fsb/placement/vouched-template';
import {
  checkLabels,
  gracePeriod,
  instant,
  invalid,
  namespaceName,
  objectName,
  recoveryTimeout,
  shown,
} from '../sandboxes/field-rules';

export type Mode = 'fast' | 'strong';

/** A create whose fields have all been checked. */
export interface ValidatedCreate {
  readonly mode: Mode;
  readonly name: string;
  readonly namespace: string;
  readonly pool: string;
  /** normalised name, as in docker.io/library/alpine:latest; the spec keeps the caller's */
  readonly image: string;
  /** empty: none */
  readonly requestId: string;
  /** longest wait for a slot or a port while the pool may grow, in milliseconds; 0: refused at once */
  readonly waitMs: number;
  /** whether the caller chose a name or a request_id */
  readonly isFindable: boolean;
  /** time of the request, on the clock of `performance.now()` */
  readonly begunAt: number;
  /** Unix nanoseconds of the request; as in the Go predecessor, the id of a FAST sandbox is derived from it */
  readonly createdNanos: bigint;
  /** W3C trace context of the call; undefined when it is not traced */
  readonly traceparent?: string | undefined;
  readonly envs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: SandboxSpec;
}

/** Settings of the gateway, and the time, that a create is checked against. */
export interface CreateDefaults {
  /** mode of creates that name none */
  readonly mode: Mode;
  /** the agents' own port, which no sandbox may expose */
  readonly agentPort: number;
  /** value of `--allowed-registries` */
  readonly allowedRegistries: readonly string[];
  /** Unix nanoseconds */
  readonly nowNanos: bigint;
  /** the same moment on the clock of `performance.now()` */
  readonly now: number;
  readonly traceparent?: string | undefined;
}

const MAX_PORTS = 100;
/** Bytes of command, args, envs and working_dir together: an object in etcd must hold them twice over. */
const MAX_STRINGS = 256 * 1024;
const MAX_REQUEST_ID = 128;
const MAX_WAIT_SECONDS = 300;

/** Checks a request. @throws ApiError invalid_argument, naming the field and what is allowed */
export function validateCreate(request: CreateRequest, defaults: CreateDefaults): ValidatedCreate {
  const namespace = namespaceName(request.namespace);
  const name = request.name === '' ? generatedName(request, defaults.nowNanos) : objectName('name', request.name);
  const pool = objectName('pool_ref', request.poolRef);
  const image = normaliseImage(request.image);
  requireAllowedImage(image, defaults.allowedRegistries, '--allowed-registries of the gateway');
  const mode = modeOf(request.consistencyMode, defaults.mode);
  checkStrings(request);
  checkPorts(request.exposedPorts, defaults.agentPort);
  checkLabels(request.labels);
  if (request.requestId.length > MAX_REQUEST_ID) throw invalid('request_id', `must be at most ${MAX_REQUEST_ID} long`);
  return {
    ...{ mode, name, namespace, pool, image },
    requestId: request.requestId,
    waitMs: waitMsOf(request),
    isFindable: request.name !== '' || request.requestId !== '',
    begunAt: defaults.now,
    createdNanos: defaults.nowNanos,
    traceparent: defaults.traceparent,
    envs: request.envs,
    labels: request.labels,
    spec: specOf(request, mode, defaults.nowNanos),
  };
}

function waitMsOf({ waitSeconds }: CreateRequest): number {
  if (waitSeconds >= 0 && waitSeconds <= MAX_WAIT_SECONDS) return waitSeconds * 1000;
  throw invalid('wait_seconds', `${waitSeconds} must be from 0 (refused at once) to ${MAX_WAIT_SECONDS}`);
}

/**
 * A name for a create without one. From a request_id it is the same on every replica at any time, so that the
 * uniqueness of names makes requests unique too.
 */
function generatedName({ requestId }: CreateRequest, nowNanos: bigint): string {
  if (requestId === '') return `sb-${nowNanos.toString(36)}`;
  return `sb-${createHash('sha256').update(requestId).digest('hex').slice(0, 20)}`;
}

/** The template of the object: the same for every process that may write it. */
export function templateOfCreate({
  mode,
  labels,
  requestId,
  createdNanos,
  traceparent,
  spec,
}: ValidatedCreate): SandboxTemplate {
  const fast = mode === 'fast';
  return {
    metadata: {
      labels: { ...labels, ...(fast ? { [CREATED_BY_LABEL]: CREATED_BY_FASTPATH } : {}) },
      annotations: {
        ...(fast ? { [CREATE_TIMESTAMP_ANNOTATION]: createdNanos.toString() } : {}),
        ...(requestId === '' ? {} : { [REQUEST_ID_ANNOTATION]: requestId }),
        ...(traceparent === undefined ? {} : { [TRACEPARENT_ANNOTATION]: traceparent }),
      },
    },
    spec,
  };
}

/** The request of a FAST create to an agent, with the vouched template of the object. */
export function agentRequest(order: ValidatedCreate, signer: TemplateSigner): SandboxRequest {
  const { name, namespace, spec, labels, createdNanos } = order;
  const { command, args, envs } = expandProcess({ command: spec.command, args: spec.args, envs: order.envs });
  const sandboxId = fastSandboxId(name, namespace, createdNanos);
  const template = templateOfCreate(order);
  return {
    sandboxId,
    claimUid: '',
    claimName: name,
    ...{ namespace, image: spec.image, env: envs, labels },
    ports: spec.exposedPorts ?? [],
    generation: 0,
    ...(command ? { command } : {}),
    ...(args ? { args } : {}),
    ...(spec.workingDir ? { workingDir: spec.workingDir } : {}),
    ...(spec.resources ? { resources: spec.resources } : {}),
    ...graceOf(spec.terminationGracePeriodSeconds),
    ...(spec.imagePullPolicy ? { imagePullPolicy: spec.imagePullPolicy } : {}),
    object: { ...template, vouch: signer.vouch({ namespace, name, sandboxId }, template) },
  };
}

/** Adds the pool's `sandboxDefaults` to what the create leaves open. */
export function withPoolDefaults(order: ValidatedCreate, { spec }: SandboxPool): ValidatedCreate {
  const { resources, terminationGracePeriodSeconds: grace } = spec.sandboxDefaults ?? {};
  return {
    ...order,
    spec: {
      ...graceOf(grace),
      ...order.spec,
      ...(resources ? { resources: { ...resources, ...order.spec.resources } } : {}),
    },
  };
}

function graceOf(seconds: number | undefined): Pick<SandboxSpec, 'terminationGracePeriodSeconds'> {
  return seconds === undefined ? {} : { terminationGracePeriodSeconds: seconds };
}

function specOf(request: CreateRequest, mode: Mode, nowNanos: bigint): SandboxSpec {
  const { image, poolRef, command, args, exposedPorts, workingDir } = request;
  const envs = Object.entries(request.envs).map(([name, value]) => ({ name, value }));
  const resources = resourcesOf(request.resources);
  return {
    image,
    poolRef,
    consistencyMode: mode,
    ...(command.length > 0 ? { command } : {}),
    ...(args.length > 0 ? { args } : {}),
    ...(envs.length > 0 ? { envs } : {}),
    ...(workingDir === '' ? {} : { workingDir }),
    ...(exposedPorts.length > 0 ? { exposedPorts } : {}),
    ...(resources ? { resources } : {}),
    ...pullPolicyOf(request),
    ...policyOf(request, nowNanos),
  };
}

function pullPolicyOf({ imagePullPolicy }: CreateRequest): Pick<SandboxSpec, 'imagePullPolicy'> {
  if (imagePullPolicy === '') return {};
  const known = IMAGE_PULL_POLICIES.find((policy) => policy === imagePullPolicy);
  if (known) return { imagePullPolicy: known };
  throw invalid('image_pull_policy', `"${shown(imagePullPolicy)}" must be ${IMAGE_PULL_POLICIES.join(', ')}, or empty`);
}

function policyOf(
  { expireTimeSeconds, failurePolicy, recoveryTimeoutSeconds, terminationGracePeriodSeconds: grace }: CreateRequest,
  nowNanos: bigint,
): Partial<SandboxSpec> {
  const policy: Partial<SandboxSpec> = {};
  if (expireTimeSeconds !== undefined && expireTimeSeconds !== 0) {
    if (BigInt(Math.trunc(expireTimeSeconds)) * 1_000_000_000n <= nowNanos) {
      throw invalid('expire_time_seconds', `${expireTimeSeconds} must be in the future`);
    }
    policy.expireTime = instant('expire_time_seconds', expireTimeSeconds);
  }
  if (failurePolicy !== undefined) policy.failurePolicy = failurePolicyName(failurePolicy);
  if (recoveryTimeoutSeconds !== undefined) policy.recoveryTimeoutSeconds = recoveryTimeout(recoveryTimeoutSeconds);
  if (grace !== undefined) {
    policy.terminationGracePeriodSeconds = gracePeriod('termination_grace_period_seconds', grace);
  }
  return policy;
}

/** The failure policy as objects spell it. @throws ApiError invalid_argument */
export function failurePolicyName(policy: FailurePolicy): 'Manual' | 'AutoRecreate' {
  if (policy === FailurePolicy.MANUAL) return 'Manual';
  if (policy === FailurePolicy.AUTO_RECREATE) return 'AutoRecreate';
  throw invalid('failure_policy', 'must be MANUAL (0) or AUTO_RECREATE (1)');
}

function modeOf(mode: ConsistencyMode | undefined, absent: Mode): Mode {
  if (mode === undefined) return absent;
  if (mode === ConsistencyMode.FAST) return 'fast';
  if (mode === ConsistencyMode.STRONG) return 'strong';
  throw invalid('consistency_mode', 'must be FAST (0) or STRONG (1)');
}

function resourcesOf(resources: Resources | undefined): SandboxResources | undefined {
  if (!resources) return undefined;
  const { cpu, memory, pids, ephemeralStorage } = resources;
  const given = Object.entries({ cpu, memory, pids, 'ephemeral-storage': ephemeralStorage }).filter(
    ([, value]) => value !== '',
  );
  for (const [field, value] of given) {
    if (value.length > 40 || parseQuantity(value, `resources.${field}`) <= 0) {
      throw invalid(`resources.${field}`, `"${shown(value)}" must be above 0`);
    }
  }
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

function checkPorts(ports: readonly number[], agentPort: number): void {
  if (ports.length > MAX_PORTS) throw invalid('exposed_ports', `must be at most ${MAX_PORTS}`);
  for (const [index, port] of ports.entries()) {
    if (port < 1 || port > 65_535) throw invalid('exposed_ports', `${port} must be from 1 to 65535`);
    if (ports.indexOf(port) !== index) throw invalid('exposed_ports', `${port} may be given once`);
    if (port === agentPort) throw invalid('exposed_ports', `${port} is the agent's own; choose another`);
  }
}

function checkStrings({ command, args, envs, workingDir }: CreateRequest): void {
  for (const name of Object.keys(envs)) {
    if (!VARIABLE_NAME.test(name))
      throw invalid('envs', `"${shown(name)}": a variable's name must be ${VARIABLE_NAME_RULE}`);
  }
  if (workingDir !== '' && !workingDir.startsWith('/')) {
    throw invalid('working_dir', `"${shown(workingDir)}" must be an absolute path`);
  }
  if (command[0] === '') throw invalid('command', 'must not begin with an empty word');
  const fields: Record<string, readonly string[]> = {
    command,
    args,
    envs: Object.values(envs),
    working_dir: [workingDir],
  };
  let total = 0;
  for (const [field, texts] of Object.entries(fields)) {
    for (const text of texts) {
      if (text.includes('\0')) throw invalid(field, 'must not contain NUL');
      total += Buffer.byteLength(text);
    }
  }
  checkProcessWords({ command, args, envs });
  if (total > MAX_STRINGS) throw invalid('command, args, envs', `together must be at most ${MAX_STRINGS} bytes`);
}
