import { requireAllowedImage } from '@fsb/api/allowed-registries';
import { ApiError, isApiError } from '@fsb/api/errors';
import { normaliseImage } from '@fsb/api/image-name';
import { AGENT_APP, AGENT_APP_LABEL } from '@fsb/api/labels';
import { type ExpandedProcess, expandProcess } from '@fsb/api/process-words';
import { type EnvVar, type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { CONFIG_MAP_KIND, SECRET_KIND, type Secret } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { requirePoolsRegistry } from '@fsb/placement/pool-registries';
import { type ResolvedInputs } from '../plan/action';
import { type Inputs } from '../plan/world';
import { type PullSecret, pullSecretsOf } from './pull-secrets';

type Data = Readonly<Record<string, string>>;
type Defaulted = Pick<Extract<Inputs, { state: 'resolved' }>, 'resources' | 'terminationGracePeriodSeconds'>;
type KeyRef = NonNullable<NonNullable<EnvVar['valueFrom']>['secretKeyRef']>;

/** Resolves the inputs of a create from Secrets, ConfigMaps and pool. Always read live, never cached. */
export class SandboxInputs {
  /** @param events receives the names of the Secrets read for a Sandbox, since the controller reads them as itself */
  constructor(
    private readonly client: KubeClient,
    private readonly events: Pick<EventRecorder, 'record'>,
    private readonly allowedRegistries: readonly string[],
  ) {}

  /** @throws ApiError when the API server does not answer; other failures are `invalid` or `missing` */
  async resolve(sandbox: Sandbox, pool: SandboxPool | undefined, signal: AbortSignal): Promise<Inputs> {
    const read = new References(this.client, sandbox.metadata.namespace ?? '', signal);
    try {
      const image = normaliseImage(sandbox.spec.image);
      requireAllowedImage(image, this.allowedRegistries, '--allowed-registries of the sandbox-controller');
      if (pool) requirePoolsRegistry(image, pool);
      const { command, args, envs: variables = [] } = sandbox.spec;
      const envs = await envOf(variables, read);
      const process = expandProcess({ command, args, envs }, literalNames(variables));
      const references = [...(sandbox.spec.imagePullSecrets ?? []), ...(pool?.spec.imagePullSecrets ?? [])];
      const pullSecrets: PullSecret[] = [];
      for (const { name } of references) pullSecrets.push(...(await read.pullSecrets(name)));
      this.recordSecretsRead(sandbox, read.secretNames);
      const { envs: env, ...words } = process;
      return { state: 'resolved', ...defined(words), env, pullSecrets, ...withDefaults(sandbox, pool) };
    } catch (error) {
      if (isApiError(error, 'invalid_argument')) return { state: 'invalid', message: error.message };
      if (isApiError(error, 'failed_precondition')) return { state: 'missing', message: error.message };
      throw error;
    }
  }

  private recordSecretsRead(sandbox: Sandbox, secrets: readonly string[]): void {
    if (secrets.length === 0) return;
    this.events.record(sandbox, 'Normal', 'SecretsRead', `Secrets read for it: ${secrets.join(', ')}`);
  }
}

/** Variables whose values are not expanded: as in the kubelet, those from Secrets and ConfigMaps. */
function literalNames(envs: readonly EnvVar[]): ReadonlySet<string> {
  return new Set(envs.flatMap(({ name, valueFrom }) => (valueFrom ? [name] : [])));
}

function defined({
  command,
  args,
}: Pick<ExpandedProcess, 'command' | 'args'>): Pick<ResolvedInputs, 'command' | 'args'> {
  return { ...(command ? { command } : {}), ...(args ? { args } : {}) };
}

/** Resources and grace period of the object, with its pool's defaults. */
function withDefaults({ spec }: Sandbox, pool: SandboxPool | undefined): Defaulted {
  const { resources, terminationGracePeriodSeconds } = pool?.spec.sandboxDefaults ?? {};
  const grace = spec.terminationGracePeriodSeconds ?? terminationGracePeriodSeconds;
  return {
    resources: { ...resources, ...spec.resources },
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
  };
}

async function envOf(envs: readonly EnvVar[], read: References): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [index, variable] of envs.entries()) {
    const value = await valueOf(variable, `envs[${index}] (${variable.name})`, read);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

async function valueOf({ value, valueFrom }: EnvVar, field: string, read: References): Promise<string | undefined> {
  if (!valueFrom) return value ?? '';
  if (value) throw new ApiError('invalid_argument', `${field}: value and valueFrom exclude each other`);
  const { secretKeyRef, configMapKeyRef, ...others } = valueFrom;
  const [other] = Object.keys(others);
  if (other !== undefined || (secretKeyRef && configMapKeyRef) || (!secretKeyRef && !configMapKeyRef)) {
    const found = other === undefined ? 'not exactly one form' : `${other} is not supported`;
    throw new ApiError('invalid_argument', `${field}.valueFrom: ${found}; use secretKeyRef or configMapKeyRef`);
  }
  if (secretKeyRef)
    return keyOf(secretKeyRef, `${field}: secret "${secretKeyRef.name}"`, (name) => read.secret(name, field));
  if (!configMapKeyRef) return undefined;
  return keyOf(configMapKeyRef, `${field}: configmap "${configMapKeyRef.name}"`, (name) => read.configMap(name));
}

/** Reads a key; undefined if it is optional and absent. @throws ApiError failed_precondition when it is missing */
async function keyOf(
  { name, key, optional }: KeyRef,
  what: string,
  read: (name: string) => Promise<Data | undefined>,
): Promise<string | undefined> {
  const data = await read(name);
  const value = data?.[key];
  if (value !== undefined || optional) return value;
  throw new ApiError('failed_precondition', data ? `${what} has no key "${key}"` : `${what} does not exist`);
}

/** Limit of Secrets and ConfigMaps per Sandbox: each is a request to the API server in each try. */
const MOST_REFERENCES = 100;

/** Secrets and ConfigMaps of one namespace, each read at most once. */
class References {
  private readonly secrets = new Map<string, Secret | undefined>();
  private readonly configMaps = new Map<string, Data | undefined>();

  constructor(
    private readonly client: KubeClient,
    private readonly namespace: string,
    private readonly signal: AbortSignal,
  ) {}

  /** names of the Secrets read that exist */
  get secretNames(): string[] {
    return [...this.secrets].flatMap(([name, secret]) => (secret ? [name] : []));
  }

  /** @throws ApiError invalid_argument when no Sandbox may read it */
  async secret(name: string, field: string): Promise<Data | undefined> {
    const secret = await this.readSecret(name, field);
    if (!secret) return undefined;
    const entries = Object.entries(secret.data ?? {});
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
  }

  async configMap(name: string): Promise<Data | undefined> {
    if (!this.configMaps.has(name)) {
      this.requireRoom();
      const { namespace, signal } = this;
      const map = await found(this.client.get(CONFIG_MAP_KIND, { namespace, name }, { signal }));
      this.configMaps.set(name, map && (map.data ?? {}));
    }
    return this.configMaps.get(name);
  }

  /** A missing Secret gives none: as in Kubernetes, the pull is tried without it. */
  async pullSecrets(name: string): Promise<PullSecret[]> {
    const secret = await this.readSecret(name, 'imagePullSecrets');
    return secret ? pullSecretsOf(secret) : [];
  }

  private async readSecret(name: string, field: string): Promise<Secret | undefined> {
    if (!this.secrets.has(name)) {
      this.requireRoom();
      const { namespace, signal } = this;
      this.secrets.set(name, await found(this.client.get(SECRET_KIND, { namespace, name }, { signal })));
    }
    const secret = this.secrets.get(name);
    if (secret) requireForSandboxes(secret, field);
    return secret;
  }

  /** @throws ApiError invalid_argument at more than 100 references */
  private requireRoom(): void {
    if (this.secrets.size + this.configMaps.size < MOST_REFERENCES) return;
    const message = `envs, imagePullSecrets: may name at most ${MOST_REFERENCES} Secrets and ConfigMaps, the pool's included`;
    throw new ApiError('invalid_argument', message);
  }
}

/** Secret types that hold identities: a user who may write Sandboxes must not obtain them. */
const PROTECTED_TYPES: ReadonlySet<string> = new Set([
  'kubernetes.io/tls',
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
]);

/** Rejects identities: protected types and agents' keys. @throws ApiError invalid_argument */
function requireForSandboxes({ metadata: { name = '', labels = {} }, type = '' }: Secret, field: string): void {
  const isAgents = labels[AGENT_APP_LABEL] === AGENT_APP;
  if (!isAgents && !PROTECTED_TYPES.has(type)) return;
  const why = isAgents ? `has the label ${AGENT_APP_LABEL}=${AGENT_APP}: it is an agent's key` : `is of type ${type}`;
  const message = `${field}: secret "${name}" ${why}, which no Sandbox may read; put what it needs into a Secret of type Opaque`;
  throw new ApiError('invalid_argument', message);
}

async function found<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    if (isApiError(error, 'not_found')) return undefined;
    throw error;
  }
}
