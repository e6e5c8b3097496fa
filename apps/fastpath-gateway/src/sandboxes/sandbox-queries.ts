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

/** Every namespace, or these. */
export type Visible = 'all' | readonly string[];

/** Get and List, from memory alone but for the object as the API server has it. */
@Injectable()
export class SandboxQueries {
  constructor(
    private readonly catalog: Catalog,
    private readonly objects: SandboxObjects,
  ) {}

  /** @throws ApiError not_found, failed_precondition, invalid_argument */
  get({ sandboxName, namespace, sandboxId }: GetRequest): SandboxInfo {
    const name = objectName('sandbox_name', sandboxName);
    const found = this.catalog.find(namespaceName(namespace), name, sandboxId);
    if (!found) throw notFound(namespaceName(namespace), name);
    requireId(found, sandboxId);
    return found;
  }

  /** The object in JSON. @param deadline Unix milliseconds @throws ApiError, as {@link SandboxObjects.json} */
  objectJson(namespace: string, name: string, deadline: number): Promise<string> {
    return this.objects.json(namespace, name, deadline);
  }

  /** @returns JSON `[{name, ms}]`; undefined where the sandbox was not made FAST, or nobody knows any more */
  timings({ sandboxName, namespace }: SandboxInfo): string | undefined {
    return this.catalog.timings(namespace, sandboxName);
  }

  /** All that have a sandbox. @throws ApiError unavailable */
  namespaces(): string[] {
    return this.catalog.namespaces();
  }

  /**
   * @param visible whose sandboxes the caller may see
   * @throws ApiError invalid_argument
   */
  list({ limit, continue: token }: ListRequest, visible: Visible): ListResponse {
    if (limit < 0) throw invalid('limit', `${limit} must be 0 (all) or more`);
    const after = token === '' ? '' : Buffer.from(token, 'base64url').toString();
    if (token !== '' && !after.includes('/')) throw invalid('continue', 'must be that of an earlier answer');
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

/** As their keys sort: `a-b/` before `a/`. */
function byKey(one: string, other: string): number {
  return `${one}/` < `${other}/` ? -1 : 1;
}

export function notFound(namespace: string, name: string): ApiError {
  return new ApiError('not_found', `sandbox "${name}" not found in namespace "${namespace}"`);
}

/** @throws ApiError failed_precondition where the caller meant another sandbox of that name */
export function requireId({ sandboxName, sandboxId: actual }: SandboxInfo, wanted: string): void {
  if (wanted === '' || wanted === actual) return;
  throw anotherOne(sandboxName, wanted, actual);
}

/** @param actual empty where it has none yet; undefined where there may be several */
export function anotherOne(name: string, wanted: string, actual?: string): ApiError {
  const is = actual === undefined ? 'another one' : actual || 'not placed yet';
  return new ApiError('failed_precondition', `sandbox_id: "${name}" is ${is}, not ${wanted}`);
}

function split(key: string): [string, string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
