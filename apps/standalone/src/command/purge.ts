import { createInterface } from 'node:readline/promises';
import { files, type Layout } from '../layout';
import { readText } from '../state-file';
import { down } from './down';
import { countSandboxes } from './end-containers';

/**
 * Ends everything of this installation and removes its state too. While sandboxes run, or may run, it asks for
 * confirmation at the terminal unless `yes` is given.
 * @returns the exit code: 1 without confirmation
 */
export async function purge(layout: Layout, yes: boolean): Promise<number> {
  const running = yes ? 0 : await countSandboxes(layout, readText(files.installation(layout)));
  if (running !== 0 && !(await isAgreed(question(running, layout)))) return 1;
  return down(layout, true);
}

/** Text of the question. Pure. @param running number of sandboxes; undefined: unknown */
export function question(running: number | undefined, { state, log }: Layout): string {
  const what =
    running === undefined ? 'sandboxes may run' : running === 1 ? '1 sandbox runs' : `${running} sandboxes run`;
  return `${what}: purge ends them, and removes objects, images, keys and logs (${state}, ${log})`;
}

async function isAgreed(text: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    process.stderr.write(`error: ${text}; give --yes to confirm (make purge YES=1)\n`);
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${text}. Type yes to go on: `);
  terminal.close();
  return answer.trim().toLowerCase() === 'yes';
}
