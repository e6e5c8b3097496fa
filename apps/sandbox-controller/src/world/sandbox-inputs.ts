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

/** Reads what a create needs besides the object: never cached, so that a container starts with what is true then. */
export class SandboxInputs {
  /** @param events names the Secrets that were read for a Sandbox: they are read in the controller's own name */
  constructor(
    private readonly client: KubeClient,
    private readonly events: Pick<EventRecorder, 'record'>,
    private readonly allowedRegistries: readonly string[],
  ) {}

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
      this.tell(sandbox, read.secretNames);
      const { envs: env, ...words } = process;
      return { state: 'resolved', ...defined(words), env, pullSecrets, ...withDefaults(sandbox, pool) };
    } catch (error) {
      if (isApiError(error, 'invalid_argument')) return { state: 'invalid', message: error.message };
      if (isApiError(error, 'failed_precondition')) return { state: 'missing', message: error.message };
      throw error;
    }
  }

  private tell(sandbox: Sandbox, secrets: readonly string[]): void {
    if (secrets.length === 0) return;
    this.events.record(sandbox, 'Normal', 'SecretsRead', `Secrets read for it: ${secrets.join(', ')}`);
  }
}

/** The kubelet expands what a Pod's author wrote, never what a Secret or ConfigMap has. */
function literalNames(envs: readonly EnvVar[]): ReadonlySet<string> {
  return new Set(envs.flatMap(({ name, valueFrom }) => (valueFrom ? [name] : [])));
}

function defined({
  command,
  args,
}: Pick<ExpandedProcess, 'command' | 'args'>): Pick<ResolvedInputs, 'command' | 'args'> {
  return { ...(command ? { command } : {}), ...(args ? { args } : {}) };
}

/** What the object says, else its pool. */
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

/** Undefined where an optional one is not there. @throws ApiError failed_precondition: it may come yet */
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

/** Secrets and ConfigMaps of one Sandbox: each is a request to the API server, in each try. */
const MOST_REFERENCES = 100;

/** Secrets and ConfigMaps of one namespace, each read once. */
class References {
  private readonly secrets = new Map<string, Secret | undefined>();
  private readonly configMaps = new Map<string, Data | undefined>();

  constructor(
    private readonly client: KubeClient,
    private readonly namespace: string,
    private readonly signal: AbortSignal,
  ) {}

  /** of those that are there */
  get secretNames(): string[] {
    return [...this.secrets].flatMap(([name, secret]) => (secret ? [name] : []));
  }

  /** @throws ApiError invalid_argument for one that is no Sandbox's */
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

  /** As in Kubernetes, one that is not there is no reason not to try. */
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

  /** @throws ApiError invalid_argument */
  private requireRoom(): void {
    if (this.secrets.size + this.configMaps.size < MOST_REFERENCES) return;
    const message = `envs, imagePullSecrets: may name at most ${MOST_REFERENCES} Secrets and ConfigMaps, the pool's included`;
    throw new ApiError('invalid_argument', message);
  }
}

/** Keys that prove who somebody is: whoever may write Sandboxes must not become it. */
const PROTECTED_TYPES: ReadonlySet<string> = new Set([
  'kubernetes.io/tls',
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
]);

/** @throws ApiError invalid_argument */
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
