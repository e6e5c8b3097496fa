import { type AgentSandboxStatus } from './agent-api';

/** How the process of a sandbox ended. */
export interface LogExit {
  /** 128 + signal after a signal; absent if unknown */
  readonly exitCode?: number;
  /** as in {@link AgentSandboxStatus} */
  readonly reason: string;
  readonly message: string;
}

/** HTTP trailer after a followed log that is complete. An older agent sends none. */
export const LOG_EXIT_TRAILER = 'x-fsb-exit';

/** Value of the trailer. @returns undefined unless the sandbox's process has ended by itself */
export function encodeLogExit(status: AgentSandboxStatus | undefined): string | undefined {
  if (status?.reason === undefined) return undefined;
  const { exitCode, reason, message = '' } = status;
  const exit: LogExit = { ...(exitCode === undefined ? {} : { exitCode }), reason, message };
  return encodeURIComponent(JSON.stringify(exit)); // header values are ASCII
}

/** Reads the trailer. @returns undefined if it is absent or malformed */
export function decodeLogExit(trailer: string | undefined): LogExit | undefined {
  if (trailer === undefined) return undefined;
  try {
    const { exitCode, reason, message } = JSON.parse(decodeURIComponent(trailer)) as Record<keyof LogExit, unknown>;
    return {
      ...(typeof exitCode === 'number' ? { exitCode } : {}),
      reason: typeof reason === 'string' ? reason : '',
      message: typeof message === 'string' ? message : '',
    };
  } catch {
    return undefined;
  }
}
