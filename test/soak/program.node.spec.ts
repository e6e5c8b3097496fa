import { spawnSync } from 'node:child_process';
import { SeededRandom } from '../support/seeded-random';
import { crash, longOutput, outlivedParent, type Program, shortCommand } from './program';

/** Programs that run as plain processes too, which proves the model itself. */
const RUNS: Readonly<Record<string, (random: SeededRandom) => Program>> = {
  'a short command': shortCommand,
  'long output': (random) => longOutput(random, 2_000),
};

describe('Program', () => {
  it.each(Object.entries(RUNS))('%s: ends and writes as the model says', (_what, make) => {
    for (let number = 0; number < 10; number++) compare(make(new SeededRandom(`${number}`)), 'either');
  });

  it('crash: ends with the signal of its child', () => {
    const programs = Array.from({ length: 20 }, (_, number) => crash(new SeededRandom(`${number}`)));
    const inShell = programs.filter(({ image }) => image === 'busybox');
    expect(inShell.length).toBeGreaterThan(3);
    for (const program of inShell) compare(program, 'stdout');
  });

  it('every program: has no `$$`, which a kubelet would reduce to `$`', () => {
    for (const make of [...Object.values(RUNS), crash, outlivedParent])
      for (let number = 0; number < 20; number++)
        expect(make(new SeededRandom(`${number}`)).command.join(' ')).not.toContain('$$');
  });
});

function compare({ image, command, output, end, what }: Program, stream: 'stdout' | 'either'): void {
  const [, ...args] = command;
  const [file, words] = image === 'python' ? ['/usr/bin/python3', args] : ['busybox', ['sh', ...args]];
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'latin1' });
  const whole = [...output.blocks()].map((block) => block.toString('latin1')).join('');
  expect({ what, status, text: stream === 'either' ? stdout + stderr : stdout }).toEqual({
    ...{ what, status: end?.exitCode, text: whole },
  });
}
