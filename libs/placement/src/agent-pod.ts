import { type Pod } from '@fsb/controller-runtime/kinds';
import { AGENT_APP, AGENT_APP_LABEL, POOL_LABEL } from '@fsb/api/labels';
import { GROUP, type ObjectMeta } from '@fsb/api/sandbox';

/** Label selector of agent Pods. */
export const AGENT_POD_SELECTOR = `${AGENT_APP_LABEL}=${AGENT_APP}`;

export interface AgentPod {
  /** `namespace/name`: unique among all agents */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pool: string;
  /** of the pool in its owner reference, which anyone who may create Pods can write */
  readonly poolUid: string;
  readonly nodeName: string;
  /** the Pod's IP; undefined unless the Pod runs and has one */
  readonly address: string | undefined;
  /** whether the Pod is still pending */
  readonly starting: boolean;
  readonly terminating: boolean;
}

/**
 * Reads the agent from a Pod. BelievedPods checks that the pool in its owner reference exists.
 * @returns undefined unless the Pod has an agent's labels and names a SandboxPool as its controller
 */
export function readAgentPod({ metadata, spec, status }: Pod): AgentPod | undefined {
  const { name, namespace, uid } = metadata;
  const pool = poolOf(metadata);
  if (name === undefined || namespace === undefined || uid === undefined || !pool) return undefined;
  return {
    id: `${namespace}/${name}`,
    ...{ namespace, name, uid, pool: pool.name, poolUid: pool.uid },
    nodeName: spec?.nodeName ?? '',
    address: status?.phase === 'Running' ? status.podIP : undefined,
    starting: status?.phase === undefined || status.phase === 'Pending',
    terminating: metadata.deletionTimestamp !== undefined,
  };
}

function poolOf({ labels = {}, ownerReferences = [] }: ObjectMeta): { name: string; uid: string } | undefined {
  const owner = ownerReferences.find(({ controller }) => controller === true);
  const isPool = owner?.kind === 'SandboxPool' && owner.apiVersion.startsWith(`${GROUP}/`);
  return isPool && labels[AGENT_APP_LABEL] === AGENT_APP && labels[POOL_LABEL] === owner.name ? owner : undefined;
}
