import { ApiError } from '@fsb/api/errors';
import { NAMESPACE_KIND } from './kinds';
import { type KubeClient } from './kube-client';

/** What tells one cluster's containers from another's on the same machine: the uid of namespace kube-system. */
export async function installationId(client: KubeClient, signal?: AbortSignal): Promise<string> {
  const namespace = await client.get(NAMESPACE_KIND, { name: 'kube-system' }, signal ? { signal } : {});
  const { uid } = namespace.metadata;
  if (!uid) throw new ApiError('internal', 'namespace kube-system has no uid');
  return uid;
}
