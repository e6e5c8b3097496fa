import { z } from 'zod';

const count = (fallback: number): z.ZodType<number, string | undefined> =>
  z
    .string()
    .regex(/^\d{1,7}$/, 'must be a number')
    .default(String(fallback))
    .transform(Number)
    .refine((value) => value > 0, 'must be above 0');

const Environment = z.object({
  AGENTS: count(1_000),
  SANDBOXES: count(50_000),
  /** Seconds of looking at processes that have nothing to do. */
  IDLE: count(30),
  /** Whether the controllers hold Leases: on a machine that starves them for seconds they lose them. */
  LEADER_ELECT: z.enum(['true', 'false']).default('true'),
  /** A folder for a CPU profile of each process. */
  PROFILE: z.string().optional(),
  OUT: z.string().default('dist/scale/result.json'),
});

/** How large the simulation is, and where its figures go. */
export interface Settings {
  readonly agents: number;
  readonly sandboxes: number;
  readonly pools: number;
  /** of an agent: a fifth more than are asked of it, and room for those of a tenth that is lost */
  readonly slots: number;
  readonly idleSeconds: number;
  readonly out: string;
  /** sandboxes at which the small and the large measurement of the same changes are made */
  readonly small: number;
  readonly changes: number;
  readonly leaderElect: string;
  readonly profile?: string;
}

/** @throws with every setting that is wrong */
export function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const { AGENTS: agents, SANDBOXES: sandboxes, IDLE: idleSeconds, OUT: out, LEADER_ELECT, PROFILE } = parsed.data;
  const small = Math.max(100, Math.round(sandboxes / 50));
  return {
    ...{ agents, sandboxes, idleSeconds, out, small },
    pools: Math.max(1, Math.min(10, Math.floor(agents / 10))),
    leaderElect: LEADER_ELECT,
    ...(PROFILE === undefined ? {} : { profile: PROFILE }),
    slots: Math.ceil((sandboxes / agents) * 1.3) + 2,
    changes: Math.max(100, Math.min(1_000, small)),
  };
}
