/** What a phase says. Nothing else lists the phases that have ended. */
interface Meaning {
  /** The process has ended, or none will come by itself: the end that users see. */
  readonly ended: boolean;
  /** A slot of the assigned agent may be taken. */
  readonly mayHoldSlot: boolean;
}

const ALIVE: Meaning = { ended: false, mayHoldSlot: true };
const ENDED: Meaning = { ended: true, mayHoldSlot: false };
/** The agent is gone with its slot, and may come back with the container. */
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
/** The phase in an agent's report. stopped: exited with 0; failed: exited otherwise, or never started; terminated: gone. */
export type AgentPhase = keyof typeof AGENT_PHASES;

const ENDED_SANDBOX = phasesThat('ended', SANDBOX_PHASES);
const HOLDING_SANDBOX = phasesThat('mayHoldSlot', SANDBOX_PHASES);
const ENDED_ON_AGENT = phasesThat('ended', AGENT_PHASES);

/** Whether the object has come to its end; a failure policy or a reset may still begin another attempt. */
export function hasEnded(phase: SandboxPhase | undefined): boolean {
  return ENDED_SANDBOX.has(phase);
}

/** Whether a sandbox of this phase may have a slot of the agent that its object names. */
export function mayHoldSlot(phase: SandboxPhase): boolean {
  return HOLDING_SANDBOX.has(phase);
}

/** Whether the process of a reported sandbox has ended: the sandbox holds no slot and no port any more. */
export function hasEndedOnAgent(phase: string): boolean {
  return ENDED_ON_AGENT.has(phase);
}

function phasesThat(have: keyof Meaning, table: Readonly<Record<string, Meaning>>): ReadonlySet<string | undefined> {
  return new Set(Object.keys(table).filter((phase) => table[phase]?.[have]));
}
