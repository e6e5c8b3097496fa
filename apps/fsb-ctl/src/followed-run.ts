import type { CreateRequest, CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import type { RunSandboxResponse, SandboxExit } from '@fsb/api/gen/fastpath/v1/logs';
import { CommandError } from './command-error';
import { createdLines } from './created-lines';
import { type Gateway, withGateway } from './gateway';
import { printAll } from './log-output';
import type { ConnectionSettings } from './settings';

export interface FollowFlags {
  readonly rm?: true;
  readonly quiet?: true;
}

/** Exit status when the run itself failed, not the process; docker uses the same. */
const RUN_FAILED = 125;
/** SIGPIPE is emitted by main.ts for a closed stdout, which is no failure: `fsb-ctl run … | head`. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGPIPE'] as const;
const STATUS_OF_SIGNAL: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 0 };

/**
 * Creates a sandbox, copies its stdout and stderr to those of fsb-ctl and waits for its end.
 * @returns exit status of the process: its code, or 128 + N when signal N ended it
 * @throws CommandError with exit code 125 when the create failed or the exit code is unknown
 */
export async function runAndFollow(
  settings: ConnectionSettings,
  request: CreateRequest,
  flags: FollowFlags,
): Promise<number> {
  return withGateway(settings, async (gateway) => {
    let created: CreateResponse | undefined;
    const cleanUp = async (): Promise<void> => {
      if (flags.rm === true && created) await deleteCreated(gateway, created, request.namespace);
    };
    const onSignal = (signal: NodeJS.Signals): void => {
      void cleanUp().finally(() => process.exit(STATUS_OF_SIGNAL[signal]));
    };
    for (const signal of SIGNALS) process.once(signal, onSignal);
    try {
      const exited = await follow(gateway, request, async (answer, stages, start) => {
        created = answer;
        if (flags.quiet !== true && process.stderr.isTTY) {
          process.stderr.write(await createdLines(answer, stages, start));
        }
      });
      return statusOf(exited, request.name);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(error.message, RUN_FAILED);
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      await cleanUp();
    }
  });
}

async function follow(
  gateway: Gateway,
  request: CreateRequest,
  onCreated: (answer: CreateResponse, stages: string, start: number) => Promise<void>,
): Promise<SandboxExit | undefined> {
  const start = performance.now();
  let exit: SandboxExit | undefined;
  async function* log(): AsyncGenerator<Pick<RunSandboxResponse, 'data' | 'turns'>> {
    for await (const message of gateway.run(request)) {
      if (message.created) await onCreated(message.created, message.stages, start);
      if (message.exited) exit = message.exited;
      if (message.data.length > 0) yield message;
    }
  }
  await printAll(log());
  return exit;
}

/** @throws CommandError when the exit code is unknown */
function statusOf(exited: SandboxExit | undefined, name: string): number {
  if (exited === undefined) {
    throw new CommandError(`the log ended before the sandbox did: see \`fsb-ctl get ${name}\``, RUN_FAILED);
  }
  const { exitCode, reason, message } = exited;
  if (exitCode === undefined) throw new CommandError(`${reason}: ${message}`, RUN_FAILED);
  // reasons that the exit code does not show, such as OOMKilled
  if (reason !== 'Completed' && reason !== 'Error') {
    process.stderr.write(`fsb-ctl: ${reason}${message === '' ? '' : `: ${message}`}\n`);
  }
  return exitCode;
}

async function deleteCreated(
  gateway: Gateway,
  { sandboxName, sandboxId }: CreateResponse,
  namespace: string,
): Promise<void> {
  try {
    await gateway.delete({ sandboxName, namespace, sandboxId, gracePeriodSeconds: undefined });
  } catch (error) {
    process.stderr.write(`fsb-ctl: --rm: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
