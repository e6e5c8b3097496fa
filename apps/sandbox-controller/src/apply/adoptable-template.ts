import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type SandboxTemplate } from '@fsb/placement/sandbox-object';
import { type TemplateVerifier } from '@fsb/placement/vouched-template';

/**
 * The template from which a container without an object may be adopted.
 * @returns undefined if no gateway vouches for it, or if it names Secrets, which a FAST create cannot do
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
