/** Meaning of one phase. The tables below are the only list of the phases that have ended. */
interface Meaning {
  /** the process has ended, or none will start without a failure policy or a reset: the end that users see */
  readonly ended: boolean;
  /** the sandbox may hold a slot of its assigned agent */
  readonly mayHoldSlot: boolean;
}

const ALIVE: Meaning = { ended: false, mayHoldSlot: true };
const ENDED: Meaning = { ended: true, mayHoldSlot: false };
/** The agent is gone, and the slot with it; both may come back with the container. */
const LOST: Meaning = { ended: false, mayHoldSlot: false };

const SANDBOX_PHASES = {
  Pending: ALIVE,
  Bound: ALIVE,
  Running: ALIVE,
  Terminating: ALIVE,
  Expired: ENDED,
  Failed: ENDED,
  Lost: LOST,
  Succeeded: ENDED,
} as const satisfies Record<string, Meaning>;
/** The phase of a Sandbox object. */
export type SandboxPhase = keyof typeof SANDBOX_PHASES;

const AGENT_PHASES = {
  creating: ALIVE,
  running: ALIVE,
  terminating: ALIVE,
  stopped: ENDED,
  failed: ENDED,
  terminated: ENDED,
} as const satisfies Record<string, Meaning>;
/**
 * The phase in an agent's report. `stopped`: exited with 0. `failed`: exited otherwise, or never started.
 * `terminated`: gone.
 */
export type AgentPhase = keyof typeof AGENT_PHASES;

const ENDED_SANDBOX = phasesThat('ended', SANDBOX_PHASES);
const HOLDING_SANDBOX = phasesThat('mayHoldSlot', SANDBOX_PHASES);
const ENDED_ON_AGENT = phasesThat('ended', AGENT_PHASES);

/** Whether the object has ended. A failure policy or a reset may still begin another attempt. */
export function hasEnded(phase: SandboxPhase | undefined): boolean {
  return ENDED_SANDBOX.has(phase);
}

/** Whether a sandbox of this phase may hold a slot of its assigned agent. */
export function mayHoldSlot(phase: SandboxPhase): boolean {
  return HOLDING_SANDBOX.has(phase);
}

/** Whether the process of a reported sandbox has ended, and its slot and ports are free. */
export function hasEndedOnAgent(phase: string): boolean {
  return ENDED_ON_AGENT.has(phase);
}

function phasesThat(have: keyof Meaning, table: Readonly<Record<string, Meaning>>): ReadonlySet<string | undefined> {
  return new Set(Object.keys(table).filter((phase) => table[phase]?.[have]));
}
