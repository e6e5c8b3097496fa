import { ApiError } from './errors';

/** Every registry. */
export const ANY_REGISTRY = '*';
const HOST = String.raw`[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*(:\d{1,5})?`;
const ADDRESS = String.raw`\[[0-9a-fA-F:.]+\](:\d{1,5})?`;
const PATH = String.raw`(/[a-z0-9._-]+)*`;
const ENTRY = new RegExp(`^(\\*|\\*\\.${HOST}|(${HOST}|${ADDRESS})${PATH})$`);
const MAX_SHOWN = 10;

/** What an entry must be, for messages. */
export const REGISTRY_RULE =
  'must be *, or registries such as docker.io, ghcr.io/owner, registry.example:5000, *.example.com';

export function isRegistryEntry(text: string): boolean {
  return ENTRY.test(text);
}

/**
 * Whether one of the entries covers the image. `docker.io` is Docker's hub; a path covers all below it; `*.example.com` covers
 * every host below that domain, on any port unless it names one. Pure.
 * @param image normalised
 */
export function isAllowedImage(image: string, entries: readonly string[]): boolean {
  const [named = ''] = image.split('@');
  const [host = '', ...path] = named.split('/');
  const repository = [host.toLowerCase(), ...path].join('/').replace(/:[\w.-]+$/, '');
  return entries.some((entry) => covers(entry, host.toLowerCase(), repository));
}

/**
 * @param image normalised
 * @param source whose list it is, as in "--allowed-registries"
 * @throws ApiError invalid_argument
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
