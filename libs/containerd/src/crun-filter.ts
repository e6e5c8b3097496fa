import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What of a container's request is asked for here. */
interface Request {
  readonly id: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly runtimeBinary?: string | undefined;
  readonly runtimeRoot?: string | undefined;
}

/** crun(1): the filter itself, in base64, in place of what it would compile from the profile, which it then leaves alone. */
const FILTER_ANNOTATION = 'run.oci.seccomp_bpf_data';
/** bytes of one `struct sock_filter` */
const INSTRUCTION_BYTES = 8;
/** BPF_MAXINSNS of the kernel */
const MAX_INSTRUCTIONS = 4096;

/**
 * A seccomp profile is compiled at every create: 15 ms of crun's 27 (profile of Debian 12, its three architectures). crun
 * leaves the filter beside a container's state, so that the first one's is given to all later ones. The profile stays in
 * the spec: a runtime that does not know the annotation compiles it, and runs nothing without.
 */
export class CrunFilters {
  /** base64, by the profile that it was compiled from */
  private readonly known = new WeakMap<object, string>();

  /** The request with the filter of its profile, where one is known. */
  annotate<R extends Request>(request: R): R {
    const profile = profileOf(request);
    const filter = profile && this.known.get(profile);
    if (filter === undefined) return request;
    const given = request.spec['annotations'] as Readonly<Record<string, string>> | undefined; // OCI: a map of strings
    return { ...request, spec: { ...request.spec, annotations: { ...given, [FILTER_ANNOTATION]: filter } } };
  }

  /** From a container that runs. One that is gone already teaches nothing: the next one does. */
  async learn(request: Request, namespace: string): Promise<void> {
    const profile = profileOf(request);
    if (!profile || this.known.has(profile) || request.runtimeRoot === undefined) return;
    const file = join(request.runtimeRoot, namespace, request.id, 'seccomp.bpf');
    const filter = await readFile(file).catch(() => Buffer.alloc(0));
    const isWhole = filter.length > 0 && filter.length % INSTRUCTION_BYTES === 0;
    if (isWhole && filter.length <= MAX_INSTRUCTIONS * INSTRUCTION_BYTES)
      this.known.set(profile, filter.toString('base64'));
  }
}

/** @returns undefined where nothing is to be known: no crun, or no profile */
function profileOf({ runtimeBinary = '', spec }: Request): object | undefined {
  if (basename(runtimeBinary) !== 'crun') return undefined;
  return (spec['linux'] as { seccomp?: object } | undefined)?.seccomp; // as buildSpec makes it
}
