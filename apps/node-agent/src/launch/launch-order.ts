import { type SandboxProcess } from '../sandboxes/sandbox-process';

/** The process that a launcher becomes. What depends on the image is resolved by the launcher, in the image's root. */
export type LaunchOrder = Omit<SandboxProcess, 'limits' | 'fromImage'>;

/**
 * Largest order for a FIFO: an empty pipe takes it at once, so that the agent does not block. A file takes any order.
 */
export const MAX_PIPED_BYTES = 60 * 1024;
/** capabilities(7): mask of the capabilities that sandboxes have (see CAPABILITIES) */
const KEPT_CAPABILITIES = 0x4_04_fb;

/** Encodes an order in the format of launcher.c: texts that each end with NUL. Pure. */
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
