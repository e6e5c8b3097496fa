import { type SandboxProcess } from '../sandboxes/sandbox-process';

/** What a launcher becomes: all that the image decides is resolved by the launcher, in the image's root. */
export type LaunchOrder = Omit<SandboxProcess, 'limits' | 'fromImage'>;

/** Bytes that an empty pipe takes at once: the agent never waits for a launcher that waits. A file takes any order. */
export const MAX_PIPED_BYTES = 60 * 1024;
/** capabilities(7): the bits of those that sandboxes have (see CAPABILITIES) */
const KEPT_CAPABILITIES = 0x4_04_fb;

/** The order in the launcher's words (launcher.c). Pure. */
export function encodeOrder({ hostname, user, workingDir, volumes, args, env }: LaunchOrder): Buffer {
  const list = (texts: readonly string[]): string[] => [String(texts.length), ...texts];
  const texts = [
    hostname,
    KEPT_CAPABILITIES.toString(16),
    user,
    workingDir,
    ...list(volumes),
    ...list(args),
    ...list(env),
  ];
  return Buffer.from([...texts, 'end'].map((text) => `${text}\0`).join(''));
}
