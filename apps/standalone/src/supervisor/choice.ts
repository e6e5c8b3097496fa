import { z } from 'zod';
import { files, type Layout } from '../layout';
import { readJson, writeJson } from '../state-file';

/** Properties of the machine, detected once and kept: a change while sandboxes run would lose them. */
const choice = z.object({
  containerd: z.object({ private: z.boolean(), socket: z.string(), root: z.string(), reason: z.string() }),
  runtime: z.object({ name: z.enum(['crun', 'runc']), binary: z.string(), reason: z.string() }).optional(),
  subnet: z.string(),
});
export type Choice = z.infer<typeof choice>;

export function readChoice(layout: Layout): Choice | undefined {
  return readJson(files.choice(layout), choice);
}

export function saveChoice(layout: Layout, value: Choice): void {
  writeJson(files.choice(layout), value);
}
