import { messageOf } from '@fsb/api/errors';
import { pino } from 'pino';
import { type Layout } from '../layout';
import { type Settings } from '../settings';
import { Supervisor } from './supervisor';
import { lockSupervisor, unlockSupervisor } from './supervisor-lock';

/** Runs until SIGTERM or SIGINT, which end the services too. After SIGHUP or SIGKILL they run on for the next one. */
export async function runSupervisor(layout: Layout, settings: Settings): Promise<void> {
  const logger = pino({ base: { service: 'supervisor', pid: process.pid } });
  lockSupervisor(layout);
  const supervisor = new Supervisor(layout, settings, logger);
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  const started = supervisor.start().then(
    () => undefined,
    (error: unknown) => error,
  );
  const failure = await Promise.race([started.then((error) => error ?? signalled), signalled]);
  const failed = failure instanceof Error;
  if (failed) logger.fatal({ msg: 'cannot start', error: messageOf(failure) });
  else logger.info({ msg: 'stopping', signal: failure });
  await (failure === 'SIGHUP' ? supervisor.release() : supervisor.stop());
  unlockSupervisor(layout);
  process.exit(failed ? 1 : 0);
}
