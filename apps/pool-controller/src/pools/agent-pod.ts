import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { ANY_REGISTRY } from '@fsb/api/allowed-registries';
import { AGENT_APP, AGENT_APP_LABEL, POOL_LABEL } from '@fsb/api/labels';
import { API_VERSION } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Pod, type PodContainer, type PodSpec } from '@fsb/controller-runtime/kinds';
import { CGROUPS, NETWORK_NAMESPACES } from '@fsb/node/node-folders';
import { z } from 'zod';
import { agentSecretName } from '../certificates/agent-certificates';
import { TEMPLATE_HASH_ANNOTATION } from './agent-pod-view';
import { capacityOf } from './pool-capacity';

/** Settings of all agents of the installation, whatever their pool. */
export interface AgentSettings {
  readonly installation: string;
  readonly containerdSocket: string;
  readonly containerdRoot: string;
  /** parent of the folders for the agents' certificates */
  readonly agentTlsDir: string;
  readonly agentLogDir: string;
  readonly agentRunDir: string;
  readonly runtimeBinary?: string | undefined;
  /** standby containers on each agent; 0: none, whatever a pool names */
  readonly agentWarmContainers: number;
  /** version of the agent program; empty: the image name carries it */
  readonly agentBuild: string;
  readonly agentAllowedRegistries: readonly string[];
  /** address ranges, in the form of the agents' flag; empty: none */
  readonly agentRegistryAddresses: string;
  readonly agentPriorityClass?: string | undefined;
  readonly agentPort: number;
  /** where this process sends its own traces */
  readonly otelExporterOtlpEndpoint?: string | undefined;
  readonly agentProbePort: number;
}

/** Settings of one agent, with the folder of its certificate. */
interface OneAgentSettings extends AgentSettings {
  readonly tlsDir: string;
}

type Env = NonNullable<PodContainer['env']>[number];
interface HostFolder {
  readonly name: string;
  readonly path: string;
  readonly type: 'Directory' | 'DirectoryOrCreate';
  /** whether later mounts of the host appear inside: snapshots, network namespaces */
  readonly followsMounts?: boolean;
  readonly readOnly?: boolean;
}

const TLS_VOLUME = 'agent-tls';
const OWNER_READS = 0o400;
/** the API server's limit for generateName, in characters */
const MAX_GENERATE_NAME = 58;

/** Default of --agent-warm-containers. */
export const WARM_CONTAINERS = 16;

/** Settings whose change replaces agents. A cluster's defaults add nothing: hashes of earlier versions stay valid. */
type HashedSettings = Pick<
  AgentSettings,
  | 'agentWarmContainers'
  | 'otelExporterOtlpEndpoint'
  | 'agentBuild'
  | 'agentAllowedRegistries'
  | 'agentRegistryAddresses'
>;

