import { z } from 'zod';

/** Why a sandbox ended: `reason` for programs, `message` for people. */
const Why = z.object({ reason: z.string(), message: z.string() });
export type Why = z.infer<typeof Why>;

/**
 * The record of a sandbox in its container's extension, written before its process can start: all that a restarted
 * agent needs. Values of environment variables are here and in the container's OCI spec, never in labels, which every
 * client of containerd prints.
 */
export const Claim = z.object({
  sandboxId: z.string(),
  claimUid: z.string(),
  claimName: z.string(),
  namespace: z.string(),
  image: z.string(),
  ports: z.array(z.number()),
  memoryBytes: z.number().optional(),
  /** bytes that the sandbox may write; absent: recorded by an agent that did not limit storage */
  storageBytes: z.number().optional(),
  /** number of the image's STOPSIGNAL; absent: SIGTERM */
  stopSignal: z.number().optional(),
  /** absent: the agent's default */
  terminationGracePeriodSeconds: z.number().optional(),
  generation: z.number().optional(),
  /** Unix seconds */
  createdAt: z.number(),
  /** the process and its limits, as requested */
  spec: z.record(z.string(), z.unknown()).optional(),
  object: z.record(z.string(), z.unknown()).optional(),
  /** why the agent kills it; recorded before the kill */
  evicted: Why.optional(),
  finished: z
    .object({
      /** absent: unknown */
      exitCode: z.number().optional(),
      reason: z.string(),
      message: z.string().optional(),
      finishedAt: z.string(),
    })
    .optional(),
});
export type Claim = z.infer<typeof Claim>;

/** Fields of a claim that are set after it was made. */
export type ClaimChange = Partial<Pick<Claim, 'claimUid' | 'evicted' | 'finished'>>;

/** The claim with the change applied. The first value of each field wins, whatever the order of the changes. Pure. */
export function mergedClaim(before: Claim, change: ClaimChange): Claim {
  return { ...change, ...before, claimUid: before.claimUid || (change.claimUid ?? '') };
}
