import { ApiError, isApiError } from '@fsb/api/errors';
import { parseQuantity } from '@fsb/api/quantity';
import { type Pod, type PodContainer } from '@fsb/controller-runtime/kinds';
import { z } from 'zod';

export interface PodFacts {
  readonly podIp: string;
  readonly nodeName: string;
  readonly hostIp: string;
  /** values of a resourceFieldRef without a limit, as with a kubelet */
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
}

const AGENT_IMAGE = /^(docker\.io\/)?fast-sandbox\/node-agent(:[\w.-]+)?$/;
const PROBE_PORT = 9091;
const readiness = z.object({ httpGet: z.object({ port: z.number().int() }) });
const GRACE_SECONDS = 30;

class UnknownImageError extends ApiError {}

const valueFrom = z.object({
  fieldRef: z.object({ fieldPath: z.string() }).optional(),
  resourceFieldRef: z
    .object({ resource: z.string(), divisor: z.union([z.string(), z.number()]).optional() })
    .optional(),
});
const limits = z.object({
  resources: z.object({ limits: z.record(z.string(), z.union([z.string(), z.number()])).optional() }).optional(),
});

/** The only container of a Pod that this node can run. @throws ApiError invalid_argument for a Pod that it cannot */
export function runnableContainer({ spec }: Pod): PodContainer {
  const [container, ...others] = spec?.containers ?? [];
  if (!container) throw refused('the Pod has no container');
  const { image = '', command = [] } = container;
  if (!AGENT_IMAGE.test(image)) {
    const message = `image "${image}": this node runs Pods as processes, and knows only fast-sandbox/node-agent`;
    throw new UnknownImageError('invalid_argument', message);
  }
  const init = z.array(z.unknown()).safeParse(spec?.['initContainers']).data ?? [];
  if (others.length > 0 || init.length > 0) throw refused('this node runs Pods of one container');
  if (command.length > 0) throw refused("spec.containers[0].command: this node runs the image's own command only");
  return container;
}

/** Reason of a container that waits because of `error`: a kubelet's words for its image, its spec, and all else. */
export function waitingReason(error: unknown): string {
  if (error instanceof UnknownImageError) return 'ErrImageNotAvailable';
  return isApiError(error, 'invalid_argument') ? 'CreateContainerConfigError' : 'CreateContainerError';
}

/** Environment of the container, from its spec. @throws ApiError invalid_argument naming the variable */
export function containerEnvironment(pod: Pod, container: PodContainer, facts: PodFacts): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom: source } of container.env ?? []) {
    env[name] = source === undefined ? (value ?? '') : sourced(pod, container, facts, { name, source });
  }
  return env;
}

export function memoryLimit(container: PodContainer): number | undefined {
  const limit = limitOf(container, 'memory');
  return limit === undefined ? undefined : parseQuantity(limit, 'limits.memory');
}

/** Port of the readiness probe; 9091 by default. */
export function probePort({ readinessProbe }: PodContainer): number {
  return readiness.safeParse(readinessProbe).data?.httpGet.port ?? PROBE_PORT;
}

/** Milliseconds between SIGTERM and SIGKILL: of the delete, else of the spec, else 30 s. */
export function gracePeriodMs({ metadata, spec }: Pod): number {
  const seconds = z.number().nonnegative();
  const deleted = seconds.safeParse(Reflect.get(metadata, 'deletionGracePeriodSeconds')).data;
  const specified = seconds.safeParse(spec?.['terminationGracePeriodSeconds']).data;
  return (deleted ?? specified ?? GRACE_SECONDS) * 1000;
}

function sourced(
  pod: Pod,
  container: PodContainer,
  facts: PodFacts,
  { name, source }: { name: string; source: unknown },
): string {
  const { fieldRef, resourceFieldRef } = valueFrom.safeParse(source).data ?? {};
  if (fieldRef) return field(pod, facts, fieldRef.fieldPath, name);
  if (resourceFieldRef) return resource(container, facts, resourceFieldRef, name);
  throw refused(`env ${name}: this node knows values, fieldRef and resourceFieldRef`);
}

function field(pod: Pod, facts: PodFacts, path: string, variable: string): string {
  const { metadata, spec } = pod;
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec?.nodeName ?? facts.nodeName,
    'spec.serviceAccountName': 'default',
    'status.podIP': facts.podIp,
    'status.hostIP': facts.hostIp,
  };
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (map !== undefined && key !== undefined)
    return (map === 'labels' ? metadata.labels : metadata.annotations)?.[key] ?? '';
  if (!Object.hasOwn(fields, path))
    throw refused(`env ${variable}: fieldRef ${path} is not one of ${Object.keys(fields).join(', ')}`);
  return fields[path] ?? '';
}

function resource(
  container: PodContainer,
  { machine }: PodFacts,
  { resource: name, divisor }: { resource: string; divisor?: string | number | undefined },
  variable: string,
): string {
  const fallbacks: Readonly<Record<string, number>> = {
    'limits.cpu': machine.cpus,
    'limits.memory': machine.memoryBytes,
  };
  const fallback = fallbacks[name];
  if (fallback === undefined)
    throw refused(`env ${variable}: resourceFieldRef ${name} is not limits.cpu or limits.memory`);
  const limit = limitOf(container, name.replace('limits.', ''));
  const amount = limit === undefined ? fallback : parseQuantity(limit, name);
  const unit = divisor === undefined || String(divisor) === '0' ? 1 : parseQuantity(String(divisor), 'divisor');
  return String(Math.ceil(amount / unit));
}

function limitOf(container: PodContainer, name: string): string | undefined {
  const limit = limits.safeParse(container).data?.resources?.limits?.[name];
  return limit === undefined ? undefined : String(limit);
}

function refused(message: string): ApiError {
  return new ApiError('invalid_argument', message);
}
