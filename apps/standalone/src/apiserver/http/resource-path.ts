import { StatusError } from '../status-error';

/** Parts of a path `/api/v1/namespaces/{namespace}/{plural}/{name}/{subresource}` or a shorter form. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  /** empty: cluster-scoped, or all namespaces */
  readonly namespace: string;
  readonly plural: string;
  /** empty: the collection */
  readonly name: string;
  readonly subresource: string;
}

const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];

/** @returns undefined when it is no path of a resource */
export function resourcePath(pathname: string): ResourcePath | undefined {
  const [root, ...rest] = pathname.slice(1).split('/').map(decoded);
  if (root !== 'api' && root !== 'apis') return undefined;
  const [group = '', version = '', ...steps] = root === 'api' ? ['', ...rest] : rest;
  if (steps.length === 0 || steps.includes('')) return undefined;
  const { namespace, below } = splitNamespace(steps);
  const [plural = '', name = '', subresource = '', ...more] = below;
  return more.length > 0 ? undefined : { group, version, namespace, plural, name, subresource };
}

/** `namespaces/{name}` alone is the namespace itself; with more steps it is the scope of what follows. */
function splitNamespace(steps: string[]): { namespace: string; below: string[] } {
  const [first, namespace, third] = steps;
  const isInside = first === 'namespaces' && third !== undefined && !NAMESPACE_SUBRESOURCES.includes(third);
  return isInside && namespace !== undefined ? { namespace, below: steps.slice(2) } : { namespace: '', below: steps };
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    throw StatusError.badRequest(`the path has a badly escaped part: ${step}`);
  }
}
