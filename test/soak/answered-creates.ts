import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { files, type Layout } from '../../apps/standalone/src/layout';

const LEFT = '"sandbox.fast.io/caller-left":"true"';
const ANSWERED = '"sandbox.fast.io/grpc-status":"OK"';

/**
 * Whether a gateway answered the create of that name before it noticed that the caller had left, by the audit logs.
 * Then answer and cancellation crossed, and no server can know that the answer was not read.
 */
export function hadAnswered(layout: Layout, name: string): boolean {
  const folder = files.audit(layout);
  const lines = readdirSync(folder)
    .filter((file) => file.startsWith('gateway'))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line.includes('/CreateSandbox"') && line.includes(`"name":"${name}"`));
  return lines.some((line) => line.includes(ANSWERED) && !line.includes(LEFT));
}
