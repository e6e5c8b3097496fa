import { ALLOCATION_ANNOTATION, CREATE_TIMESTAMP_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { fastSandboxId, objectSandboxId } from '@fsb/api/sandbox-id';
import { z } from 'zod';

const AllocationJson = z.object({ assignedPod: z.string(), assignedNode: z.string() });

/** The id of the object's current container, also before its status says it. */
export function sandboxIdOf({ metadata, status }: Sandbox): string {
  if (status?.sandboxID) return status.sandboxID;
  const nanos = createNanos(metadata.annotations);
  const attempt = status?.attempt ?? 0;
  if (nanos === undefined || attempt > 0) return objectSandboxId(metadata.uid ?? '', attempt);
  return fastSandboxId(metadata.name ?? '', metadata.namespace ?? '', nanos);
}

/** Where it runs: by its status, or by what its fast path wrote down. */
export function assignmentOf({ metadata, status }: Sandbox): { pod: string; node: string } {
  if (status?.assignedPod) return { pod: status.assignedPod, node: status.nodeName ?? '' };
  if (status?.phase !== undefined && status.phase !== 'Pending') return { pod: '', node: '' };
  try {
    const parsed = AllocationJson.parse(JSON.parse(metadata.annotations?.[ALLOCATION_ANNOTATION] ?? ''));
    return { pod: parsed.assignedPod, node: parsed.assignedNode };
  } catch {
    return { pod: '', node: '' };
  }
}

export function createNanos(annotations: Readonly<Record<string, string>> | undefined): bigint | undefined {
  const text = annotations?.[CREATE_TIMESTAMP_ANNOTATION] ?? '';
  return /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
}
