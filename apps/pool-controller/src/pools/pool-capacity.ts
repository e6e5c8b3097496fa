import { messageOf } from '@fsb/api/errors';
import { normaliseImage } from '@fsb/api/image-name';
import { maxAgents, type PoolCapacity, sandboxesPerAgent, type SandboxPool } from '@fsb/api/sandbox-pool';

/** A pool's numbers with defaults filled in. */
export interface CheckedCapacity {
  readonly poolMin: number;
  readonly poolMax: number;
  readonly bufferMin: number;
  /** free slots that may be kept without demand */
  readonly bufferMax: number;
  readonly perPod: number;
  /** agents above poolMax while a changed template rolls */
  readonly maxSurge: number;
}

/** Kubernetes' limit for label values: the pool's name is a label of its Pods. */
const MAX_NAME = 63;

export function capacityOf({ spec }: SandboxPool): CheckedCapacity {
  const { poolMin = 0, bufferMin = 0, bufferMax = 0 } = spec.capacity ?? {};
  return {
    poolMin,
    poolMax: maxAgents(spec) ?? Number.POSITIVE_INFINITY,
    bufferMin,
    bufferMax: Math.max(bufferMin, bufferMax),
    maxSurge: spec.maxSurge ?? 1,
    perPod: sandboxesPerAgent(spec),
  };
}

/** Problems of a pool that the schema cannot reject; each names its fields. Empty: the spec is valid. */
export function problemsOf({ metadata, spec }: SandboxPool): string[] {
  const problems = capacityProblems(spec.capacity ?? {});
  if ((metadata.name ?? '').length > MAX_NAME) {
    problems.push(`metadata.name is longer than ${MAX_NAME} characters: it is a label of the agent Pods`);
  }
  if (!agentImage(spec.agentTemplate?.spec)) {
    problems.push('spec.agentTemplate.spec.containers[0].image is missing: the first container is the agent');
  }
  return [...problems, ...warmProblems(spec.warmImages ?? [])];
}

/** Invalid image names, with which an agent would not start. */
function warmProblems(images: readonly { image: string }[]): string[] {
  return images.flatMap(({ image }, i) => {
    try {
      normaliseImage(image);
      return [];
    } catch (error) {
      return [`spec.warmImages[${i}].${messageOf(error)}`];
    }
  });
}

function capacityProblems({ poolMin = 0, poolMax = 0, bufferMin = 0, bufferMax = bufferMin }: PoolCapacity): string[] {
  const problems: string[] = [];
  if (poolMax > 0 && poolMax < poolMin) {
    problems.push(`spec.capacity.poolMax (${poolMax}) is less than poolMin (${poolMin}); 0 means unlimited`);
  }
  if (bufferMax < bufferMin) {
    problems.push(`spec.capacity.bufferMax (${bufferMax}) is less than bufferMin (${bufferMin})`);
  }
  return problems;
}

function agentImage(spec: Record<string, unknown> | undefined): boolean {
  const containers = spec?.['containers'];
  const first: unknown = Array.isArray(containers) ? containers[0] : undefined;
  return typeof first === 'object' && first !== null && 'image' in first && typeof first.image === 'string';
}
