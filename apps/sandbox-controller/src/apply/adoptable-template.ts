import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type SandboxTemplate } from '@fsb/placement/sandbox-object';
import { type TemplateVerifier } from '@fsb/placement/vouched-template';

/**
 * What the object of a container is made from that nobody recorded: what a gateway has asked for, signed by it. Such a
 * create cannot name Secrets, and so its object never does.
 */
export function adoptableTemplate(
  verifier: TemplateVerifier,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { sandboxId, object }: AgentSandboxStatus,
): SandboxTemplate | undefined {
  const template = verifier.vouched({ namespace, name, sandboxId }, object);
  const { envs = [], imagePullSecrets = [] } = template?.spec ?? {};
  const namesSecrets = imagePullSecrets.length > 0 || envs.some(({ valueFrom }) => valueFrom !== undefined);
  return namesSecrets ? undefined : template;
}
