import { ContainerLabels } from '@fsb/api/labels';
import { attemptInId } from '@fsb/api/sandbox-id';
import { type ContainerRecord } from '@fsb/containerd/sandbox-runtime';
import { type ClaimedContainer } from './orphan-policy';

const DEFAULT_GRACE_MS = 10_000;

/** Reads what the agent wrote into the labels. */
export function claimedContainer({ id, labels }: Pick<ContainerRecord, 'id' | 'labels'>): ClaimedContainer {
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

/** Earlier agents wrote only when the end began; most sandboxes have the default period. */
function endOfDefault(sinceMs: number | undefined): number | undefined {
  return sinceMs === undefined ? undefined : sinceMs + DEFAULT_GRACE_MS;
}

function milliseconds(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
