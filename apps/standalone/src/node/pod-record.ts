import { join } from 'node:path';
import { z } from 'zod';
import { processIdentity } from '../process-identity';

/** Record of a Pod on disk, for the next node process, `status` and `down`. */
export const podRecord = z.object({
  uid: z.string(),
  namespace: z.string(),
  name: z.string(),
  /** name below /run/netns */
  networkNamespace: z.string(),
  ip: z.string().optional(),
  port: z.number().int(),
  restarts: z.number().int(),
  /** reason the previous process ended; absent when there was none */
  lastEnd: z.string().optional(),
  process: processIdentity.optional(),
  /** folders with its Secrets */
  secrets: z.array(z.string()).default([]),
  /** Unix milliseconds of the process's start */
  startedAt: z.number().optional(),
});
export type PodRecord = z.infer<typeof podRecord>;

export function podRecordFile(runDir: string, uid: string): string {
  return join(runDir, `${uid}.json`);
}
