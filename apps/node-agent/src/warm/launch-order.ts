import { type ProcessUser } from '@fsb/containerd/user-lookup';

/** What a waiting container becomes. */
export interface LaunchOrder {
  readonly hostname: string;
  readonly user: ProcessUser;
  readonly workingDir: string;
  /** the file that is run: a path in the container */
  readonly program: string;
  readonly args: readonly string[];
  /** `NAME=value`, in this order */
  readonly env: readonly string[];
}

/** An empty pipe takes 64 KiB at once: the agent never waits for the launcher. */
const MAX_BYTES = 60 * 1024;
/** launcher.c: MAX_TEXTS, MAX_GROUPS */
const MAX_TEXTS = 8_000;
const MAX_GROUPS = 256;
/** capabilities(7): the bits of those that sandboxes have (see CAPABILITIES) */
const KEPT_CAPABILITIES = 0x4_04_fb;

/** The order in the launcher's words (launcher.c). @returns undefined where it is too long for it */
export function encodeOrder(order: LaunchOrder): Buffer | undefined {
  const { hostname, user, workingDir, program, args, env } = order;
  if (args.length + env.length > MAX_TEXTS || user.additionalGids.length > MAX_GROUPS) return undefined;
  const texts = [
    hostname,
    ...[user.uid, user.gid, user.additionalGids.length, ...user.additionalGids].map(String),
    KEPT_CAPABILITIES.toString(16),
    workingDir,
    program,
    ...[String(args.length), ...args],
    ...[String(env.length), ...env],
    'end',
  ];
  const bytes = Buffer.from(texts.map((text) => `${text}\0`).join(''));
  return bytes.length <= MAX_BYTES ? bytes : undefined;
}
