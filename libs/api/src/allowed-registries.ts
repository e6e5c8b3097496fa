import { ApiError } from './errors';

/** The entry that covers every registry. */
export const ANY_REGISTRY = '*';
const HOST = String.raw`[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*(:\d{1,5})?`;
const ADDRESS = String.raw`\[[0-9a-fA-F:.]+\](:\d{1,5})?`;
const PATH = String.raw`(/[a-z0-9._-]+)*`;
const ENTRY = new RegExp(`^(\\*|\\*\\.${HOST}|(${HOST}|${ADDRESS})${PATH})$`);
const MAX_SHOWN = 10;

/** The form of an entry, for messages. */
export const REGISTRY_RULE =
  'must be *, or registries such as docker.io, ghcr.io/owner, registry.example:5000, *.example.com';

export function isRegistryEntry(text: string): boolean {
  return ENTRY.test(text);
}

/**
 * Whether one of the entries covers the image. Pure.
 * - `docker.io` is Docker Hub.
 * - A path covers every repository below it.
 * - `*.example.com` covers every host below that domain: on any port, unless the entry names one.
 * @param image normalised
 * @example isAllowedImage('ghcr.io/owner/app:1', ['ghcr.io/owner']) // true
 */
export function isAllowedImage(image: string, entries: readonly string[]): boolean {
  const [named = ''] = image.split('@');
  const [host = '', ...path] = named.split('/');
  const repository = [host.toLowerCase(), ...path].join('/').replace(/:[\w.-]+$/, '');
  return entries.some((entry) => covers(entry, host.toLowerCase(), repository));
}

/**
 * @param image normalised
 * @param source where the list is set, as in "--allowed-registries"; named in the message
 * @throws ApiError invalid_argument when no entry covers the image
 */
export function requireAllowedImage(image: string, entries: readonly string[], source: string): void {
  if (isAllowedImage(image, entries)) return;
  const shown = entries.slice(0, MAX_SHOWN).join(', ') + (entries.length > MAX_SHOWN ? ', …' : '');
  throw new ApiError('invalid_argument', `image: ${image} is of no registry that ${source} allows: ${shown}`);
}

function covers(entry: string, host: string, repository: string): boolean {
  if (entry === ANY_REGISTRY) return true;
  if (entry.startsWith('*.')) return coversHost(entry.slice(1).toLowerCase(), host);
  const slash = entry.indexOf('/');
  const wanted = slash < 0 ? entry.toLowerCase() : entry.slice(0, slash).toLowerCase() + entry.slice(slash);
  return repository === wanted || repository.startsWith(`${wanted}/`);
}

/** @param suffix as in `.example.com` or `.example.com:5000` */
function coversHost(suffix: string, host: string): boolean {
  return host.endsWith(suffix) || (!suffix.includes(':') && host.replace(/:\d+$/, '').endsWith(suffix));
}
