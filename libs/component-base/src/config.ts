import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';

/** A setting of a process: a flag, its environment variable, and the allowed values. */
export interface Flag<T> {
  readonly schema: z.ZodType<T, string | undefined>;
  readonly description: string;
  /** name of the variable; absent: the flag's name in upper snake case */
  readonly env?: string;
}
export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type ConfigOf<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

export interface Address {
  readonly host: string;
  /** 0: no listener */
  readonly port: number;
}

export interface ProcessDescription {
  readonly name: string;
  readonly description: string;
  /** whole command lines for `--help` */
  readonly examples?: readonly string[];
}

/** EX_CONFIG of sysexits.h */
const EXIT_CONFIG = 78;

/** @example agentPort: flag(port().default(5758), 'Port of the agents') // --agent-port, AGENT_PORT */
export function flag<T>(schema: z.ZodType<T, string | undefined>, description: string, env?: string): Flag<T> {
  return env === undefined ? { schema, description } : { schema, description, env };
}

export function port(): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^:?\d{1,5}$/, 'must be a port from 1 to 65535')
    .transform((text) => Number(text.replace(':', '')))
    .refine((value) => value >= 1 && value <= 65_535, 'must be a port from 1 to 65535');
}

/** Go's `host:port`. An empty host is every address; port 0 means no listener. */
export function address(): z.ZodType<Address, string> {
  return z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):\d{1,5}$/, 'must be host:port or :port, as in 127.0.0.1:9090')
    .transform((text) => {
      const colon = text.lastIndexOf(':');
      const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
      return { host: host === '' ? '0.0.0.0' : host, port: Number(text.slice(colon + 1)) };
    })
    .refine(({ port: value }) => value <= 65_535, 'port must be at most 65535');
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Longest timer of Node; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Go's durations, as in `500ms`, `10s`, `1m30s`, in milliseconds. */
export function duration(): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, 'must be a duration such as 500ms, 10s or 2m')
    .transform((text) =>
      [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
        (sum, [, amount, unit]) => sum + Number(amount) * (UNITS_MS[unit ?? ''] ?? 0),
        0,
      ),
    )
    .refine((ms) => ms <= MAX_TIMER_MS, 'must be at most 24 days');
}

/** A whole number from `least` to `most`. @param most has at most 15 digits */
export function wholeNumber(least: number, most: number): z.ZodType<number, string> {
  return z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: `must be a number from ${least} to ${most}`,
    })
    .transform(Number);
}

/** `--flag`, `--flag=true`, `--flag=false` */
export function boolean(): z.ZodType<boolean, string> {
  return z.enum(['true', 'false']).transform((text) => text === 'true');
}

/**
 * Reads each setting from its flag, else its environment variable, else its default. Exits with 78 after printing all
 * problems, or with 0 for `--help`.
 * @param argv the arguments without node and script
 * @param problemsOf problems that involve several flags, one line each
 */
export function loadConfig<F extends Flags>(
  process_: ProcessDescription,
  flags: F,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  problemsOf: (config: ConfigOf<F>) => readonly string[] = () => [],
): ConfigOf<F> {
  const command = describe(process_, flags);
  command.parse([...argv], { from: 'user' });
  const given: Record<string, string | undefined> = command.opts();
  const config: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, { schema, env: variable }] of Object.entries(flags)) {
    const fromFlag = given[key];
    const name = variable ?? upperSnake(key);
    // an empty variable counts as not set: a Pod template cannot leave one out
    const value = fromFlag ?? (env[name] === '' ? undefined : env[name]);
    const parsed = schema.safeParse(value);
    if (parsed.success) config[key] = parsed.data;
    else problems.push(`--${kebab(key)} (${name}): ${complaint(value, parsed.error)}`);
  }
  if (problems.length === 0) problems.push(...problemsOf(config as ConfigOf<F>));
  if (problems.length > 0) command.error(`${process_.name}: ${problems.join('\n')}`, { exitCode: EXIT_CONFIG });
  return Object.freeze(config) as ConfigOf<F>; // each key of F was parsed by its own schema just above
}

function complaint(value: string | undefined, error: z.ZodError): string {
  if (value === undefined) return 'is required';
  return `"${value}" ${error.issues.map(({ message }) => message).join('; ')}`;
}

function describe({ name, description, examples }: ProcessDescription, flags: Flags): Command {
  const command = new Command(name).description(description).allowExcessArguments(false);
  for (const [key, { schema, description: text, env }] of Object.entries(flags)) {
    if (key === 'v') continue; // the one short flag, added below
    const fallback = schema.safeParse(undefined);
    const shown = fallback.success && fallback.data !== undefined ? `, default ${print(fallback.data)}` : '';
    const isSwitch = schema.safeParse('false').data === false;
    const help = `${text} (env ${env ?? upperSnake(key)}${shown})`;
    const option = new Option(`--${kebab(key)} ${isSwitch ? '[true|false]' : '<value>'}`, help);
    command.addOption(isSwitch ? option.preset('true') : option);
  }
  command.addOption(
    new Option('-v [level]', 'more log detail; -v=4 shows everything').preset('1').argParser((text: string) => {
      if (!/^=?\d{1,2}$/.test(text)) throw new InvalidArgumentError('must be a number.');
      return text.replace('=', '');
    }),
  );
  if (examples?.length) command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  return command;
}

function print(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return `${String(value.host)}:${String(value.port)}`;
  }
  return String(value);
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function upperSnake(key: string): string {
  return kebab(key).replaceAll('-', '_').toUpperCase();
}
