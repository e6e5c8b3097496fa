import { ApiError, messageOf } from '@fsb/api/errors';
import { type Secret } from '@fsb/controller-runtime/kinds';
import { z } from 'zod';

export interface PullSecret {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

const Auth = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  auth: z.string().optional(),
});
const DockerConfig = z.object({ auths: z.record(z.string(), Auth) });
const KEY = '.dockerconfigjson';

/**
 * Parses a Secret of type kubernetes.io/dockerconfigjson into credentials by registry host.
 * @throws ApiError failed_precondition when the key is missing or malformed
 */
export function pullSecretsOf({ metadata: { name = '' }, data }: Secret): PullSecret[] {
  const text = data?.[KEY];
  if (text === undefined)
    throw new ApiError('failed_precondition', `imagePullSecrets: secret "${name}" has no key ${KEY}`);
  try {
    const { auths } = DockerConfig.parse(JSON.parse(Buffer.from(text, 'base64').toString('utf8')));
    return Object.entries(auths).flatMap(([server, auth]) => {
      const { username, password } = credentials(auth);
      return username === undefined || password === undefined ? [] : [{ host: hostOf(server), username, password }];
    });
  } catch (error) {
    // a message of JSON.parse may quote the secret: only its kind is shown
    const kind = error instanceof z.ZodError ? 'has another shape' : messageOf(error).replace(/:.*|".*|'.*/s, '');
    throw new ApiError('failed_precondition', `imagePullSecrets: ${KEY} of secret "${name}" cannot be read: ${kind}`);
  }
}

function credentials({ username, password, auth }: z.infer<typeof Auth>): { username?: string; password?: string } {
  if (username !== undefined && password !== undefined) return { username, password };
  const pair = Buffer.from(auth ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? {} : { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** Docker writes Docker Hub as a URL. */
function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === 'index.docker.io' ? 'docker.io' : host;
}
