import { StatusError } from '../status-error';
import { type ResourcePath } from './resource-path';

/** Verbs of Kubernetes, as in roles. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** @throws StatusError 405 */
export function verbOf(method: string, path: ResourcePath, query: URLSearchParams): Verb {
  const verb = path.subresource === 'binding' ? bindingVerb(method) : ordinaryVerb(method, path, query);
  if (!verb) throw StatusError.notAllowed(`${method} on this path`);
  return verb;
}

/** Whether it is a watch or a followed log, which have seats of their own. */
export function isLongRunning(method = '', path: ResourcePath | undefined, query: URLSearchParams): boolean {
  if (!path || method !== 'GET') return false;
  return path.subresource === 'log' ? query.get('follow') === 'true' : ordinaryVerb(method, path, query) === 'watch';
}

function bindingVerb(method: string): Verb | undefined {
  return method === 'POST' ? 'create' : undefined;
}

function ordinaryVerb(method: string, { name, subresource }: ResourcePath, query: URLSearchParams): Verb | undefined {
  if (name === '') return collectionVerb(method, query);
  if (method === 'GET') return 'get';
  if (subresource === 'log') return undefined;
  if (method === 'DELETE' && subresource === '') return 'delete';
  return method === 'PUT' ? 'update' : method === 'PATCH' ? 'patch' : undefined;
}

function collectionVerb(method: string, query: URLSearchParams): Verb | undefined {
  if (method === 'GET') return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list';
  return method === 'POST' ? 'create' : method === 'DELETE' ? 'deletecollection' : undefined;
}
