import { createHash } from 'node:crypto';

/** Proof that a namespace has pulled an image with some credentials, which are kept as a hash. */
export interface PullProof {
  readonly namespace: string;
  readonly credentials: string;
}

/** How an image came to the node from a repository, and which namespaces may use it. */
export interface PullRecord {
  /** true: from a registry, for anyone; false: loaded by other means */
  readonly isPulled: boolean;
  /** the registry gave it without credentials: every namespace may use it */
  readonly isPublic: boolean;
  readonly proofs: readonly PullProof[];
}

const ANONYMOUS = 'anonymous';
/** containerd's label on fetched content, set before the image has its name: host without port, with paths as value. */
const SOURCE_PREFIX = 'containerd.io/distribution.source.';
/** Proofs kept: containerd takes 4,096 bytes of key and value, and a namespace has at most 63. */
const MAX_PROOFS = 40;
const HASH_CHARS = 32;

/** The label with the record of an image's pulls, by its repository. @param name normalised */
export function recordLabel(name: string): string {
  return `sandbox.fast.io/pulled.${sha256(repositoryOf(name)).slice(0, HASH_CHARS)}`;
}

/**
 * The record of an image's pulls from one repository.
 * @param labels of the image's content
 * @param name normalised
 */
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

/** The label's value after one more pull. @param proof undefined: a pull without credentials */
export function withProof({ isPublic, proofs }: PullRecord, proof: PullProof | undefined): string {
  if (isPublic || proof === undefined) return ANONYMOUS;
  const others = proofs.filter((one) => wordOf(one) !== wordOf(proof));
  return [...others, proof].slice(-MAX_PROOFS).map(wordOf).join(' ');
}

/** A hash of credentials, salted by the image: the same credentials differ between images. */
export function credentialsHash(
  digest: string,
  { username, password }: { username: string; password: string },
): string {
  return sha256(JSON.stringify([digest, username, password])).slice(0, HASH_CHARS);
}

/** The label in which containerd records the repository of fetched content. @param name normalised */
export function sourceOf(name: string): { label: string; path: string } {
  const [registry = '', ...path] = repositoryOf(name).split('/');
  const host = registry.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return { label: `${SOURCE_PREFIX}${host}`, path: path.join('/') };
}

function wordOf({ credentials, namespace }: PullProof): string {
  return `${credentials}/${namespace}`;
}

/** The name without tag and digest. */
function repositoryOf(name: string): string {
  const [named = ''] = name.split('@');
  return named.slice(0, named.includes(':', named.lastIndexOf('/')) ? named.lastIndexOf(':') : undefined);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
