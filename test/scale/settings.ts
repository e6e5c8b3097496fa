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
  /** Seconds of measuring idle processes. */
  IDLE: count(30),
  /** Whether the controllers use Leases. On a machine that starves them for seconds they would lose them. */
  LEADER_ELECT: z.enum(['true', 'false']).default('true'),
  /** Folder for a CPU profile of each process. */
  PROFILE: z.string().optional(),
  OUT: z.string().default('dist/scale/result.json'),
});

/** Size of the simulation, and output of its figures. */
export interface Settings {
  readonly agents: number;
  readonly sandboxes: number;
  readonly pools: number;
  /** per agent: 20 % above its share, 10 % for the sandboxes of the agents that are lost, and two */
  readonly slots: number;
  readonly idleSeconds: number;
  readonly out: string;
  /** sandboxes at the smaller of the two measurements */
  readonly small: number;
  readonly changes: number;
  readonly leaderElect: string;
  readonly profile?: string;
}

/** @throws Error that names every invalid setting */
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
