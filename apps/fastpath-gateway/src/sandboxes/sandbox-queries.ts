import { Injectable } from '@nestjs/common';
import { ApiError } from '@fsb/api/errors';
import {
  type GetRequest,
  type ListRequest,
  type ListResponse,
  type SandboxInfo,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import { Catalog } from './catalog';
import { invalid, namespaceName, objectName } from './field-rules';
import { SandboxObjects } from './sandbox-objects';

const MAX_PAGE = 10_000;

/** Namespaces that a caller may see. */
export type Visible = 'all' | readonly string[];

/** Get and List. All is answered from memory, except the object as JSON, which the API server is asked for. */
@Injectable()
export class SandboxQueries {
  constructor(
    private readonly catalog: Catalog,
    private readonly objects: SandboxObjects,
  ) {}

  /**
   * @throws ApiError invalid_argument, when a field is malformed
   * @throws ApiError not_found
   * @throws ApiError failed_precondition, when the sandbox has another id
   * @throws ApiError unavailable, before the caches are filled
   */
  get({ sandboxName, namespace, sandboxId }: GetRequest): SandboxInfo {
    const name = objectName('sandbox_name', sandboxName);
    const found = this.catalog.find(namespaceName(namespace), name, sandboxId);
    if (!found) throw notFound(namespaceName(namespace), name);
    requireId(found, sandboxId);
    return found;
  }

  /** The object as JSON; see {@link SandboxObjects.json}. @param deadline Unix milliseconds */
  objectJson(namespace: string, name: string, deadline: number): Promise<string> {
    return this.objects.json(namespace, name, deadline);
  }

  /** Stages of a FAST create as JSON `[{name, ms}]`; undefined after a STRONG create or when they are unknown. */
  timings({ sandboxName, namespace }: SandboxInfo): string | undefined {
    return this.catalog.timings(namespace, sandboxName);
  }

  /** Namespaces that have a sandbox. @throws ApiError unavailable, before the caches are filled */
  namespaces(): string[] {
    return this.catalog.namespaces();
  }

  /**
   * One page of sandboxes, sorted by namespace and name.
   * @param visible namespaces that the caller may see
   * @throws ApiError invalid_argument, when limit or continue is malformed
   * @throws ApiError unavailable, before the caches are filled
   */
  list({ limit, continue: token }: ListRequest, visible: Visible): ListResponse {
    if (limit < 0) throw invalid('limit', `${limit} must be 0 (all) or more`);
    const after = token === '' ? '' : Buffer.from(token, 'base64url').toString();
    if (token !== '' && !after.includes('/')) throw invalid('continue', 'must be the value of an earlier answer');
    const most = limit === 0 ? Number.POSITIVE_INFINITY : Math.min(limit, MAX_PAGE);
    const keys = this.keys(visible, after, most + 1);
    const page = keys.slice(0, most);
    const last = page.at(-1);
    const more = last !== undefined && page.length < keys.length;
    return {
      items: page.flatMap((key) => this.catalog.find(...split(key)) ?? []),
      continue: more ? Buffer.from(last).toString('base64url') : '',
    };
  }

  private keys(visible: Visible, after: string, limit: number): string[] {
    if (visible === 'all') return this.catalog.keys('', after, limit);
    const keys: string[] = [];
    for (const namespace of visible.map(namespaceName).sort(byKey)) {
      if (keys.length >= limit) break;
      keys.push(...this.catalog.keys(namespace, after, limit - keys.length));
    }
    return keys;
  }
}

/** Compares namespaces as their keys sort: `a-b/` before `a/`. */
function byKey(one: string, other: string): number {
  return `${one}/` < `${other}/` ? -1 : 1;
}

export function notFound(namespace: string, name: string): ApiError {
  return new ApiError('not_found', `sandbox "${name}" not found in namespace "${namespace}"`);
}

/** @throws ApiError failed_precondition, when the caller meant another sandbox of that name */
export function requireId({ sandboxName, sandboxId: actual }: SandboxInfo, wanted: string): void {
  if (wanted === '' || wanted === actual) return;
  throw idMismatch(sandboxName, wanted, actual);
}

/**
 * The error of an id precondition that does not hold.
 * @param actual id of the sandbox; empty: none yet; undefined: several containers may have the name
 */
export function idMismatch(name: string, wanted: string, actual?: string): ApiError {
  const is = actual === undefined ? 'another one' : actual || 'not placed yet';
  return new ApiError('failed_precondition', `sandbox_id: "${name}" is ${is}, not ${wanted}`);
}

function split(key: string): [string, string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
