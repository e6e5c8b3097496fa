import { z } from 'zod';

/** Why a sandbox ended: a word for programs, a sentence for people. */
const Why = z.object({ reason: z.string(), message: z.string() });
export type Why = z.infer<typeof Why>;

/**
 * What a container's extension records before its process can start: all that a restarted agent has to know. Values of
 * environment variables are here and in the container's OCI spec, never in labels, which every client of containerd prints.
 */
export const Claim = z.object({
  sandboxId: z.string(),
  claimUid: z.string(),
  claimName: z.string(),
  namespace: z.string(),
  image: z.string(),
  ports: z.array(z.number()),
  memoryBytes: z.number().optional(),
  /** what it may write; absent: an agent before this one did not look */
  storageBytes: z.number().optional(),
  /** number of the image's STOPSIGNAL; absent: SIGTERM */
  stopSignal: z.number().optional(),
  /** absent: the agent's default */
  terminationGracePeriodSeconds: z.number().optional(),
  generation: z.number().optional(),
  /** Unix seconds */
  createdAt: z.number(),
  /** The process and its limits as they were asked for. */
  spec: z.record(z.string(), z.unknown()).optional(),
  object: z.record(z.string(), z.unknown()).optional(),
  /** Why the agent is killing it. */
  evicted: Why.optional(),
  finished: z
    .object({
      /** absent: nobody knows */
      exitCode: z.number().optional(),
      reason: z.string(),
      message: z.string().optional(),
      finishedAt: z.string(),
    })
    .optional(),
});
export type Claim = z.infer<typeof Claim>;

/** What may become known of a claim after it was made. */
export type ClaimChange = Partial<Pick<Claim, 'claimUid' | 'evicted' | 'finished'>>;

/** A claim and what has become known since: of each thing the first stays, whichever change is written last. Pure. */
export function mergedClaim(before: Claim, change: ClaimChange): Claim {
  return { ...change, ...before, claimUid: before.claimUid || (change.claimUid ?? '') };
}
