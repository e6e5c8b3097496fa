import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';

const NOBODY = { uid: 65_534, gid: 65_534 };
/** /etc/hosts is a file of the node that root of the sandbox may write. */
const PLANT = 'cat /bin/busybox >/etc/hosts && chmod 4755 /etc/hosts && echo planted; sleep 1000';

describe('node-agent: its folders on the node', () => {
  let agent: AgentProcess;
  /** With mode 0755, as a kubelet makes a hostPath. */
  const node = mkdtempSync('/var/tmp/fsb-folders-');
  const runDir = join(node, 'run');

  beforeAll(async () => {
    mkdirSync(join(runDir, 'sandboxes'), { recursive: true });
    for (const folder of [node, runDir, join(runDir, 'sandboxes')]) chmodSync(folder, 0o755);
    agent = await AgentProcess.start('folders', { 'run-dir': runDir });
  }, 120_000);

  afterAll(async () => {
    await agent.stop();
    rmSync(node, { recursive: true, force: true });
  }, 60_000);

  it('keep users of the node from running a program that a sandbox wrote there', async () => {
    await agent.create('plants', { command: ['/bin/sh', '-c', PLANT] });
    const planted = join(runDir, 'sandboxes/plants/hosts');
    await eventually(() => (statSync(planted).mode & 0o4777) === 0o4755);
    expect(spawnSync(planted, [], { argv0: 'true' })).toMatchObject({ status: 0 }); // root can run it
    expect(spawnSync(planted, [], { argv0: 'true', ...NOBODY }).error).toMatchObject({ code: 'EACCES' });
    expect(statSync(join(runDir, 'sandboxes/plants')).mode & 0o777).toBe(0o700);
    await agent.post('delete', { sandboxId: 'plants', gracePeriodSeconds: 0 });
    await eventually(async () => (await agent.of('plants')) === undefined, 20_000);
  }, 60_000);
});
