import { eventually } from '../support/eventually';
import { type MachineStack } from '../support/machine-stack';
import { SeededRandom } from '../support/seeded-random';
import { type Caller, inWords } from './caller';
import { type Journal } from './findings';
import { stateOf } from './end-watch';
import { readLog } from './log-reading';
import { type Life } from './plan';
import { runsOn, shortCommand } from './program';
import { createRequest } from './requests';

const READ_MS = 60_000;

export interface LossParts {
  readonly stack: MachineStack;
  readonly caller: Caller;
  readonly journal: (name: string) => Journal;
  /** resolves when the agents are ready again */
  readonly ready: () => Promise<void>;
  readonly say: (text: string) => void;
}

/**
 * Stops and starts the stack: running sandboxes become Lost, ended ones keep their end, and the logs of both can be
 * read.
 */
export async function loseSandboxes({ stack, caller, journal, ready, say }: LossParts): Promise<void> {
  const random = new SeededRandom('lost');
  const lives = ['lost-1', 'lost-2', 'ended'].map((name): Life & { name: string; journal: Journal } => ({
    ...{
      name,
      journal: journal(name),
      door: 'fast',
      gateway: 0,
      repeatable: true,
      followers: [],
      tails: [],
      deleteAt: 1,
      deleteBy: 'grpc',
    },
    program: name === 'ended' ? shortCommand(random) : runsOn(random),
    ending: { by: 'itself', keep: true },
  }));
  for (const life of lives) {
    const answer = await caller.patiently(life.journal, 'create', () =>
      caller.create(0, createRequest(life, { name: life.name, life: `before-${life.name}` })),
    );
    if (answer.code !== 'OK') life.journal.report('a call was refused', 'a sandbox', inWords(answer));
  }
  const phaseOf = async (name: string): Promise<string> => (await caller.get(0, name)).answer?.phase ?? '';
  await eventually(async () => ['Succeeded', 'Failed'].includes(await phaseOf('ended')), READ_MS, 200);
  say('stopping and starting the stack');
  await stack.down();
  await stack.up();
  await ready();
  await Promise.all(
    lives.map(async ({ name, program, journal: own }) => {
      const wanted = program.end ? [program.end.phase] : ['Lost', 'Failed'];
      await eventually(async () => wanted.includes(await phaseOf(name)), READ_MS, 200).catch(() => undefined);
      const reply = await caller.patiently(own, 'get after the start', () => caller.get(1, name));
      const came = reply.answer ? stateOf(reply.answer) : inWords(reply);
      own.note(came);
      const isRight =
        wanted.includes(reply.answer?.phase ?? '') && (!program.end || reply.answer?.exitCode === program.end.exitCode);
      if (!isRight)
        own.report('another phase', `${wanted.join(' or ')}, exit code ${program.end?.exitCode ?? 'none'}`, came);
      for (const gateway of caller.gateways.keys()) {
        const reading = { output: program.output, gateway, mayEnd: true, mayBeEarly: false };
        await readLog(caller, own, name, { ...reading, what: 'log of a Lost one', follow: false });
        await readLog(caller, own, name, { ...reading, what: 'follower of a Lost one', follow: true });
      }
      await caller.delete(own, 1, name);
    }),
  );
}
