import { type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { type Authorization, type User } from '../auth/authorization';
import { type Json } from '../kube-object';
import { StatusError } from '../status-error';
import { mediaType, objectBody, readRequestBody } from './body';

const AUTHENTICATION = 'authentication.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';

const attributes = z.object({
  verb: z.string(),
  resource: z.string(),
  subresource: z.string().default(''),
  namespace: z.string().default(''),
});
const ownAccess = z.object({ spec: z.object({ resourceAttributes: attributes }) });
const access = z.object({
  spec: z.object({
    user: z.string().default(''),
    groups: z.array(z.string()).default([]),
    resourceAttributes: attributes,
  }),
});
const token = z.object({ spec: z.object({ token: z.string() }) });

interface Asked {
  readonly body: Json;
  readonly user: User;
  readonly authorization: Authorization;
}

/** Reviews by path: for `kubectl auth can-i` and `whoami`, and for gateways, which review their callers. */
const REVIEWS: Readonly<Record<string, (asked: Asked) => object>> = {
  [`/apis/${AUTHENTICATION}/v1/selfsubjectreviews`]: ({ user }) => ({ userInfo: userInfo(user) }),
  [`/apis/${AUTHORIZATION}/v1/selfsubjectaccessreviews`]: ({ body, user, authorization }) => {
    return { allowed: isAllowed(authorization, user, parsed(ownAccess, body).spec.resourceAttributes) };
  },
  [`/apis/${AUTHENTICATION}/v1/tokenreviews`]: ({ body, user, authorization }) => {
    authorization.authorize(user, 'create', 'tokenreviews', { group: AUTHENTICATION, namespace: '' });
    const owner = authorization.withToken(parsed(token, body).spec.token);
    return owner ? { authenticated: true, user: userInfo(owner) } : { authenticated: false };
  },
  [`/apis/${AUTHORIZATION}/v1/subjectaccessreviews`]: ({ body, user, authorization }) => {
    authorization.authorize(user, 'create', 'subjectaccessreviews', { group: AUTHORIZATION, namespace: '' });
    const { spec } = parsed(access, body);
    const subject = authorization.userNamed(spec.user, spec.groups);
    return { allowed: subject !== undefined && isAllowed(authorization, subject, spec.resourceAttributes) };
  },
};

/**
 * Answers a review by the rules that apply to every request.
 * @returns undefined when it is no review
 * @throws StatusError 400, 403
 */
export async function review(
  path: string,
  request: IncomingMessage,
  user: User,
  authorization: Authorization,
): Promise<Json | undefined> {
  const answer = request.method === 'POST' && Object.hasOwn(REVIEWS, path) ? REVIEWS[path] : undefined;
  if (!answer) return undefined;
  const body = objectBody(mediaType(request), await readRequestBody(request));
  return { ...body, status: answer({ body, user, authorization }) };
}

function isAllowed(authorization: Authorization, user: User, asked: z.infer<typeof attributes>): boolean {
  const { verb, resource, subresource, namespace } = asked;
  return authorization.allows(user, verb, subresource === '' ? resource : `${resource}/${subresource}`, namespace);
}

function userInfo({ name, role }: User): object {
  return { username: name, groups: [role] };
}

/** @throws StatusError 400 */
function parsed<T>(schema: z.ZodType<T>, body: Json): T {
  const result = schema.safeParse(body);
  if (!result.success) throw StatusError.badRequest(`the review: ${z.prettifyError(result.error)}`);
  return result.data;
}
