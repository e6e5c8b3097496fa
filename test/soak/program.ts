import { type SeededRandom } from '../support/seeded-random';
import { awkScript, Output, type OutputShape, pythonScript } from './output';

/** The end that must be reported for a process. */
export interface End {
  readonly phase: 'Succeeded' | 'Failed';
  readonly exitCode: number;
  readonly reason: 'Completed' | 'Error' | 'OOMKilled';
}

/** The program of a sandbox, and the model of its result. */
export interface Program {
  /** description for the journal */
  readonly what: string;
  readonly image: 'busybox' | 'python';
  readonly command: readonly string[];
  /** a Kubernetes quantity */
  readonly memory: string | undefined;
  readonly output: Output;
  /** undefined: runs until it is ended */
  readonly end: End | undefined;
}

const LONGEST_MS = 300;
const OOM_MEMORY = { busybox: '16Mi', python: '64Mi' } as const;
/**
 * Exit code and cause of each signal. ILL, TRAP and FPE run machine code; ctypes reads address 0 for SEGV, and mmap a
 * page behind the file's end for BUS.
 */
const CRASHES = {
  SEGV: { code: 139, python: 'ctypes.string_at(0)' },
  BUS: {
    code: 135,
    python: 'f=open("/tmp/f","w+b");f.truncate(4096);m=mmap.mmap(f.fileno(),4096);f.truncate(0);m[0]',
  },
  ILL: { code: 132, python: 'run(b"\\x0f\\x0b")' },
  TRAP: { code: 133, python: 'run(b"\\xcc")' },
  FPE: { code: 136, python: 'run(b"\\x31\\xc9\\xf7\\xf1")' },
} as const;
const RUN_CODE = [
  'import ctypes,mmap,sys',
  'def run(code):',
  ' m=mmap.mmap(-1,4096,prot=7);m.write(code)',
  ' ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()',
];

/** A command of 0 to 300 ms with a few lines of output and any exit code. */
export function shortCommand(random: SeededRandom): Program {
  const output = new Output(shapeOf(random, random.between(0, 12)));
  const code = random.chance(0.4) ? 0 : random.between(1, 255);
  const ms = random.chance(0.25) ? 0 : random.between(0, LONGEST_MS);
  const asPython = random.chance(0.25);
  const waitsFirst = random.chance(0.5);
  const stream = random.chance(0.25) ? 'stderr' : 'stdout';
  const what = `${asPython ? 'python' : 'shell'}, ${ms} ms ${waitsFirst ? 'before' : 'after'} ${output.lines} lines, exit ${code}`;
  if (asPython) {
    const steps = [
      `time.sleep(${ms / 1000})`,
      `sys.${stream}.write(${JSON.stringify(output.text())});sys.${stream}.flush()`,
    ];
    const script = ['import sys,time', ...(waitsFirst ? steps : steps.reverse()), `sys.exit(${code})`].join('\n');
    return ended(what, { image: 'python', command: ['/usr/bin/python3', '-c', script] }, output, code);
  }
  const print = `printf %s '${output.text()}'${stream === 'stderr' ? ' >&2' : ''}`;
  const steps = [...(ms > 0 ? [`sleep ${ms / 1000}`] : []), ...(output.lines > 0 ? [print] : [])];
  const script = [...(waitsFirst ? steps : steps.reverse()), `exit ${code}`].join('; ');
  return ended(what, shell(script), output, code);
}

/** Long output, in one go or with pauses. @param lines maximum */
export function longOutput(random: SeededRandom, lines: number): Program {
  const shape = shapeOf(random, random.chance(0.5) ? lines : random.between(Math.min(1_000, lines), lines));
  const pauses = random.chance(0.5) ? random.between(1, 10) : 0;
  const code = random.chance(0.5) ? 0 : random.between(1, 255);
  const asPython = random.chance(0.3);
  const what = `${asPython ? 'python' : 'awk'}, ${shape.lines} lines, ${pauses} pauses, exit ${code}`;
  const body = asPython
    ? python(`${pythonScript(shape, pauses)}\nsys.exit(${code})`)
    : shell(`awk '${awkScript(shape, pauses)}'; exit ${code}`);
  return ended(what, body, new Output(shape), code);
}

