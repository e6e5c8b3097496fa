import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { files, type Layout } from '../layout';
import { processIdentity } from '../process-identity';
import { readJson } from '../state-file';

/** What the supervisor leaves on disk of each of its processes, for its successor, for `status` and for `down`. */
const processRecord = z.object({
  name: z.string(),
  process: processIdentity,
  command: z.array(z.string()),
  /** of the code that it runs; absent: not ours, or of an earlier supervisor */
  build: z.string().optional(),
  /** Unix milliseconds */
  startedAt: z.number(),
  restarts: z.number().int(),
  /** why the process before this one ended; absent where there was none */
  lastEnd: z.string().optional(),
});
export type ProcessRecord = z.infer<typeof processRecord>;

export function readRecord(layout: Layout, name: string): ProcessRecord | undefined {
  return readJson(files.process(layout, name), processRecord);
}

export function readRecords(layout: Layout): ProcessRecord[] {
  return listJson(files.processes(layout)).flatMap((path) => readJson(path, processRecord) ?? []);
}

export function listJson(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
  } catch {
    return []; // not made yet
  }
}
