import { z } from 'zod';

/** What a container's extension records before its process can start: all that a restarted agent has to know. */
export const Claim = z.object({
  sandboxId: z.string(),
  claimUid: z.string(),
  claimName: z.string(),
  namespace: z.string(),
  image: z.string(),
  ports: z.array(z.number()),
  memoryBytes: z.number().optional(),
  generation: z.number().optional(),
  /** Unix seconds */
  createdAt: z.number(),
  object: z.record(z.string(), z.unknown()).optional(),
  finished: z.object({ exitCode: z.number(), reason: z.string(), finishedAt: z.string() }).optional(),
});
export type Claim = z.infer<typeof Claim>;
