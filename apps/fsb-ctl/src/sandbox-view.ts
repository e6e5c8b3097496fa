import type { SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { rfc3339 } from '@fsb/kit/times';
import { stringify } from 'yaml';

/**
 * The whole Sandbox object, as kubectl shows it.
 * @returns JSON with an indent of four spaces, or YAML; ends with a newline
 */
export function objectText(sandbox: SandboxInfo, format: 'json' | 'yaml'): string {
  const object: unknown = sandbox.objectJson === '' ? objectOf(sandbox) : JSON.parse(sandbox.objectJson);
  return format === 'json' ? `${JSON.stringify(object, null, 4)}\n` : stringify(object, { lineWidth: 0 });
}

/** The object's fields that the answer has: for a sandbox whose object is not written yet, and for an older gateway. */
function objectOf(sandbox: SandboxInfo): object {
  const { exitCode, reason, message } = sandbox;
  return {
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'Sandbox',
    metadata: {
      name: sandbox.sandboxName,
      namespace: sandbox.namespace,
      creationTimestamp: rfc3339(sandbox.createdAt * 1_000),
    },
    spec: { image: sandbox.image, poolRef: sandbox.poolRef },
    status: {
      phase: sandbox.phase,
      assignedPod: sandbox.agentPod,
      nodeName: sandbox.nodeName,
      sandboxID: sandbox.sandboxId,
      endpoints: sandbox.endpoints,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(reason === '' ? {} : { reason }),
      ...(message === '' ? {} : { message }),
    },
  };
}
