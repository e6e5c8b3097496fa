import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerRecord } from '@fsb/containerd/sandbox-runtime';
import { type ClaimedContainer } from './orphan-policy';

/** Reads what the agent wrote into the labels. */
export function claimedContainer({ id, labels }: ContainerRecord): ClaimedContainer {
  const label = (name: keyof typeof ContainerLabels): string => labels[ContainerLabels[name]] ?? '';
  return {
    id,
    sandboxId: label('id') || id,
    namespace: label('namespace'),
    sandboxName: label('sandboxName'),
    agentName: label('agentName'),
    agentUid: label('agentUid'),
    claimUid: label('claimUid'),
    claimedAtMs: milliseconds(label('claimTime')),
    endingSinceMs: milliseconds(label('terminating')),
  };
}

function milliseconds(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
