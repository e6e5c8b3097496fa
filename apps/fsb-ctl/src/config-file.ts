import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { usageError } from './command-error';

const KEYS = ['endpoint', 'namespace', 'caFile', 'tokenFile', 'certFile', 'keyFile', 'insecurePlaintext'];
const ConfigFile = z.looseObject({
  endpoint: z.string().optional(),
  namespace: z.string().optional(),
  caFile: z.string().optional(),
  tokenFile: z.string().optional(),
  certFile: z.string().optional(),
  keyFile: z.string().optional(),
  insecurePlaintext: z.boolean().optional(),
});

export type Config = Readonly<z.infer<typeof ConfigFile>>;

/**
 * Reads a configuration file. An unknown key is only a warning: the Go predecessor ignored it, and files written for it
 * must keep working.
 * @throws CommandError when the file is no JSON object, or a key has a value of the wrong type
 */
export function readConfig(path: string): Config {
  const parsed = ConfigFile.safeParse(json(path));
  if (!parsed.success) {
    const { path: at = [], message = '' } = parsed.error.issues[0] ?? {};
    throw usageError(
      `${path}: ${at.join('.')}${at.length > 0 ? ': ' : ''}${message} (keys: ${KEYS.join(', ')}; all strings but insecurePlaintext, which is true or false)`,
    );
  }
  for (const key of Object.keys(parsed.data)) {
    if (KEYS.includes(key)) continue;
    const why = key === 'editor' ? 'is ignored: set the variable EDITOR' : `is unknown (keys: ${KEYS.join(', ')})`;
    process.stderr.write(`warning: ${path}: the key "${key}" ${why}\n`);
  }
  return parsed.data;
}

function json(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw usageError(`${path}: ${error instanceof Error ? error.message : String(error)} (a JSON object is expected)`);
  }
}
