import { type Pod } from '@fsb/controller-runtime/kinds';
import { AGENT_APP, AGENT_APP_LABEL, POOL_LABEL } from '@fsb/api/labels';
import { GROUP, type ObjectMeta } from '@fsb/api/sandbox';

/** The informer's selector of agent Pods. */
export const AGENT_POD_SELECTOR = `${AGENT_APP_LABEL}=${AGENT_APP}`;

export interface AgentPod {
  /** `namespace/name`: unique among all agents */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pool: string;
  readonly nodeName: string;
  /** The Pod's IP; undefined while it has none, or does not run any more. */
  readonly address: string | undefined;
  readonly terminating: boolean;
}

/**
 * What a Pod says of the agent in it. Undefined where it is none: whoever may make Pods could otherwise put up an agent
 * of its own, so only one that a SandboxPool controls is believed, and only about that pool.
 */
export function agentPod({ metadata, spec, status }: Pod): AgentPod | undefined {
  const { name, namespace, uid } = metadata;
  const pool = poolOf(metadata);
  if (name === undefined || namespace === undefined || uid === undefined || pool === undefined) return undefined;
  return {
    id: `${namespace}/${name}`,
    ...{ namespace, name, uid, pool },
    nodeName: spec?.nodeName ?? '',
    address: status?.phase === 'Running' ? status.podIP : undefined,
    terminating: metadata.deletionTimestamp !== undefined,
  };
}

function poolOf({ labels = {}, ownerReferences = [] }: ObjectMeta): string | undefined {
  const owner = ownerReferences.find(({ controller }) => controller === true);
  const isPool = owner?.kind === 'SandboxPool' && owner.apiVersion.startsWith(`${GROUP}/`);
  return isPool && labels[AGENT_APP_LABEL] === AGENT_APP && labels[POOL_LABEL] === owner.name ? owner.name : undefined;
}
