import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { messageOf } from '@fsb/api/errors';
import { files, type Layout } from '../layout';
import { endProcess } from '../process-identity';
import { readText } from '../state-file';
import { readRecords } from '../supervisor/process-record';
import { runningSupervisor } from '../supervisor/supervisor-lock';
import { endContainers, endPrivateContainerd } from './end-containers';
import { endPods, removeBridge, removeCgroups } from './end-pods';
import { Progress } from './progress';

/** The supervisor ends the services one after the other, each within its own grace period. */
const SUPERVISOR_MS = 90_000;
const SERVICE_MS = 27_000;

/**
 * Ends all processes and containers of this installation and removes what it made outside its state. Idempotent; also
 * works when the supervisor was killed.
 * @param purge removes the state too: objects, images of a private containerd, keys, logs
 * @returns the exit code: 1 when something could not be ended
 */
export async function down(layout: Layout, purge = false): Promise<number> {
  const progress = new Progress();
  const failures: string[] = [];
  const step = async (what: string, work: () => Promise<string | undefined>): Promise<void> => {
    try {
      const done = await work();
      if (done !== undefined) progress.line(`${what}: ${done}`);
    } catch (error) {
      failures.push(what);
      progress.line(`${what}: failed, ${messageOf(error)}`);
    }
  };
  const installation = readText(files.installation(layout));
  await step('services', () => endServices(layout));
  await step('agents', () => endPods(layout, installation));
  await step('sandboxes', () => endContainers(layout, installation));
  await step('containerd', () => endPrivateContainerd(layout));
  if (installation !== undefined) {
    await step('network', () => removeBridge(installation));
    await step('cgroups', () => removeCgroups(installation));
  }
  if (failures.length > 0) {
    // the records stay for a retry
    process.stderr.write(`not everything has ended (${failures.join(', ')}); run down again\n`);
    return 1;
  }
  removeFolders(layout, purge);
  progress.line(
    purge ? 'everything is removed' : `everything has ended; objects, images and keys are kept in ${layout.state}`,
  );
  return 0;
}

async function endServices(layout: Layout): Promise<string> {
  const supervisor = runningSupervisor(layout);
  if (supervisor) await endProcess(supervisor, SUPERVISOR_MS);
  const left = readRecords(layout).filter(({ name }) => name !== 'containerd');
  await Promise.all(left.map(({ process }) => endProcess(process, SERVICE_MS)));
  return supervisor ? 'ended' : `no supervisor was running; ended ${left.length} processes`;
}

function removeFolders(layout: Layout, purge: boolean): void {
  const folders = [layout.run, ...(purge ? [layout.state, layout.log] : [])];
  for (const folder of folders) {
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  const { root } = layout;
  if (purge && root !== undefined && existsSync(root) && readdirSync(root).length === 0) rmdirSync(root);
}
