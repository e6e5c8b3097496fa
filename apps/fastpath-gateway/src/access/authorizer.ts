import { GROUP, SANDBOXES } from '@fsb/api/sandbox';
import { ApiError } from '@fsb/api/errors';
import { type Kind, type KubeObject } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Caller, REHEARSAL } from './caller';
import { ReviewCache } from './review-cache';

/** An act on sandboxes, in terms of RBAC. */
export interface RequiredAccess {
  readonly verb: 'create' | 'get' | 'list' | 'update' | 'delete';
  /** subresource of `sandboxes`; empty: the object itself */
  readonly subresource: '' | 'log';
}

interface Target {
  /** empty: all */
  readonly namespace: string;
  /** empty: any */
  readonly name: string;
}

interface SubjectAccessReview extends KubeObject {
  spec: {
    user: string;
    groups: readonly string[];
    uid?: string | undefined;
    extra?: Caller['extra'];
    resourceAttributes: Record<string, string>;
  };
  status?: { allowed?: boolean };
}

const ACCESS_REVIEW: Kind<SubjectAccessReview> = {
  ...{ group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview' },
  namespaced: false,
};
const REVIEW_MS = 5_000;
const ALLOWED_MS = 60_000;
const DENIED_MS = 10_000;
const MAX_ANSWERS = 50_000;

/** Authorizes callers by the cluster's RBAC rules for `sandboxes`, through SubjectAccessReviews. */
export class Authorizer {
  private readonly answers = new ReviewCache<boolean>({
    freshMs: (isAllowed) => (isAllowed ? ALLOWED_MS : DENIED_MS),
    maxEntries: MAX_ANSWERS,
    isRefusal: (isAllowed) => !isAllowed,
  });

  constructor(private readonly client: KubeClient) {}

  /**
   * Whether the caller may do `action` on `target`. The first review names no sandbox: nearly every rule allows all
   * names, and one cached answer then serves them all. Only when it is denied, a second review names the sandbox;
   * creates and lists have none.
   * @returns the answer, at once when it is cached
   * @throws ApiError unavailable, when the API server cannot be asked or too many reviews are in flight
   */
  allows(caller: Caller, action: RequiredAccess, { namespace, name }: Target): boolean | Promise<boolean> {
    if (caller === REHEARSAL) return action.verb === 'create';
    const ofAll = this.answer(caller, action, { namespace, name: '' });
    if (ofAll === true || name === '' || action.verb === 'create' || action.verb === 'list') return ofAll;
    if (ofAll === false) return this.answer(caller, action, { namespace, name });
    return ofAll.then((isAllowed) => isAllowed || this.answer(caller, action, { namespace, name }));
  }

  private answer(caller: Caller, action: RequiredAccess, target: Target): boolean | Promise<boolean> {
    const { name, groups, uid, extra } = caller;
    const key = JSON.stringify([
      name,
      groups,
      uid,
      extra,
      action.verb,
      action.subresource,
      target.namespace,
      target.name,
    ]);
    return this.answers.get(
      key,
      async () => {
        const { verb, subresource } = action;
        const resourceAttributes = { ...target, verb, group: GROUP, resource: SANDBOXES, subresource };
        const review = { metadata: {}, spec: { user: name, groups, uid, extra, resourceAttributes } };
        const { status } = await this.client.create<SubjectAccessReview>(ACCESS_REVIEW, review, {
          deadlineMs: REVIEW_MS,
        });
        return status?.allowed === true;
      },
      name,
    );
  }
}

/** The error permission_denied, worded as kubectl words it. */
export function denied(caller: Caller, { verb, subresource }: RequiredAccess, namespace: string): ApiError {
  const resource = subresource === '' ? SANDBOXES : `${SANDBOXES}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const what = `resource "${resource}" in API group "${GROUP}" ${where}`;
  return new ApiError('permission_denied', `User "${caller.name}" cannot ${verb} ${what}`);
}
