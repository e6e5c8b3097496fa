import { type SandboxRequest } from '@fsb/agent-api/agent-api';
import { type Sandbox } from '@fsb/api/sandbox';
import { type ResolvedInputs } from '../plan/action';
import { attemptOf } from '@fsb/api/sandbox-id';

/** Builds the agent's create request. It carries no template: the object exists, so there is nothing to adopt. */
export function agentCreateRequest(sandbox: Sandbox, sandboxId: string, inputs: ResolvedInputs): SandboxRequest {
  const { metadata, spec } = sandbox;
  const { command, args, env, resources, terminationGracePeriodSeconds: grace } = inputs;
  return {
    sandboxId,
    claimUid: metadata.uid ?? '',
    claimName: metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    image: spec.image,
    env,
    ports: spec.exposedPorts ?? [],
    generation: attemptOf(sandbox),
    ...(command ? { command } : {}),
    ...(args ? { args } : {}),
    ...(spec.workingDir ? { workingDir: spec.workingDir } : {}),
    ...(metadata.labels ? { labels: metadata.labels } : {}),
    ...(Object.keys(resources).length > 0 ? { resources } : {}),
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
    ...pullOf(sandbox, inputs),
  };
}

function pullOf(
  { spec }: Sandbox,
  { pullSecrets }: ResolvedInputs,
): Pick<SandboxRequest, 'pullSecrets' | 'imagePullPolicy'> {
  return {
    ...(pullSecrets.length > 0 ? { pullSecrets } : {}),
    ...(spec.imagePullPolicy ? { imagePullPolicy: spec.imagePullPolicy } : {}),
  };
}
