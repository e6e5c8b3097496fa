import { createHash } from 'node:crypto';

/** Who has shown credentials that pulled an image: a namespace, and which credentials, as a hash. */
export interface PullProof {
  readonly namespace: string;
  readonly credentials: string;
}

/** What is known of how an image came to the node under a registry's name, and who may have it. */
export interface PullRecord {
  /** by a registry, whoever asked it; else it was loaded */
  readonly isPulled: boolean;
  /** it was given to somebody without credentials: whoever asks may have it */
  readonly isPublic: boolean;
  readonly proofs: readonly PullProof[];
}

const ANONYMOUS = 'anonymous';
/** containerd writes it on what it fetches, before the image has its name: by host without port, the paths. */
const SOURCE_PREFIX = 'containerd.io/distribution.source.';
/** containerd takes 4,096 bytes of key and value; a namespace has at most 63. */
const MAX_PROOFS = 40;
const HASH_CHARS = 32;

/** The label of an image's content that says who has pulled it from that repository. @param name normalised */
export function recordLabel(name: string): string {
  return `sandbox.fast.io/pulled.${sha256(repositoryOf(name)).slice(0, HASH_CHARS)}`;
}

/** @param labels of the image's content @param name normalised */
export function pullRecordOf(labels: Readonly<Record<string, string>>, name: string): PullRecord {
  const words = (labels[recordLabel(name)] ?? '').split(' ').filter((word) => word !== '');
  const proofs = words.flatMap((word) => {
    const [credentials = '', namespace] = word.split('/');
    return namespace === undefined ? [] : [{ credentials, namespace }];
  });
  const { label, path } = sourceOf(name);
  const isPulled = words.length > 0 || (labels[label] ?? '').split(',').includes(path);
  return { isPulled, isPublic: words.includes(ANONYMOUS), proofs };
}

/** The label's value once somebody more has pulled the image. @param proof undefined: without credentials */
export function withProof({ isPublic, proofs }: PullRecord, proof: PullProof | undefined): string {
  if (isPublic || proof === undefined) return ANONYMOUS;
  const others = proofs.filter((one) => wordOf(one) !== wordOf(proof));
  return [...others, proof].slice(-MAX_PROOFS).map(wordOf).join(' ');
}

/** Salted by the image: the same credentials look different on another one. */
export function credentialsHash(
  digest: string,
  { username, password }: { username: string; password: string },
): string {
  return sha256(JSON.stringify([digest, username, password])).slice(0, HASH_CHARS);
}

/** Where containerd notes the repository that it has fetched content from. @param name normalised */
export function sourceOf(name: string): { label: string; path: string } {
  const [registry = '', ...path] = repositoryOf(name).split('/');
  const host = registry.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return { label: `${SOURCE_PREFIX}${host}`, path: path.join('/') };
}

function wordOf({ credentials, namespace }: PullProof): string {
  return `${credentials}/${namespace}`;
}

/** Without tag and digest. */
function repositoryOf(name: string): string {
  const [named = ''] = name.split('@');
  return named.slice(0, named.includes(':', named.lastIndexOf('/')) ? named.lastIndexOf(':') : undefined);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