/** Hash of what a pool's owner or the operator can change about agent Pods. The order of fields does not matter. */
export function templateHash(pool: SandboxPool, settings: HashedSettings): string {
  const { agentTemplate = null, runtimeType = 'container', warmImages } = pool.spec;
  const made: unknown[] = [agentTemplate, runtimeType, capacityOf(pool).perPod, ...(warmImages ? [warmImages] : [])];
  const { agentWarmContainers: warm, otelExporterOtlpEndpoint: otlp } = settings;
  const { agentAllowedRegistries: registries, agentRegistryAddresses: addresses, agentBuild: build } = settings;
  if (warm !== WARM_CONTAINERS) made.push({ warm });
  if (otlp) made.push({ otlp });
  if (!registries.includes(ANY_REGISTRY)) made.push({ registries });
  if (addresses) made.push({ addresses });
  if (build) made.push({ build });
  return createHash('sha256').update(JSON.stringify(made, inOrder)).digest('hex').slice(0, 16);
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * Builds an agent Pod of a pool. Its name is chosen here, in the form that generateName gives, so that a create whose
 * answer was lost can be looked up instead of repeated.
 * @param suffix 5 random characters
 * @throws Error for a pool without an agent container; check it with `problemsOf` first
 */
export function agentPod(pool: SandboxPool, suffix: string, settings: AgentSettings): Pod {
  const { name = '', namespace = '', uid = '' } = pool.metadata;
  const template = pool.spec.agentTemplate;
  const generateName = `${name}-agent-`.slice(0, MAX_GENERATE_NAME);
  return {
    metadata: {
      name: `${generateName}${suffix}`,
      generateName,
      namespace,
      labels: { ...template?.metadata?.labels, [AGENT_APP_LABEL]: AGENT_APP, [POOL_LABEL]: name },
      annotations: { ...template?.metadata?.annotations, [TEMPLATE_HASH_ANNOTATION]: templateHash(pool, settings) },
      ownerReferences: [
        { apiVersion: API_VERSION, kind: 'SandboxPool', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: podSpec(pool, `${generateName}${suffix}`, settings),
  };
}

function podSpec(pool: SandboxPool, podName: string, settings: AgentSettings): PodSpec {
  // the schema passes the template through unparsed; problemsOf has checked the image of its first container
  const { containers, volumes = [], ...rest } = pool.spec.agentTemplate?.spec as unknown as PodSpec;
  const folders = hostFolders(settings);
  // one for each Pod: on a one-machine node Pods are processes and share all paths
  const tlsDir = join(settings.agentTlsDir, `${pool.metadata.namespace ?? ''}.${podName}`);
  const [agent, ...others] = containers;
  if (!agent) throw new Error('a pool without an agent container is not valid');
  return {
    automountServiceAccountToken: false, // an agent does not call the API server
    enableServiceLinks: false, // variables of a Service could override the agent's settings
    ...(settings.agentPriorityClass ? { priorityClassName: settings.agentPriorityClass } : {}),
    ...rest,
    hostNetwork: false,
    hostPID: false,
    hostIPC: false,
    containers: [agentContainer(agent, pool, { ...settings, tlsDir }, folders), ...others],
    volumes: [
      ...volumes,
      ...folders.map(({ name, path, type }) => ({ name, hostPath: { path, type } })),
      { name: TLS_VOLUME, secret: { secretName: agentSecretName(podName), defaultMode: OWNER_READS } },
    ],
  };
}

function agentContainer(
  container: PodContainer,
  pool: SandboxPool,
  settings: OneAgentSettings,
  folders: readonly HostFolder[],
): PodContainer {
  const env = [...injectedEnv(pool, settings), ...limitsEnv(container), ...warmEnv(pool, container, settings)];
  const handedOn = traceEnv(container, settings);
  const own = new Set(env.map(({ name }) => name));
  const probe = { httpGet: { path: '/readyz', port: settings.agentProbePort }, periodSeconds: 2, failureThreshold: 3 };
  return {
    readinessProbe: probe,
    ...container,
    env: [...(container.env ?? []).filter(({ name }) => !own.has(name)), ...env, ...handedOn],
    ports: container.ports ?? [
      { name: 'agent', containerPort: settings.agentPort },
      { name: 'metrics', containerPort: settings.agentProbePort },
    ],
    securityContext: { ...container.securityContext, privileged: true },
    volumeMounts: [
      ...(container.volumeMounts ?? []),
      ...folders.map(mountOf),
      { name: TLS_VOLUME, mountPath: settings.tlsDir, readOnly: true },
    ],
  };
}

function mountOf({
  name,
  path,
  followsMounts,
  readOnly,
}: HostFolder): NonNullable<PodContainer['volumeMounts']>[number] {
  return {
    name,
    mountPath: path,
    ...(followsMounts ? { mountPropagation: 'HostToContainer' } : {}),
    ...(readOnly ? { readOnly } : {}),
  };
}

function injectedEnv(pool: SandboxPool, settings: OneAgentSettings): Env[] {
  const fromPod = (name: string, fieldPath: string): Env => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return [
    fromPod('NODE_NAME', 'spec.nodeName'),
    fromPod('POD_NAME', 'metadata.name'),
    fromPod('POD_IP', 'status.podIP'),
    fromPod('POD_UID', 'metadata.uid'),
    fromPod('NAMESPACE', 'metadata.namespace'),
    { name: 'AGENT_CAPACITY', value: String(capacityOf(pool).perPod) },
    { name: 'RUNTIME_TYPE', value: pool.spec.runtimeType ?? 'container' },
    { name: 'RUNTIME_SOCKET', value: settings.containerdSocket },
    { name: 'AGENT_PORT', value: String(settings.agentPort) },
    { name: 'INSTALLATION', value: settings.installation },
    { name: 'HEALTH_PROBE_BIND_ADDRESS', value: `:${settings.agentProbePort}` },
    { name: 'METRICS_BIND_ADDRESS', value: `:${settings.agentProbePort}` },
    { name: 'TLS_DIR', value: settings.tlsDir },
    { name: 'LOG_DIR', value: settings.agentLogDir },
    { name: 'RUN_DIR', value: settings.agentRunDir },
    { name: 'ALLOWED_REGISTRIES', value: settings.agentAllowedRegistries.join(',') },
    { name: 'REGISTRY_ADDRESSES', value: settings.agentRegistryAddresses },
    ...(settings.runtimeBinary ? [{ name: 'RUNTIME_BINARY', value: settings.runtimeBinary }] : []),
  ];
}

/** The pool's warmImages come first; the rest of the budget is for hot images. A template's WARM_CONTAINERS wins. */
function warmEnv({ spec }: SandboxPool, { env = [] }: PodContainer, { agentWarmContainers }: AgentSettings): Env[] {
  const images = (spec.warmImages ?? []).filter(({ containers }) => containers > 0);
  const all = images.reduce((sum, { containers }) => sum + containers, 0);
  const budget = agentWarmContainers === 0 ? 0 : Math.max(agentWarmContainers, all);
  const isGiven = env.some(({ name }) => name === 'WARM_CONTAINERS');
  return [
    ...(images.length > 0 ? [{ name: 'WARM_IMAGES', value: JSON.stringify(images) }] : []),
    ...(isGiven ? [] : [{ name: 'WARM_CONTAINERS', value: String(budget) }]),
  ];
}

/** Sends the agents' spans where this process sends its own. A template's own collector wins. */
function traceEnv({ env = [] }: PodContainer, { otelExporterOtlpEndpoint: value }: AgentSettings): Env[] {
  const name = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  return value === undefined || env.some((own) => own.name === name) ? [] : [{ name, value }];
}

const quantity = z.union([z.string(), z.number()]).transform(String).optional();
const Resources = z
  .object({ limits: z.object({ cpu: quantity, memory: quantity, 'ephemeral-storage': quantity }).default({}) })
  .catch({ limits: {} });

/** The container's own limits, by which the agent admits sandboxes. */
function limitsEnv({ resources }: PodContainer): Env[] {
  const { cpu, memory, 'ephemeral-storage': storage } = Resources.parse(resources).limits;
  return [
    ...(cpu === undefined ? [] : [{ name: 'CPU_LIMIT', value: cpu }]),
    ...(memory === undefined ? [] : [{ name: 'MEMORY_LIMIT', value: memory }]),
    ...(storage === undefined ? [] : [{ name: 'EPHEMERAL_STORAGE_LIMIT', value: storage }]),
  ];
}

/** Mounted at the host's own paths: containerd and its shims open on the host the paths that the agent names. */
function hostFolders(settings: AgentSettings): HostFolder[] {
  const folders: HostFolder[] = [
    { name: 'containerd-run', path: dirname(settings.containerdSocket), type: 'Directory', followsMounts: true },
    { name: 'containerd-root', path: settings.containerdRoot, type: 'Directory', followsMounts: true },
    { name: 'cgroup', path: CGROUPS, type: 'Directory', followsMounts: true },
    { name: 'netns', path: NETWORK_NAMESPACES, type: 'DirectoryOrCreate', followsMounts: true },
    { name: 'fast-sandbox-log', path: settings.agentLogDir, type: 'DirectoryOrCreate' },
    { name: 'fast-sandbox-run', path: settings.agentRunDir, type: 'DirectoryOrCreate' },
  ];
  return folders.filter(({ path }, i) => folders.findIndex((other) => other.path === path) === i);
}
