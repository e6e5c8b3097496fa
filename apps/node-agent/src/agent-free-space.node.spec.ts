import { statfsSync } from 'node:fs';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';
import { importProber, PROBER_IMAGE } from './testing/prober-image';

const LONG_MS = 60_000;
const DISK_MB = 700;
const LEAST = 400 * 1024 * 1024;
const WRITER = ['/bin/sh', '-c', 'dd if=/dev/zero of=/big bs=1M count=300; sleep 1000'];

/** Each sandbox may write 10 GiB, so that only the disk itself is short. */
describe.each([
  ['that sees the processes', false],
  ['in a Pod, which sees none of them', true],
])('node-agent: low free space, an agent %s', (_where, ownProcesses) => {
  let agent: AgentProcess;

  beforeAll(async () => {
    const flags = { 'min-free-storage': String(LEAST), 'storage-interval': '1s' };
    agent = await AgentProcess.start('space', flags, { diskMb: DISK_MB, ownProcesses });
    importProber(agent);
  }, 120_000);

  afterAll(() => agent.stop(), 60_000);

  it.each(['hide-nameless', 'hide-unlinked', 'a file'])(
    'evicts the sandbox that has grown most (%s), and no other',
    async (what) => {
      const id = what.replace(' ', '-');
      const command = ['/bin/sh', '-c', 'dd if=/dev/zero of=/old bs=1M count=20; sleep 1000'];
      expect(await agent.create('quiet', { command })).toMatchObject({ status: 200 });
      const writer = what === 'a file' ? { command: WRITER } : { image: PROBER_IMAGE, command: ['/prober', what] };
      expect(await agent.create(id, writer)).toMatchObject({ status: 200 });
      const ended = await agent.ended(id, LONG_MS);
      expect(ended).toMatchObject({ phase: 'failed', reason: 'Evicted', exitCode: 137 });
      expect(ended.message).toMatch(
        new RegExp(`the node was low on storage: \\d+ bytes .* ${LEAST} are kept; .* grown most, by \\d+ bytes`),
      );
      await eventually(() => free() > LEAST, LONG_MS);
      expect(await agent.of('quiet')).toMatchObject({ phase: 'running' });
      for (const sandboxId of [id, 'quiet']) await agent.post('delete', { sandboxId, gracePeriodSeconds: 0 });
      await eventually(async () => (await agent.status()).sandboxStatuses.length === 0, LONG_MS);
    },
    90_000,
  );

  function free(): number {
    const { bavail, bsize } = statfsSync(agent.path('root'));
    return bavail * bsize;
  }
});
