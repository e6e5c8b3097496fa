import { ApiError } from '@fsb/api/errors';
import { NAMESPACE_KIND } from './kinds';
import { type KubeClient } from './kube-client';

/**
 * The installation's id, by which its containers differ from those of another cluster on the same machine: the uid of
 * namespace kube-system.
 * @throws ApiError internal when the namespace has no uid; any failure of the call
 */
export async function installationId(client: KubeClient, signal?: AbortSignal): Promise<string> {
  const namespace = await client.get(NAMESPACE_KIND, { name: 'kube-system' }, signal ? { signal } : {});
  const { uid } = namespace.metadata;
  if (!uid) throw new ApiError('internal', 'namespace kube-system has no uid');
  return uid;
}
