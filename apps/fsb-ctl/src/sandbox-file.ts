import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Check, ENV_NAME, FOLDER, LABEL_KEY, LABEL_VALUE, NAME, NOT_EMPTY, PORT, QUANTITY } from './checks';
import { usageError } from './command-error';
import type { SandboxFile } from './create-request';
import { SandboxManifest } from './sandbox-manifest';

const text = (check: Check): z.ZodString => z.string('must be a string').refine(check.allows, check.rule);
const texts = z.array(z.string('must be a string'), 'must be a list of strings');
const pairs = (key: Check, value: z.ZodString): z.ZodRecord<z.ZodString, z.ZodString> =>
  z.record(text(key), value, 'must be a mapping of names to strings');

/** Keys of the Go predecessor. Every scalar arrives as a string, as the file spells it (see `yaml`), and as there. */
const Schema = z.strictObject(
  {
    image: text(NOT_EMPTY).optional(),
    pool_ref: text(NAME).optional(),
    exposed_ports: z.array(text(PORT).transform(Number), 'must be a list of ports').optional(),
    consistency_mode: z
      .string()
      .toLowerCase()
      .pipe(z.enum(['fast', 'strong'], 'must be fast or strong'))
      .optional(),
    command: texts.optional(),
    args: texts.optional(),
    envs: pairs(ENV_NAME, z.string('must be a string')).optional(),
    working_dir: text(FOLDER).optional(),
    labels: pairs(LABEL_KEY, text(LABEL_VALUE)).optional(),
    resources: z
      .strictObject(
        {
          cpu: text(QUANTITY).optional(),
          memory: text(QUANTITY).optional(),
          pids: text(QUANTITY).optional(),
          ephemeral_storage: text(QUANTITY).optional(),
        },
        'must be a mapping of cpu, memory, pids and ephemeral_storage',
      )
      .optional(),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping, as in "image: busybox"' : undefined) },
);

/**
 * @param path `-` is standard input
 * @throws CommandError when the file cannot be read or its content is invalid
 */
export function readSandboxFile(path: string): SandboxFile {
  let content: string;
  try {
    content = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw usageError(`--file: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseSandboxFile(content, path === '-' ? 'standard input' : path);
}

/**
 * @param source names the content in errors
 * @throws CommandError when the content is invalid; it names every invalid field
 */
export function parseSandboxFile(content: string, source: string): SandboxFile {
  const value = yaml(content, source);
  const parsed = isManifest(value) ? SandboxManifest.safeParse(value) : Schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw usageError(`${source}: ${parsed.error.issues.map(describe).join('; ')}`);
}

/** Whether the file is a Kubernetes object; else it has the keys of the Go predecessor. */
function isManifest(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('kind' in value || 'apiVersion' in value || 'spec' in value);
}

function yaml(content: string, source: string): unknown {
  try {
    // failsafe: no numbers, booleans or dates, so that a variable's value 0123, on or 1.10 stays as written
    return parse(content, { schema: 'failsafe', logLevel: 'error' }) ?? {};
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw usageError(`${source}: not valid YAML: ${line.replace(/:$/, '')}`);
  }
}

/** Mappings whose allowed keys an error about an unknown key lists. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(Schema.shape),
  resources: ['cpu', 'memory', 'pids', 'ephemeral_storage'],
};

function describe(issue: z.core.$ZodIssue): string {
  const at = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  const field = at.replace(/^\./, '');
  if (issue.code === 'unrecognized_keys') {
    const allowed = ALLOWED[field];
    if (allowed === undefined)
      return `${field === '' ? '' : `${field}: `}unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
    return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')} (keys: ${allowed.join(', ')})`;
  }
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return field === '' ? message : `${field}: ${message}`;
}
