import { ContainerLabels } from '@fsb/api/labels';
import { attemptInId } from '@fsb/api/sandbox-id';
import { type ContainerRecord } from '@fsb/containerd/sandbox-runtime';
import { type LabelledContainer } from './orphan-policy';

const DEFAULT_GRACE_MS = 10_000;

/** Parses the labels that an agent writes. Missing labels are empty; missing or malformed times are undefined. */
export function claimedContainer({ id, labels }: Pick<ContainerRecord, 'id' | 'labels'>): LabelledContainer {
  const label = (name: keyof typeof ContainerLabels): string => labels[ContainerLabels[name]] ?? '';
  const sandboxId = label('id') || id;
  return {
    id,
    sandboxId,
    namespace: label('namespace'),
    sandboxName: label('sandboxName'),
    agentName: label('agentName'),
    agentUid: label('agentUid'),
    claimUid: label('claimUid'),
    attempt: attemptInId(sandboxId, label('claimUid')),
    claimedAtMs: milliseconds(label('claimTime')),
    endsByMs: milliseconds(label('terminatingUntil')) ?? endOfDefault(milliseconds(label('terminating'))),
  };
}

/** End of the default grace period. Earlier agents label only the start of a termination. */
function endOfDefault(sinceMs: number | undefined): number | undefined {
  return sinceMs === undefined ? undefined : sinceMs + DEFAULT_GRACE_MS;
}

function milliseconds(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
