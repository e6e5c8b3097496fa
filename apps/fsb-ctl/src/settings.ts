import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { type Check, ENDPOINT, NAMESPACE } from './checks';
import { usage } from './command-error';

export interface GlobalFlags {
  readonly endpoint?: string;
  readonly namespace?: string;
  readonly config?: string;
  readonly timeout?: number;
}

export interface Settings {
  readonly endpoint: string;
  readonly namespace: string;
  readonly editor: string | undefined;
  /** as asked for; absent means the command's own */
  readonly timeoutMs: number | undefined;
}

/** A value and where it came from, which is what an error about it has to say. */
type Candidate = readonly [source: string, value: string | undefined];
type Environment = Readonly<Record<string, string | undefined>>;

/** A flag wins over the environment, that over the configuration file, that over the default. */
export async function settingsOf(flags: GlobalFlags, env: Environment = process.env): Promise<Settings> {
  const path = configPath(flags.config);
  const file = path === undefined ? {} : (await import('./config-file.js')).readConfig(path);
  const inFile = (key: string): string => `"${key}" in ${path ?? ''}`;
  // empty is as good as absent, as everywhere in a shell
  const set = (variable: string): string | undefined => (env[variable] === '' ? undefined : env[variable]);
  return {
    endpoint: first(ENDPOINT, [
      ['--endpoint', flags.endpoint],
      ['FSB_ENDPOINT', set('FSB_ENDPOINT')],
      ['ENDPOINT', set('ENDPOINT')],
      [inFile('endpoint'), file.endpoint],
      ['', 'localhost:9090'],
    ]),
    namespace: first(NAMESPACE, [
      ['--namespace', flags.namespace],
      ['FSB_NAMESPACE', set('FSB_NAMESPACE')],
      ['NAMESPACE', set('NAMESPACE')],
      [inFile('namespace'), file.namespace],
      ['', 'default'],
    ]),
    editor: set('EDITOR') ?? file.editor,
    timeoutMs: flags.timeout,
  };
}

function first(check: Check, candidates: readonly Candidate[]): string {
  for (const [source, value] of candidates) {
    if (value === undefined) continue;
    if (!check.allows(value)) throw usage(`${source}: "${value}": ${check.rule}`);
    return value;
  }
  return '';
}

/** The first that exists is the only one read. */
function configPath(flag: string | undefined): string | undefined {
  if (flag !== undefined) {
    if (!existsSync(flag)) throw usage(`--config: there is no file ${flag}`);
    return flag;
  }
  return [resolve('.fsb/config.json'), join(homedir(), '.fsb/config.json')].find((path) => existsSync(path));
}