/** A process that causes its own fatal signal, or whose child is killed by one. */
export function crash(random: SeededRandom): Program {
  const output = new Output(shapeOf(random, random.between(0, 3)));
  const signal = random.pick(Object.keys(CRASHES) as (keyof typeof CRASHES)[]);
  const [number, child] = random.pick([
    [9, 'KILL'],
    [11, 'SEGV'],
    [15, 'TERM'],
  ] as const);
  if (random.chance(0.5)) {
    const print = `sys.stdout.write(${JSON.stringify(output.text())});sys.stdout.flush()`;
    const { code, python: cause } = CRASHES[signal];
    return ended(`crash by SIG${signal}`, python([...RUN_CODE, print, cause].join('\n')), output, code);
  }
  // without `$$`, which the kubelet's expansion would reduce to `$`
  const killed = `sh -c 'sh -c "kill -${child} \\$PPID"; sleep 5'`;
  const script = `exec 2>/dev/null; ${killed}; code=$?; printf %s "${output.text()}"; exit $code`;
  return ended(`child's crash by SIG${child}`, shell(script), output, 128 + number);
}

export function outOfMemory(random: SeededRandom): Program {
  const output = new Output(shapeOf(random, random.between(0, 3)));
  const image = random.pick(['busybox', 'python'] as const);
  const body =
    image === 'busybox'
      ? shell(`printf %s '${output.text()}'; exec tail /dev/zero`)
      : python(
          `import sys\nsys.stdout.write(${JSON.stringify(output.text())});sys.stdout.flush()\na=[]\nwhile 1: a.append(bytearray(b"x"*1048576))`,
        );
  const end: End = { phase: 'Failed', exitCode: 137, reason: 'OOMKilled' };
  return { what: `out of memory (${image})`, ...body, memory: OOM_MEMORY[image], output, end };
}

/** A child that outlives its parent: the sandbox's first process, or one below it. */
export function outlivedParent(random: SeededRandom): Program {
  const output = new Output(shapeOf(random, random.between(1, 5)));
  const code = random.between(0, 255);
  if (random.chance(0.5)) {
    const script = `(while :; do sleep 1; done; echo late) & printf %s '${output.text()}'; exit ${code}`;
    return ended(`a child is left, exit ${code}`, shell(script), output, code);
  }
  const orphan = `sleep 0.1; printf %s "${output.text()}"; : >/tmp/done`;
  const script = `(setsid sh -c '${orphan}' &); while [ ! -e /tmp/done ]; do sleep 0.05; done; exit ${code}`;
  return ended(`an orphan writes, exit ${code}`, shell(script), output, code);
}

/** Runs until SIGTERM, then exits at once. */
export function runsOn(random: SeededRandom): Program {
  const output = new Output({ ...shapeOf(random, random.between(0, 8)), open: false });
  const print = output.lines > 0 ? `printf %s '${output.text()}'; ` : '';
  const script = `trap 'exit 0' TERM; ${print}sleep 100000 & wait`;
  return { what: 'runs on', ...shell(script), memory: undefined, output, end: undefined };
}

function ended(what: string, body: Pick<Program, 'image' | 'command'>, output: Output, exitCode: number): Program {
  const end: End =
    exitCode === 0
      ? { phase: 'Succeeded', exitCode, reason: 'Completed' }
      : { phase: 'Failed', exitCode, reason: 'Error' };
  return { what, ...body, memory: undefined, output, end };
}

function shapeOf(random: SeededRandom, lines: number): OutputShape {
  return { first: random.between(1, 2_000_000_000), lines, open: random.chance(0.2) };
}

function shell(script: string): Pick<Program, 'image' | 'command'> {
  return { image: 'busybox', command: ['/bin/sh', '-c', script] };
}

function python(script: string): Pick<Program, 'image' | 'command'> {
  return { image: 'python', command: ['/usr/bin/python3', '-c', script] };
}
