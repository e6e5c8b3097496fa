import type { SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { stringify } from 'yaml';
import { age } from './age';

/** The names of the wire, in its order. */
const FIELDS: readonly (readonly [keyof SandboxInfo, string])[] = [
  ['sandboxId', 'sandbox_id'],
  ['phase', 'phase'],
  ['agentPod', 'agent_pod'],
  ['endpoints', 'endpoints'],
  ['createdAt', 'created_at'],
  ['image', 'image'],
  ['poolRef', 'pool_ref'],
  ['sandboxName', 'sandbox_name'],
  ['nodeName', 'node_name'],
  ['exitCode', 'exit_code'],
  ['reason', 'reason'],
  ['message', 'message'],
  ['namespace', 'namespace'],
];
/** Those that the original's YAML has always, empty or not. */
const ALWAYS = 8;

/** Without empty fields. An exit code of 0 is not empty: the field is absent while the process runs. */
export function asJson(sandbox: SandboxInfo): string {
  const shown = FIELDS.filter(([field]) => !isEmpty(sandbox[field]) || field === 'exitCode');
  return `${JSON.stringify(Object.fromEntries(shown.map(([field, name]) => [name, sandbox[field]])), null, 2)}\n`;
}

export function asYaml(sandbox: SandboxInfo, nowMs: number): string {
  const shown = FIELDS.filter(
    ([field], index) => index < ALWAYS || !isEmpty(sandbox[field]) || (field === 'exitCode' && sandbox.exitCode === 0),
  );
  const values = shown.map(([field]) => [field.toLowerCase(), sandbox[field]] as const);
  return `${stringify(Object.fromEntries(values), { lineWidth: 0 })}Age: ${age(sandbox.createdAt, nowMs)}\n`;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || value === 0 || (Array.isArray(value) && value.length === 0);
}
