import { type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { type Authorization, type User } from '../auth/authorization';
import { type Json } from '../kube-object';
import { StatusError } from '../status-error';
import { mediaType, objectBody, readBody } from './body';

const ACCESS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const WHO = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

const question = z.object({
  spec: z.object({
    resourceAttributes: z.object({
      verb: z.string(),
      resource: z.string(),
      subresource: z.string().default(''),
    }),
  }),
});

/**
 * `kubectl auth can-i` and `whoami`, answered from the same rules as every request.
 * @returns undefined where the path is neither
 * @throws StatusError 400
 */
export async function review(
  path: string,
  request: IncomingMessage,
  user: User,
  authorization: Authorization,
): Promise<Json | undefined> {
  if (request.method !== 'POST' || (path !== ACCESS && path !== WHO)) return undefined;
  const body = objectBody(mediaType(request), await readBody(request));
  if (path === WHO) return { ...body, status: { userInfo: { username: user.name, groups: [user.role] } } };
  const parsed = question.safeParse(body);
  if (!parsed.success) throw StatusError.badRequest(`SelfSubjectAccessReview: ${z.prettifyError(parsed.error)}`);
  const { verb, resource, subresource } = parsed.data.spec.resourceAttributes;
  const allowed = authorization.allows(user, verb, subresource === '' ? resource : `${resource}/${subresource}`);
  return { ...body, status: { allowed } };
}
