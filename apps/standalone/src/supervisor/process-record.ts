import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { files, type Layout } from '../layout';
import { processIdentity } from '../process-identity';
import { readJson } from '../state-file';

/** Record of a supervised process on disk, for the next supervisor, `status` and `down`. */
const processRecord = z.object({
  name: z.string(),
  process: processIdentity,
  command: z.array(z.string()),
  /** build id of its code; absent: not our program, or started by an older supervisor */
  build: z.string().optional(),
  /** Unix milliseconds */
  startedAt: z.number(),
  restarts: z.number().int(),
  /** reason the previous process ended; absent when there was none */
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
    return []; // no such folder yet
  }
}
