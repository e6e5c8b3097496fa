import { ApiError } from './errors';

const DOMAIN = /^(localhost|[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9.-]+:\d{1,5}|\[[0-9a-fA-F:]+\](:\d{1,5})?)$/;
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;
const MAX_LENGTH = 255;

/**
 * The full name of an image, as containerd stores it. The grammar is that of distribution/reference. A digest replaces
 * a tag (ParseDockerRef), as in docker and CRI.
 * @throws ApiError invalid_argument when the name is empty or malformed
 * @example normaliseImage('alpine') // 'docker.io/library/alpine:latest'
 */
export function normaliseImage(name: string): string {
  if (name === '')
    throw new ApiError('invalid_argument', 'image: is required, as in "alpine" or "ghcr.io/owner/app:1.2"');
  const [named = '', digest, ...more] = name.split('@');
  const { domain, path, tag } = parse(named);
  const problem = more.length > 0 ? 'has two digests' : complaint(path, tag, digest);
  if (problem !== undefined) {
    throw new ApiError(
      'invalid_argument',
      `image: "${name.slice(0, 80)}" ${problem}; allowed is [host/]path[:tag][@digest]`,
    );
  }
  const official = domain === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  return `${domain}/${official}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`;
}

function parse(named: string): { domain: string; path: string; tag: string | undefined } {
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const hasDomain = DOMAIN.test(first);
  const rest = hasDomain ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(':');
  return {
    domain: hasDomain && first !== 'index.docker.io' ? first : 'docker.io',
    path: colon < 0 ? rest : rest.slice(0, colon),
    tag: colon < 0 ? undefined : rest.slice(colon + 1),
  };
}

function complaint(path: string, tag: string | undefined, digest: string | undefined): string | undefined {
  if (path.length > MAX_LENGTH) return 'is too long';
  if (!PATH.test(path)) return 'is not an image name';
  if (tag !== undefined && !TAG.test(tag)) return 'has a malformed tag';
  if (digest !== undefined && !DIGEST.test(digest)) return 'has a malformed digest';
  return undefined;
}
